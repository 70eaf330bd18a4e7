"""A repeat that the tool calls safe is the same event, from whatever tool or process it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, CustomerIoTool, SqliteLedger
from customerio_tool.backends.ledger.entry import LedgerLost
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace, code_of
from tests.support.ledger_calls import Loseable

SIGNED_UP = {"customer_id": "new", "name": "signed_up"}
PAGE = {"customer_id": "u1", "url": "https://example.com/"}
VISIT = {"anonymous_id": "visitor-7", "name": "seen"}
EVENTS = [("track_event", SIGNED_UP), ("track_page_view", PAGE), ("track_anonymous_event", VISIT)]
CONTEXTS = [CallContext(run_id="r"), CallContext()]


def tool_on(sandbox: Sandbox, ledger: Any) -> CustomerIoTool:
    return CustomerIoTool(sandbox.connection(), backends=Backends(limiter=AnyPace(), ledger=ledger))


def ids(sandbox: Sandbox) -> list[tuple[str, int]]:
    """Return id and time of each event that arrived."""
    posts = [each["json"] for each in sandbox.requests() if each["method"] == "POST"]
    return [(each["id"], each["timestamp"]) for each in posts]


@pytest.mark.parametrize(("name", "arguments"), EVENTS, ids=[name for name, _ in EVENTS])
@pytest.mark.parametrize("context", CONTEXTS, ids=["run", "no run"])
@pytest.mark.parametrize("fault", [{"action": "reset_after_applying"}, {"status": 503}], ids=str)
def test_the_identical_call_after_a_lost_answer_is_the_same_event(
    sandbox: Sandbox,
    name: str,
    arguments: dict[str, Any],
    context: CallContext,
    fault: dict[str, Any],
    tmp_path: Path,
) -> None:
    ledger: Callable[[], Any] = lambda: SqliteLedger(tmp_path / "ledger.sqlite")  # noqa: E731 - one for each tool
    sandbox.fault(**fault, method="POST", times=3)
    with tool_on(sandbox, ledger()) as tool:
        lost = tool.call(name, arguments, context=context)
        assert lost["error"]["took_effect"] == "unknown"
    with tool_on(sandbox, ledger()) as another:
        again = another.call(name, arguments, context=context)
        assert again["outcome"] == "accepted"
        assert again["event_id"] == lost["event_id"]
        assert len(set(ids(sandbox))) == 1
        third = another.call(name, arguments, context=context)
        assert third["event_id"] != lost["event_id"]


def test_a_campaign_that_an_event_starts_writes_once(sandbox: Sandbox) -> None:
    with tool_on(sandbox, MemoryLedger()) as tool:
        run = CallContext(run_id="r")
        tool.call("identify_customer", {"customer_id": "new", "email": "new@example.com"})
        sandbox.clock.advance(5)
        before = len(sandbox.state()["deliveries"])
        sandbox.fault(action="reset_after_applying", method="POST", times=3)
        assert not tool.call("track_event", SIGNED_UP, context=run)["ok"]
        assert tool.call("track_event", SIGNED_UP, context=run)["ok"]
    sandbox.clock.advance(60)
    assert len(sandbox.state()["deliveries"]) - before <= 1


def test_another_call_or_another_run_is_another_event(sandbox: Sandbox) -> None:
    with tool_on(sandbox, MemoryLedger()) as tool:
        sandbox.fault(status=503, method="POST", times=3)
        lost = tool.call("track_event", SIGNED_UP, context=CallContext(run_id="r"))
        for arguments, run in (({**SIGNED_UP, "name": "paid"}, "r"), (SIGNED_UP, "s")):
            other = tool.call("track_event", arguments, context=CallContext(run_id=run))
            assert other["event_id"] != lost["event_id"]


class LostLedger(MemoryLedger):
    def find(self, key: str, now: float) -> Any:
        raise LedgerLost("gone")

    def settle(self, key: str, entry: Any, now: float) -> None:
        raise LedgerLost("gone")


def test_where_the_ledger_is_lost_the_advice_names_the_event_id(sandbox: Sandbox) -> None:
    with tool_on(sandbox, LostLedger()) as tool:
        sandbox.fault(action="reset_after_applying", method="POST", times=3)
        lost = tool.call("track_event", SIGNED_UP)
        assert "event_id" in lost["summary"]
        again = tool.call("track_event", {**SIGNED_UP, "event_id": lost["event_id"]})
    assert again["event_id"] == lost["event_id"]
    assert len({number for number, _ in ids(sandbox)}) == 1


def test_an_id_that_another_tool_has_used_up_is_not_used_where_the_ledger_is_lost(
    sandbox: Sandbox,
) -> None:
    ledger = Loseable(MemoryLedger())
    with tool_on(sandbox, ledger) as tool, tool_on(sandbox, ledger) as another:
        sandbox.fault(status=503, method="POST", times=3)
        first = tool.call("track_event", SIGNED_UP)["event_id"]
        assert another.call("track_event", SIGNED_UP)["event_id"] == first
        assert tool.call("track_event", SIGNED_UP)["event_id"] != first
        ledger.lost = True
        assert tool.call("track_event", SIGNED_UP)["event_id"] != first


def test_an_event_that_was_refused_is_forgotten(sandbox: Sandbox) -> None:
    with tool_on(sandbox, MemoryLedger()) as tool:
        sandbox.fault(status=400, method="POST", times=1)
        refused = tool.call("track_event", SIGNED_UP)
        assert code_of(refused) == "request_rejected"
        assert tool.call("track_event", SIGNED_UP)["event_id"] != refused["event_id"]
