"""What is kept of a call that waits for a person: a worker of another version may make it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.kept_call import call_of, kept
from customerio_tool.calls.seen import Seen
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Invocation

AT = Invocation(now=1_763_900_000.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
LATER = Invocation(now=1_763_900_060.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZ0")
SEEN = Seen(True, "It is there.", {"existed": True, "target": {"id": "zoë"}}, ["id", "zoë"])
TEXT = (
    '{"subtool":"delete_customer","arguments":{"customer_id":"zo\\u00eb"},"reading":"",'
    '"run_id":"r","door":"mcp","sends_again":true,"seen":[true,"It is there.",'
    '{"existed":true,"target":{"id":"zo\\u00eb"}},["id","zo\\u00eb"]]}'
)


def call(arguments: Any, context: CallContext, **more: Any) -> Call[Any]:
    subtool = find("delete_customer")
    return Call(subtool, subtool.parse(arguments), AT, context, **more)


def test_a_call_is_kept_with_who_asked_and_what_was_seen() -> None:
    whole = CallContext(run_id="r", door="mcp", deadline_seconds=5, cancelled=lambda: True)
    assert kept(call({"customer_id": "zoë"}, whole, sends_again=True, seen=SEEN)).decode() == TEXT


def test_a_kept_call_is_made_now_by_who_asked_then() -> None:
    made = call_of(TEXT.encode(), LATER)
    assert made.subtool.name == "delete_customer"
    assert made.arguments() == {"customer_id": "zoë"}
    assert made.at is LATER
    assert made.context == CallContext(run_id="r", door="mcp")
    assert (made.sends_again, made.seen) == (True, SEEN)
    assert made.seen
    assert (made.seen.members, made.seen.identity) == (SEEN.members, SEEN.identity)


@pytest.mark.parametrize("door", [{}, {"door": ""}])
def test_a_call_that_was_kept_without_its_door_has_none(door: dict[str, str]) -> None:
    plain = {**json.loads(TEXT), "run_id": None, "sends_again": False, "seen": None}
    del plain["door"]
    made = call_of(json.dumps({**plain, **door}).encode(), AT)
    assert made.context == CallContext(door="")
    assert (made.sends_again, made.seen) == (False, None)


def test_how_other_words_were_read_is_kept() -> None:
    asked = call({"customer_id": "u1"}, CallContext())
    asked.args.read_as("`until` was read as noon.")
    again = call_of(kept(asked), AT)
    assert again.args.reading == "`until` was read as noon."
    assert again.arguments() == {"customer_id": "u1"}
    assert kept(again) == kept(asked)
