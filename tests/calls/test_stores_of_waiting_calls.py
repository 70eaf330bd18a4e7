"""Calls that wait in a store: lost, shared, changed by others, or taken by another process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses

from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.sqlite import SqliteApprovals
from customerio_tool.backends.approvals.waiting import ApprovalsLost, Waiting
from customerio_tool.calls.waiting_calls import Question
from customerio_tool.errors import LedgerUnavailable
from tests.support.clients import EMAIL, code_of
from tests.support.confirming import NOW, Time, written
from tests.support.deciding import DESK, MONDAY, SEND, TO_ADA, UNKNOWN, tool_on
from tests.support.telemetry import Recorder


@pytest.fixture
def told() -> Recorder:
    """Who is told of every call."""
    return Recorder()


class Taken(MemoryApprovals):
    """A store from which another process takes each call first."""

    def take(self, *_: Any) -> Waiting | None:
        return None


def test_a_call_that_another_process_took_is_not_made_here(
    vendor: responses.RequestsMock, time: Time, told: Recorder
) -> None:
    with tool_on(time, told, Taken()) as tool:
        waiting = tool.call(SEND, EMAIL)["confirmation_id"]
        assert tool.question(waiting) is not None
        for decided in (tool.approve(waiting), tool.decline(waiting)):
            assert decided == UNKNOWN
    assert written(vendor) == 0


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
    with tool_on(time, told, Keeping()) as tool:
        tool.call(SEND, EMAIL, context=DESK)
        tool.call(SEND, EMAIL)
    assert len({each.run for each in kept}) == len({each.key for each in kept}) == 3
    shared = SqliteApprovals(tmp_path / "approvals.sqlite3")
    with tool_on(time, told, shared) as asker, tool_on(time, told, shared) as decider:
        waiting = asker.call(SEND, EMAIL, context=MONDAY)["confirmation_id"]
        assert decider.question(waiting) == asker.question(waiting)
        assert decider.approve(waiting)["ok"]
        assert asker.approve(waiting) == UNKNOWN
