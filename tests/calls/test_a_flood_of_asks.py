"""Calls that nobody approves keep no other call from being asked about and approved."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.waiting import LIFE_SECONDS
from customerio_tool.deadline import Clock
from tests.support.clients import SAVED_US, AnyPace, code_of

RUNS = [CallContext(run_id="a"), CallContext()]
MANY = 1100


@pytest.fixture
def now() -> list[float]:
    return [1_795_435_200.0]


@pytest.fixture
def kept() -> MemoryApprovals:
    return MemoryApprovals()


@pytest.fixture
def tool(now: list[float], kept: MemoryApprovals, net: responses.RequestsMock) -> CustomerIoTool:
    net.add("DELETE", "https://track.customer.io/api/v1/customers/ada", json={})
    return tool_of(SAVED_US, now, kept)


def tool_of(saved: Any, now: list[float], kept: MemoryApprovals) -> CustomerIoTool:
    clock, backends = Clock(now=lambda: now[0]), Backends(approvals=kept, limiter=AnyPace())
    return CustomerIoTool(saved, policy="careful", backends=backends, clock=clock)


def size_of(kept: MemoryApprovals) -> int:
    return kept.size


def ask(tool: CustomerIoTool, who: str, context: CallContext) -> dict[str, Any]:
    return tool.call("delete_customer", {"customer_id": who}, context=context)


def flood(tool: CustomerIoTool, context: CallContext, number: int = MANY) -> list[str]:
    asked = [ask(tool, f"bogus-{n}", context) for n in range(number)]
    assert {code_of(each) for each in asked} == {"confirmation_required"}
    return [each["confirmation_id"] for each in asked]


@pytest.mark.parametrize("flooding", RUNS, ids=["run", "no run"])
@pytest.mark.parametrize("context", [*RUNS, CallContext(run_id="b")], ids=["a", "none", "b"])
def test_a_thousand_bogus_asks_block_nobody(
    tool: CustomerIoTool, flooding: CallContext, context: CallContext
) -> None:
    before = ask(tool, "ada", context)["confirmation_id"]
    flood(tool, flooding)
    assert tool.approve(before)["ok"]
    after = ask(tool, "ada", context)["confirmation_id"]
    assert tool.approve(after)["ok"]


@pytest.mark.parametrize("flooding", RUNS, ids=["run", "no run"])
@pytest.mark.parametrize(
    "context", [CallContext(run_id="b"), CallContext(run_id="c")], ids=["b", "c"]
)
def test_however_much_one_run_asks_for_it_crowds_out_itself_alone(
    tool: CustomerIoTool,
    kept: MemoryApprovals,
    flooding: CallContext,
    context: CallContext,
) -> None:
    kept._max_bytes = 50_000
    before = ask(tool, "ada", context)["confirmation_id"]
    ids = flood(tool, flooding, 100)
    assert code_of(tool.approve(ids[0])) == "confirmation_unknown"
    assert code_of(tool.decline(ids[-1])) == "policy_refused"
    assert tool.approve(before)["ok"]
    assert size_of(kept) <= 50_000


def test_another_workspace_is_not_crowded_out(
    tool: CustomerIoTool, now: list[float], kept: MemoryApprovals
) -> None:
    kept._max_bytes = 50_000
    with tool_of({**SAVED_US, "site_id": "another"}, now, kept) as other:
        before = ask(other, "ada", CallContext())["confirmation_id"]
        flood(tool, CallContext(), 100)
        assert other.approve(before)["ok"]


def test_large_calls_count_by_their_size(tool: CustomerIoTool, kept: MemoryApprovals) -> None:
    kept._max_bytes = 1_000_000
    before = ask(tool, "ada", CallContext(run_id="b"))["confirmation_id"]
    mail = {"to": "a@example.com", "customer_id": "u1", "transactional_message_id": "1"}
    for number in range(50):
        large = {**mail, "message_data": {"text": f"{number}" * 40_000}}
        result = tool.call("send_transactional_email", large, context=CallContext(run_id="a"))
        assert code_of(result) == "confirmation_required"
        assert size_of(kept) <= 1_000_000
    assert tool.approve(before)["ok"]


def test_what_was_decided_or_is_over_leaves_nothing_behind(
    tool: CustomerIoTool, kept: MemoryApprovals, now: list[float]
) -> None:
    for number, confirmation_id in enumerate(flood(tool, RUNS[0], 20)):
        if number % 2:
            tool.decline(confirmation_id)
    now[0] += LIFE_SECONDS
    assert code_of(tool.approve("1-0")) == "confirmation_unknown"
    assert (kept._waiting, kept._ids, kept._size) == ({}, {}, 0)


def test_an_ask_that_is_over_is_asked_anew(tool: CustomerIoTool, now: list[float]) -> None:
    first = ask(tool, "ada", RUNS[0])["confirmation_id"]
    now[0] += LIFE_SECONDS
    again = ask(tool, "ada", RUNS[0])["confirmation_id"]
    assert again != first
    assert code_of(tool.approve(first)) == "confirmation_unknown"
    assert tool.approve(again)["ok"]
