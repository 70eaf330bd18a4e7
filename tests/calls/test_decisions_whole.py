"""A call that waits: its question, who decided about it, and what watchers learn of all that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.telemetry.events import CallEnd, CallStart, Decision
from customerio_tool.calls.call import Exchange
from customerio_tool.calls.waiting_calls import Question
from customerio_tool.calls.watch import keyed_hash
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.subtools.declare.identifiers import is_ulid
from tests.support.answers import session_with
from tests.support.clients import EMAIL, SAVED_US, AnyPace, code_of
from tests.support.confirming import NOW, Time, written
from tests.support.deciding import DESK, MONDAY, SEND, TO_ADA, UNKNOWN, tool_on
from tests.support.telemetry import Recorder


@pytest.fixture
def told() -> Recorder:
    """Who is told of every call."""
    return Recorder()


@pytest.fixture
def tool(vendor: responses.RequestsMock, time: Time, told: Recorder) -> Iterator[CustomerIoTool]:
    """A tool whose every erasure and message waits for a person."""
    with tool_on(time, told) as made:
        yield made


def test_a_question_has_all_that_a_person_decides_about(tool: CustomerIoTool, time: Time) -> None:
    waiting = tool.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
    time.now += 60
    other = tool.call("delete_customer", {"customer_id": "u1"})["confirmation_id"]
    unread = (
        "Whether anybody has this id could not be read before, so that a read which finds nobody "
        "later proves nothing."
    )
    questions = [
        Question(
            confirmation_id=waiting,
            subtool=SEND,
            sentence=TO_ADA,
            arguments=EMAIL,
            asked_at=NOW,
            ends_at=NOW + 600,
            in_doubt=False,
            run_id="monday",
            door="mcp",
        ),
        Question(
            confirmation_id=other,
            subtool="delete_customer",
            sentence=f'Delete the person "u1" and all of their data, for good. {unread}',
            arguments={"customer_id": "u1"},
            asked_at=NOW + 60,
            ends_at=NOW + 660,
            in_doubt=False,
            run_id=None,
            door="python",
        ),
    ]
    assert tool.waiting() == questions
    assert [tool.question(waiting), tool.question(other)] == questions
    time.now = NOW + 600
    assert tool.waiting() == questions[1:]
    assert tool.question(waiting) is None
    for decided in (tool.approve(waiting), tool.decline(waiting)):
        assert decided == UNKNOWN


def test_an_equal_call_of_the_same_run_is_the_same_question(tool: CustomerIoTool) -> None:
    def asked(context: CallContext | None = None, **more: Any) -> str:
        return str(tool.call(SEND, {**EMAIL, **more}, context=context)["confirmation_id"])

    first = asked(MONDAY)
    assert asked(CallContext(run_id="monday", door="other")) == first
    others = {asked(DESK), asked(), asked(CallContext(run_id="")), asked(MONDAY, subject="Hi")}
    assert len(others) == 3
    assert first not in others


def test_each_decision_is_told_with_its_door_and_the_run_that_asked(
    tool: CustomerIoTool, told: Recorder, vendor: responses.RequestsMock
) -> None:
    shown: list[Exchange] = []
    first = tool.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
    second = tool.call(SEND, {**EMAIL, "subject": "Hi"}, context=MONDAY)["confirmation_id"]
    sent = tool.approve(
        first, context=CallContext(run_id="x", door="desk", on_exchange=shown.append)
    )
    assert (sent["ok"], sent["outcome"]) == (True, "accepted")
    assert [each.request.path for each in shown] == ["/v1/send/email"]
    assert tool.decline(second, context=DESK) == {
        "ok": False,
        "summary": f"Nothing was sent: a person declined this call of {SEND}. Do not ask for it "
        "again.",
        "error": {"code": "policy_refused", "next_step": "give_up", "took_effect": "no"},
    }
    for decided in (tool.approve(first), tool.decline(second)):
        assert decided == UNKNOWN
    key = Connection.load(SAVED_US).digest.encode()
    call: dict[str, Any] = {"subtool": SEND, "effect": "send", "api": "app", "started_at": NOW}
    call |= {"run_id": "monday", "id_type": "id", "person": keyed_hash(key, "u1")}
    doors: list[tuple[str, Decision | None]] = [
        ("mcp", None),
        ("mcp", None),
        ("desk", "approved"),
        ("desk", "declined"),
    ]
    assert told.calls == [
        CallStart(each.call_id, **call, door=door, decision=decision)
        for each, (door, decision) in zip(told.calls, doors, strict=True)
    ]
    assert told.ends == [
        CallEnd("confirmation_required", ok=False, attempts=0, seconds=0.0),
        CallEnd("confirmation_required", ok=False, attempts=0, seconds=0.0),
        CallEnd("accepted", ok=True, attempts=1, seconds=0.0),
        CallEnd("policy_refused", ok=False, attempts=0, seconds=0.0),
    ]
    assert written(vendor) == 1


def test_a_call_without_a_decision_is_told_as_it_is(
    vendor: responses.RequestsMock, time: Time, told: Recorder
) -> None:
    with tool_on(time, told, confirm="never") as tool:
        tool.call("list_segments", context=DESK)
        paid = tool.call("track_event", {"customer_id": "ada@example.com", "name": "paid"})
        tool.call("track_event", {})
    ada = keyed_hash(Connection.load(SAVED_US).digest.encode(), "ada@example.com")
    event: dict[str, Any] = {
        "subtool": "track_event",
        "effect": "record",
        "api": "track",
        "started_at": NOW,
    }
    listing: dict[str, Any] = {
        "subtool": "list_segments",
        "effect": "read",
        "api": "app",
        "started_at": NOW,
    }
    ids = [each.call_id for each in told.calls]
    assert ids[1] == paid["event_id"]
    assert all(map(is_ulid, ids))
    assert told.calls == [
        CallStart(ids[0], **listing, run_id="another", door="desk"),
        CallStart(ids[1], **event, id_type="email", person=ada),
        CallStart(ids[2], **event),
    ]
    assert [(each.outcome, each.ok, each.attempts) for each in told.ends] == [
        ("reply_unreadable", False, 1),
        ("accepted", True, 1),
        ("arguments_invalid", False, 0),
    ]


def test_a_message_that_may_have_gone_is_asked_about_as_such(time: Time, told: Recorder) -> None:
    anew = {**EMAIL, "idempotency_key": "again"}
    with responses.RequestsMock() as net, tool_on(time, told, confirm="never") as tool:
        net.post("https://api.customer.io/v1/send/email", status=500)
        assert code_of(tool.call(SEND, EMAIL, context=MONDAY)) == "outcome_unknown"
        time.now += 30
        again = tool.call(SEND, anew, context=MONDAY)
        assert code_of(again) == "confirmation_required", again
        third = tool.call(SEND, {**EMAIL, "idempotency_key": "third"}, context=MONDAY)
        assert third["confirmation_id"] == again["confirmation_id"], "one message, one question"
        assert tool.waiting() == [
            Question(
                confirmation_id=again["confirmation_id"],
                subtool=SEND,
                sentence=f"{TO_ADA} The same message may have gone already.",
                arguments=anew,
                asked_at=NOW + 30,
                ends_at=NOW + 630,
                in_doubt=True,
                run_id="monday",
                door="mcp",
            )
        ]


def test_nobody_is_asked_about_a_message_that_its_run_may_not_send(
    vendor: responses.RequestsMock, time: Time, told: Recorder
) -> None:
    with tool_on(time, told, send_budget=1) as tool:
        waiting = tool.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
        assert tool.approve(waiting)["ok"]
        spent = tool.call(SEND, {**EMAIL, "subject": "Hi"}, context=MONDAY)
        assert code_of(spent) == "policy_refused"
        assert tool.waiting() == []
        other = tool.call(SEND, {**EMAIL, "subject": "Hi"}, context=DESK)
        assert code_of(other) == "confirmation_required"
    assert written(vendor) == 1


def test_the_id_of_a_call_is_of_its_time_and_of_ten_random_bytes(told: Recorder) -> None:
    asked: list[int] = []

    def entropy(count: int) -> bytes:
        asked.append(count)
        return b"\xff" * count

    with CustomerIoTool(
        SAVED_US,
        session=session_with({"segments": []}),
        backends=Backends(limiter=AnyPace(), telemetry=[told]),
        clock=Clock(now=Time(), entropy=entropy),
    ) as tool:
        tool.call("list_segments")
    assert told.calls[0].call_id == "01M844DZG0ZZZZZZZZZZZZZZZZ"
    assert asked == [10]


def test_the_policy_of_now_decides_about_a_call_that_waited(
    vendor: responses.RequestsMock, time: Time, told: Recorder
) -> None:
    for changed, code in (
        ({"enabled": ["get_segment"]}, "subtool_disabled"),
        ({"allowed_recipients": ["b.io"]}, "policy_refused"),
        ({"send_budget": 0}, "policy_refused"),
    ):
        approvals = MemoryApprovals()
        with (
            tool_on(time, told, approvals) as asker,
            tool_on(time, told, approvals, **changed) as decider,
        ):
            waiting = asker.call(SEND, EMAIL)["confirmation_id"]
            result = decider.approve(waiting)
            assert code_of(result) == code
            assert result["error"]["took_effect"] == "no"
            assert "Nothing was read" not in result["summary"]
            assert asker.approve(waiting) == UNKNOWN
    assert written(vendor) == 0


def test_an_approved_call_tells_of_its_target_only_what_was_read_then(
    time: Time, told: Recorder
) -> None:
    both = {"customer_id": "u7", "email": "ada@example.com"}
    ada = {"id": "u1", "identifiers": {"id": "u1", "email": "ada@example.com", "cio_id": "d9"}}
    approvals = MemoryApprovals()
    with (
        responses.RequestsMock() as net,
        tool_on(time, told, approvals) as asker,
        tool_on(time, told, approvals, confirm="never") as decider,
    ):
        net.get(re.compile("https://api"), json={"customer": ada})
        net.put(re.compile("https://track"), json={})
        asked = asker.call("identify_customer", both)
        assert asked["target"]["id"] == "u1"
        done = decider.approve(asked["confirmation_id"])
        assert written(net) == 1
        assert len(net.calls) == 2
    assert done["ok"]
    assert "target" not in done


def test_an_approved_call_names_the_look_ups_of_the_policy_now(time: Time, told: Recorder) -> None:
    with responses.RequestsMock() as net, tool_on(time, told, lookups=True) as tool:
        net.post("https://api.customer.io/v1/send/email", status=404)
        sent = tool.approve(tool.call(SEND, EMAIL)["confirmation_id"])
    assert "list_transactional_messages" in sent["summary"]
