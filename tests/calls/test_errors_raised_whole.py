"""An error that is raised says what its envelope says: cleaned, without keys, and cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.errors import ArgumentsInvalid, CustomerIoError, FieldProblem, Look, NotFound
from customerio_tool.subtools.declare.results import AS_DATA
from customerio_tool.subtools.declare.vendor_json import MAX_RESULT_CHARS, chars_of
from tests.support.answers import session_with
from tests.support.clients import EMAIL, SAVED_US, AnyPace
from tests.support.telemetry import NOW
from tests.support.whole import still

KEY = SAVED_US["app_api_key"]


@pytest.fixture
def tool() -> Iterator[CustomerIoTool]:
    """A tool whose every request is answered 404, in words that hold a key."""
    with CustomerIoTool(
        SAVED_US,
        policy="open",
        session=session_with({"errors": [f"no {KEY}"]}, 404),
        backends=Backends(limiter=AnyPace()),
        clock=still(),
    ) as made:
        yield made


def raised(tool: CustomerIoTool, name: str, arguments: Any) -> CustomerIoError:
    with pytest.raises(CustomerIoError) as failed:
        tool.run(name, arguments)
    assert failed.value.as_result() == tool.call(name, arguments)
    return failed.value


def test_the_words_of_customer_io_are_in_its_extra(tool: CustomerIoTool) -> None:
    error = raised(tool, "track_event", {"customer_id": "u1", "name": "paid"})
    summary = (
        "Customer.io knows nothing by this id (HTTP 404). Ask the user whether the id is right. "
        f"{AS_DATA}"
    )
    assert isinstance(error, NotFound)
    assert (str(error), error.args, error.summary) == (summary, (summary,), summary)
    ulid = "01KARA427M0000000000000000"
    assert error.extra == {"event_id": ulid, "said": "no ***", "untrusted": True}
    assert (error.fields, error.look, error.corrected) == ((), None, None)


def test_its_problems_have_no_key_and_no_hidden_character(tool: CustomerIoTool) -> None:
    error = raised(tool, "track_event", {"customer_id": "u1", "name": "a", f"z\u200b{KEY}": 1})
    fix = "choose from customer_id, name, data, timestamp, event_id."
    assert error.fields == (FieldProblem("z***", "is not an argument of this subtool", fix),)
    assert error.summary == f"Nothing was sent. z*** is not an argument of this subtool; {fix}"
    assert error.extra == {}


def test_the_call_that_is_meant_is_whole_or_not_told(tool: CustomerIoTool) -> None:
    past = {**EMAIL, "send_at": int(NOW) - 5}
    error = raised(tool, "send_transactional_email", past)
    assert isinstance(error, ArgumentsInvalid)
    assert error.corrected == EMAIL
    error = raised(tool, "send_transactional_email", {**past, "subject": f"Hi {KEY}"})
    assert error.corrected is None
    assert "try" not in error.as_result()["error"]
    assert "`try`" not in error.summary
    assert error.args == (error.summary,)


def test_a_look_is_told_without_keys(tool: CustomerIoTool) -> None:
    error = raised(tool, "delete_segment", {"segment_id": 1, "name": f"Beta {KEY}"})
    assert error.look == Look("list_segments", {"name_contains": "Beta ***"})


def test_of_very_many_problems_the_first_are_told(tool: CustomerIoTool) -> None:
    error = raised(tool, "track_event", {f"{'n' * 900}{number}": 1 for number in range(400)})
    assert isinstance(error, ArgumentsInvalid)
    assert len(error.fields) == 20
    assert error.summary.endswith("And 18 more.")
    assert chars_of(error.as_result()) <= MAX_RESULT_CHARS
