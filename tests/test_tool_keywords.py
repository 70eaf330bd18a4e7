"""A tool takes its connection as one value or field by field, and says which mix is wrong."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from customerio_tool import ConnectionInvalid, CustomerIoTool, Sandbox
from tests.support.clients import APP, TRACK
from tests.support.clients import SAVED_US as _SAVED_US

SAVED_US: dict[str, Any] = {**_SAVED_US}


def refused(*given: Any, **named: Any) -> str:
    """Make a tool, and return the refusal with the variables of its frames."""
    try:
        CustomerIoTool(*given, **named)
    except (TypeError, ConnectionInvalid) as error:
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        told = traceback.TracebackException(type(error), error, trace, capture_locals=True)
        return "".join(told.format())
    raise AssertionError("it was not refused")


def test_the_fields_may_be_keywords(sandbox: Sandbox) -> None:
    saved: dict[str, Any] = sandbox.connection()
    with CustomerIoTool(**saved, workspace_id=None) as tool:
        assert tool.call("list_segments")["ok"]


def test_a_blank_optional_field_counts_as_not_given() -> None:
    with CustomerIoTool(**{**SAVED_US, "region": " "}) as tool:
        assert "track_event" in tool.subtools()


def test_a_saved_policy_is_read_among_the_keywords() -> None:
    with CustomerIoTool(**SAVED_US, policy="read_only") as tool:
        assert "track_event" not in tool.subtools()


def test_a_bad_field_among_the_keywords_is_named() -> None:
    told = refused(**{**SAVED_US, "track_api_key": "", "colour": "blue"})
    assert "ConnectionInvalid" in told
    assert "track_api_key" in told
    assert "colour is not a field of a connection" in told


@pytest.mark.parametrize(
    ("given", "named", "words"),
    [
        ((), {}, "site_id=..., track_api_key=..., app_api_key=..."),
        ((None,), {}, "There is no connection"),
        ((SAVED_US,), {"region": "eu"}, "region is given beside a connection"),
        ((SAVED_US,), {"polcy": "careful"}, "polcy is not a keyword of CustomerIoTool; did you mean policy?"),  # noqa: E501
        ((SAVED_US,), {"x": 1}, "the keywords are policy, lookups, session, backends, clock, timeouts"),  # noqa: E501
        ((SAVED_US,), {"ada@example.com": 1}, "<withheld> is not a keyword"),
    ],
)  # fmt: skip
def test_a_wrong_mix_is_a_type_error_that_says_what_to_give(
    given: tuple[Any, ...], named: dict[str, Any], words: str
) -> None:
    told = refused(*given, **named)
    assert "TypeError" in told
    assert words in told


@pytest.mark.parametrize("extra", [{"x": TRACK}, {"track_api_key": TRACK}, {"polcy": APP}])
def test_no_frame_of_a_refusal_holds_a_key(extra: dict[str, Any]) -> None:
    told = refused(SAVED_US, **extra)
    assert TRACK not in told
    assert APP not in told
