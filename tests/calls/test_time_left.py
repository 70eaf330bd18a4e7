"""The deadline of a call bounds each of its waits: what was used before is not had again."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.pacing.slots import Slot
from customerio_tool.backends.telemetry.events import CallStart
from customerio_tool.subtools.declare import Pace
from tests.support.answers import session_with
from tests.support.clients import EMAIL, SAVED_US, AnyPace, code_of
from tests.support.retries import SkippingClock
from tests.support.telemetry import Recorder

ANSWER = {"segment": {"id": 7}, "count": 3, "segments": []}
COUNTED = ("get_segment", {"segment_id": 7, "include_count": True})
LIST: tuple[str, dict[str, Any]] = ("list_segments", {})
EVENT = ("track_event", {"customer_id": "u1", "name": "paid"})
MAIL = ("send_transactional_email", EMAIL)
DELETE = ("delete_customer", {"customer_id": "u1"})


class Patience(AnyPace):
    """A limiter that has a slot at once, and keeps how long each request would have waited."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        self.waits.append(max_wait)
        return super().reserve(bucket, pace, max_wait)


class Slow(Recorder):
    """A watcher that takes its time when a call begins."""

    def __init__(self, clock: SkippingClock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds

    def started(self, call: CallStart) -> None:
        super().started(call)
        self._clock.skip(self._seconds)


def waits_of(
    call: tuple[str, dict[str, Any]],
    deadline: float | None = None,
    *,
    before: float = 0,
    each: float = 0,
    **policy: Any,
) -> list[float]:
    """Return how long each request of a call would wait for a slot.

    Args:
        call: The name and the arguments.
        deadline: That of the call.
        before: How many seconds pass between its begin and its first request.
        each: How many seconds each exchange takes.
        policy: The settings of the policy.
    """
    clock, limiter = SkippingClock(), Patience()
    context = CallContext(deadline_seconds=deadline, on_exchange=lambda _: clock.skip(each))
    approvals = MemoryApprovals()
    backends = Backends(limiter=limiter, telemetry=[Slow(clock, before)], approvals=approvals)
    with CustomerIoTool(
        SAVED_US,
        policy=policy or "open",
        session=session_with(ANSWER),
        backends=backends,
        clock=clock.whole(),
    ) as tool:
        result = tool.call(*call, context=context)
        if code_of(result) == "confirmation_required":
            limiter.waits.clear()
            tool.approve(result["confirmation_id"], context=context)
    return limiter.waits


@pytest.mark.parametrize(
    ("call", "waits"),
    [(COUNTED, [24, 24]), (LIST, [24]), (EVENT, [10]), (MAIL, [5]), (DELETE, [11.5, 10])],
)
def test_without_a_deadline_a_call_has_the_default_one(
    call: tuple[str, dict[str, Any]], waits: list[float]
) -> None:
    assert waits_of(call) == waits


def test_a_deadline_of_the_host_is_the_one_that_counts_up_to_a_day() -> None:
    assert waits_of(COUNTED, 9) == [8, 8]
    assert waits_of(LIST, 9) == [8]
    assert waits_of(DELETE, 40) == [19, 25]
    assert waits_of(EVENT, 40) == [25]
    assert waits_of(LIST, 10**9) == [86_399]
    assert waits_of(LIST, 0) == waits_of(LIST, -5) == [0]


def test_what_was_used_before_is_not_had_again() -> None:
    assert waits_of(COUNTED, before=4) == [20, 20]
    assert waits_of(LIST, before=4) == [20]
    assert waits_of(EVENT, before=4) == [6]
    assert waits_of(MAIL, before=4) == [1]
    assert waits_of(COUNTED, each=3) == [24, 21]
    assert waits_of(DELETE, each=3) == [11.5, 7]
    assert waits_of(DELETE, before=4) == [9.5, 6]
    assert waits_of(LIST, before=400) == [0]


def test_an_approved_call_begins_anew_and_reads_its_target_in_half_of_the_time() -> None:
    assert waits_of(DELETE, 40, confirm="human") == [19, 25]
    assert waits_of(DELETE, 40, before=4, each=3, confirm="human") == [17, 18]
    assert waits_of(MAIL, 40, before=4, confirm="human") == [21]
