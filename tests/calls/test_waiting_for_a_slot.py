"""A call waits for its turn as long as its deadline allows, and is refused only beyond that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.pacing.slots import Slot
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare import Pace
from tests.support.clients import AnyPace
from tests.support.ledger_calls import Died, MortalLedger
from tests.support.retries import (
    BROADCAST_CALL,
    LIST_CALL,
    MAIL_CALL,
    PERSON_CALL,
    SkippingClock,
    Tries,
    tool_on,
)

RUN = CallContext(run_id="r")


class Queue(AnyPace):
    """A limiter whose next slot is far away, for a while."""

    def __init__(self, clock: SkippingClock, seconds: float) -> None:
        self._clock = clock
        self._free_at = seconds

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        wait = max(0.0, self._free_at - self._clock.monotonic())
        return Slot(wait, self._free_at) if wait <= max_wait else None

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        return self._free_at - self._clock.monotonic()


def called(sandbox: Sandbox, call: tuple[str, dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Make a call within 25 s whose turn comes after some seconds."""
    clock = SkippingClock()
    backends = Backends(limiter=Queue(clock, seconds))
    context = CallContext(deadline_seconds=25)
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock.whole()) as tool:
        return tool.call(*call, context=context)


@pytest.mark.parametrize(
    ("call", "longest"),
    [(LIST_CALL, 24.0), (PERSON_CALL, 10.0), (MAIL_CALL, 10.0)],
    ids=["a read, which may be cut off", "a write", "a send"],
)
def test_a_call_waits_while_an_attempt_still_fits(
    sandbox: Sandbox, call: tuple[str, dict[str, Any]], longest: float
) -> None:
    assert called(sandbox, call, longest - 0.1)["ok"]
    refused = called(sandbox, call, longest + 0.1)
    assert refused["error"]["code"] == "rate_limited"
    assert refused["error"]["retry_after_seconds"] == pytest.approx(longest + 0.1, abs=0.1)


SENDS = [MAIL_CALL, BROADCAST_CALL]


@pytest.mark.parametrize("call", SENDS, ids=[name for name, _ in SENDS])
@pytest.mark.parametrize("policy", [{}, {"send_budget": 1}], ids=["no budget", "budget"])
def test_a_process_that_dies_while_a_send_waits_leaves_no_doubt(
    sandbox: Sandbox, call: tuple[str, dict[str, Any]], policy: dict[str, Any]
) -> None:
    ledger, clock = MortalLedger(), SkippingClock()

    def die(_: float) -> None:
        ledger.is_dead = True
        raise Died

    def tool_with(sleep: Any, seconds: float) -> CustomerIoTool:
        backends = Backends(limiter=Queue(clock, seconds), ledger=ledger)
        clocks = replace(clock.whole(), sleep=sleep)
        return CustomerIoTool(sandbox.connection(), backends=backends, clock=clocks, policy=policy)

    with tool_with(die, 5.0) as mortal, pytest.raises(Died):
        mortal.call(*call, context=RUN)
    assert ledger.claimed == []
    ledger.is_dead = False
    with tool_with(clock.sleep, 0.0) as tool:
        assert tool.call(*call, context=RUN)["outcome"] == "accepted"
        assert tool.call(*call, context=RUN)["outcome"] == "already_sent"


def test_a_repeat_that_the_ledger_answers_takes_no_slot(sandbox: Sandbox) -> None:
    clock, ledger = SkippingClock(), MemoryLedger()
    with tool_on(clock, sandbox.connection(), Tries(), ledger) as tool:
        assert tool.call(*BROADCAST_CALL, context=RUN)["outcome"] == "accepted"
        for _ in range(3):
            assert tool.call(*BROADCAST_CALL, context=RUN)["outcome"] == "already_sent"
    assert clock.sleeps == []
