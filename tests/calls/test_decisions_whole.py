"""A call that waits: its question, who decided about it, and what watchers learn of all that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.sqlite import SqliteApprovals
from customerio_tool.backends.approvals.waiting import Approvals, ApprovalsLost, Waiting
from customerio_tool.backends.telemetry.events import CallEnd, CallStart, Decision
from customerio_tool.calls.call import Exchange
from customerio_tool.calls.waiting_calls import Question
from customerio_tool.calls.watch import keyed_hash
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.errors import LedgerUnavailable
from tests.support.clients import EMAIL, SAVED_US, AnyPace, code_of
from tests.support.confirming import NOW, Time, written
from tests.support.telemetry import Recorder

MONDAY = CallContext(run_id="monday", door="mcp")
DESK = CallContext(run_id="another", door="desk")
SEND = "send_transactional_email"
TO_ADA = 'Send the e-mail of template "1" to "ada@example.com", for the person "u1".'
UNKNOWN = {
    "ok": False,
    "summary": "No call waits under this confirmation id, so nothing was sent: it was decided "
    "already, 10 minutes have passed, or very many later calls took its place. The agent must ask "
    "again.",
    "error": {"code": "confirmation_unknown", "next_step": "give_up", "took_effect": "no"},
}


def tool_on(
    time: Time, told: Recorder, approvals: Approvals | None = None, **policy: Any
) -> CustomerIoTool:
    return CustomerIoTool(
        SAVED_US,
        policy={"confirm": "human", **policy},
        backends=Backends(
            limiter=AnyPace(), telemetry=[told], approvals=approvals or MemoryApprovals()
        ),
        clock=Clock(now=time, monotonic=lambda: 0.0, sleep=lambda _: None, entropy=bytes),
    )


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
        tool.call("track_event", {"customer_id": "ada@example.com", "name": "paid"})
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
            assert asker.approve(waiting) == UNKNOWN
    assert written(vendor) == 0


# Stores that other processes share


class Lost(MemoryApprovals):
    """A store that is lost, for all that one may ask it."""

    def keep(self, *_: Any) -> str:
        raise ApprovalsLost("the disk is full")

    def find(self, *_: Any) -> Waiting | None:
        raise ApprovalsLost("the disk is full")

    def take(self, *_: Any) -> Waiting | None:
        raise ApprovalsLost("the disk is full")

    def waiting(self, *_: Any) -> dict[str, Waiting]:
        raise ApprovalsLost("the disk is full")


def test_a_store_that_is_lost_refuses_each_question(
    vendor: responses.RequestsMock, time: Time, told: Recorder
) -> None:
    words = (
        "Nothing was sent: the store of calls that wait for a person cannot be used (the disk is "
        "full)."
    )
    with tool_on(time, told, Lost()) as tool:
        for result in (tool.call(SEND, EMAIL), tool.approve("1-0000000000000000")):
            assert (code_of(result), result["summary"]) == ("ledger_unavailable", words)
        for ask in (tool.waiting, lambda: tool.question("1-0000000000000000")):
            with pytest.raises(LedgerUnavailable) as lost:
                ask()
            assert str(lost.value) == words


class Changed(MemoryApprovals):
    """A store outside the process, in which somebody changed what is kept in clear."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.change: dict[str, Any] = {}

    def find(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        found = super().find(workspace, confirmation_id, now)
        return found and replace(found, **self.change)


def test_whatever_is_changed_of_a_sealed_call_does_not_open(
    vendor: responses.RequestsMock, time: Time, told: Recorder
) -> None:
    approvals = Changed()
    words = (
        "Nothing was sent: the call was asked for with other credentials than these, or was "
        "changed while it waited. Decide it where the agent's own connection is used."
    )
    with tool_on(time, told, approvals) as tool:
        waiting = tool.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
        (as_it_was,) = tool.waiting()
        assert tool.question(waiting) == as_it_was
        assert as_it_was.sentence == TO_ADA
        changes: list[dict[str, Any]] = [
            {"subtool": "send_transactional_push"},
            {"key": "0" * 32},
            {"asked_at": NOW + 1},
            {"ends_at": NOW + 601},
            {"content": b"x" * 40},
        ]
        for approvals.change in changes:
            question = tool.question(waiting)
            given: dict[str, Any] = {"subtool": SEND, "asked_at": NOW, "ends_at": NOW + 600}
            given |= {name: v for name, v in approvals.change.items() if name in given}
            assert question == Question(waiting, sentence=words, arguments=None, **given)
            refused = tool.approve(waiting)
            assert (code_of(refused), refused["summary"]) == ("confirmation_unknown", words)
        approvals.change = {}
        assert tool.approve(waiting)["ok"]
    assert written(vendor) == 1


def test_a_call_is_sealed_where_others_could_read_it_and_only_there(
    vendor: responses.RequestsMock, time: Time, told: Recorder, tmp_path: Path
) -> None:
    kept: list[Waiting] = []

    class Keeping(MemoryApprovals):
        """A store that shows what it keeps."""

        def keep(self, workspace: str, waiting: Waiting, *more: Any) -> str:
            kept.append(waiting)
            return super().keep(workspace, waiting, *more)

    class Shared(Keeping):
        """One that says that others can read it."""

        is_shared = True

    for approvals in (Keeping(), Shared()):
        with tool_on(time, told, approvals) as tool:
            assert tool.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
            assert tool.shares_approvals is approvals.is_shared
    plain, sealed = kept
    assert b"ada@example.com" in plain.content
    assert b"ada" not in sealed.content
    assert len(sealed.content) == len(plain.content) + 12 + 16
    for each in kept:
        assert (each.subtool, each.asked_at, each.ends_at) == (SEND, NOW, NOW + 600)
        assert len(each.key) == len(each.run) == 32
    assert (plain.key, plain.run) == (sealed.key, sealed.run)
    assert plain.key != plain.run
    shared = SqliteApprovals(tmp_path / "approvals.sqlite3")
    with tool_on(time, told, shared) as asker, tool_on(time, told, shared) as decider:
        waiting = asker.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
        assert decider.question(waiting) == asker.question(waiting)
        assert decider.approve(waiting)["ok"]
        assert asker.approve(waiting) == UNKNOWN
