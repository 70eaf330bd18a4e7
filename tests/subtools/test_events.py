from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.subtools.declare.types import MAX_EVENT_DATA_BYTES
from customerio_tool.subtools.events import track_anonymous_event
from tests.subtools.calls import body_of, refusal_of

INVITE = {"name": "invited", "recipient": "ada@example.com"}


def test_the_limit_of_an_events_data_holds_for_what_is_sent_with_the_recipient() -> None:
    data = {"a": "x" * (MAX_EVENT_DATA_BYTES - 20)}

    (problem,) = refusal_of(track_anonymous_event, **INVITE, data=data).fields

    assert problem.path == "data"
    assert "recipient" in problem.fix
    assert body_of(track_anonymous_event, name="invited", anonymous_id="v", data=data)["data"]


@pytest.mark.parametrize("name", ["recipient", "Recipient", " recipient"])
@pytest.mark.parametrize("value", ["bob@example.com", None])
def test_an_invitation_whose_data_names_another_recipient_is_refused(name: str, value: Any) -> None:
    (problem,) = refusal_of(track_anonymous_event, **INVITE, data={name: value}).fields

    assert problem.path == "data"
    assert "recipient" in problem.problem


def test_an_invitation_may_repeat_its_recipient_in_the_data() -> None:
    body = body_of(track_anonymous_event, **INVITE, data={"recipient": "ada@example.com"})

    assert body["data"] == {"recipient": "ada@example.com"}
