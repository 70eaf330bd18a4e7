"""A call waits for its turn as long as its deadline allows, and is refused only beyond that."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.pacing.slots import Slot
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare import Pace
from tests.support.clients import AnyPace
from tests.support.retries import LIST_CALL, MAIL_CALL, PERSON_CALL, SkippingClock


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
