"""What the ledger knows of a message comes before what the budget of its run has left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import LedgerLost
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.retries import MAIL_CALL

NAME, EMAIL = MAIL_CALL
RUN = CallContext(run_id="a")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def tool_with(sandbox: Sandbox, budget: int, **more: Any) -> CustomerIoTool:
    return CustomerIoTool(
        sandbox.connection(),
        policy={"send_budget": budget},
        backends=Backends(**more),
        clock=Clock(now=sandbox.clock.now),
    )


def send(tool: CustomerIoTool, context: CallContext, **more: Any) -> dict[str, Any]:
    return tool.call(NAME, {**EMAIL, **more}, context=context)


def posts(sandbox: Sandbox) -> int:
    return len([each for each in sandbox.requests() if each["method"] == "POST"])


@pytest.mark.parametrize("context", [RUN, CallContext()], ids=["named run", "no run"])
def test_a_repeat_past_the_budget_is_told_what_was_sent(
    sandbox: Sandbox, context: CallContext
) -> None:
    with tool_with(sandbox, 1) as tool:
        first = send(tool, context)
        again = send(tool, context)
        other = send(tool, context, subject="another")
    assert again["outcome"] == "already_sent"
    assert again["delivery_id"] == first["delivery_id"]
    assert other["error"]["code"] == "policy_refused"
    assert posts(sandbox) == 1


def test_a_repeat_past_the_budget_is_told_what_is_not_known(sandbox: Sandbox) -> None:
    sandbox.fault(operation="send_email", action="reset_after_applying")
    with tool_with(sandbox, 1) as tool:
        unknown = send(tool, RUN)
        again = send(tool, RUN)
    assert unknown["error"]["code"] == again["error"]["code"] == "outcome_unknown"
    assert again["error"]["next_step"] == "look_first"
    assert posts(sandbox) == 1


def test_what_was_not_sent_for_the_budget_can_be_sent_in_a_run_that_has_room(
    sandbox: Sandbox,
) -> None:
    with tool_with(sandbox, 1) as tool:
        send(tool, RUN, idempotency_key="first")
        refused = send(tool, RUN, idempotency_key="second")
        assert refused["error"]["code"] == "policy_refused"
        sent = send(tool, CallContext(run_id="b"), idempotency_key="second")
    assert sent["outcome"] == "accepted"


def test_a_repeat_that_the_ledger_answers_costs_nothing(sandbox: Sandbox) -> None:
    with tool_with(sandbox, 2) as tool:
        for _ in range(5):
            assert send(tool, RUN)["ok"]
        assert send(tool, RUN, subject="another")["outcome"] == "accepted"


class LostLedger(MemoryLedger):
    def find(self, key: str, now: float) -> Any:
        raise LedgerLost("gone")

    def claim(self, key: str, entry: Any, now: float) -> Any:
        raise LedgerLost("gone")


def test_a_ledger_that_is_lost_does_not_open_the_budget(sandbox: Sandbox) -> None:
    with tool_with(sandbox, 1, ledger=LostLedger(), best_effort=True) as tool:
        assert send(tool, RUN)["outcome"] == "accepted"
        assert send(tool, RUN)["error"]["code"] == "policy_refused"
    assert posts(sandbox) == 1


def test_a_send_that_was_refused_for_its_ledger_costs_nothing() -> None:
    with responses.RequestsMock() as net, Sandbox() as sandbox:
        with tool_with(sandbox, 1, ledger=LostLedger()) as tool:
            assert send(tool, RUN)["error"]["code"] == "ledger_unavailable"
            assert send(tool, RUN)["error"]["code"] == "ledger_unavailable"
        assert len(net.calls) == 0
