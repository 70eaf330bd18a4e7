"""`LocalLimiter`: rate limits within one process.

It reserves the slots of each bucket by the generic cell rate algorithm
(https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): slots are one interval apart, and a
small burst may follow idle time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from customerio_tool.backends.pacing.slots import (
    MANY_BUCKETS,
    Rhythm,
    Slot,
    permits_of,
    rhythm_of,
)
from customerio_tool.locks import ForkSafeLock
from customerio_tool.subtools.declare import Pace


class _Schedule:
    """The schedule of one bucket, in seconds on the limiter's clock.

    `tail` is GCRA's theoretical arrival time: `tail` minus the tolerance is the earliest next slot.
    No slot comes before `held_until`, the end of a pause.
    """

    def __init__(self, now: float) -> None:
        self.tail = now
        self.held_until = now

    def next_slot(self, rhythm: Rhythm, now: float) -> float:
        return max(now, self.held_until, self.tail - rhythm.tolerance)

    def resume_at(self, rhythm: Rhythm, until: float) -> None:
        """Hand out the next slots from `until` on, one interval apart, without a burst."""
        self.tail = max(self.tail, until + rhythm.tolerance)


class LocalLimiter:
    """A `Limiter` for the threads of one process.

    Args:
        rates: Other limits than the vendor's, by name: track, app and send in requests per second,
            broadcast in triggers per 10 seconds. A lower one leaves room for other programs; a
            higher one needs Customer.io's word for the account.
        monotonic: The clock, in seconds.

    Raises:
        ValueError: A name is unknown, or a number is not a whole one from 1.
    """

    def __init__(
        self,
        *,
        rates: Mapping[str, int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.permits = permits_of(rates)
        self._rhythms: dict[tuple[Pace, int], Rhythm] = {}
        self._monotonic = monotonic
        self._schedules: dict[str, _Schedule] = {}
        self._lock = ForkSafeLock()

    def reserve(self, bucket: str, pace: Pace, max_wait: float, *, workers: int = 1) -> Slot | None:
        """Reserve the next slot of this worker's share of the limit; see `Limiter`."""
        rhythm = self.rhythm_of(pace, workers)
        with self._lock:
            now = self._monotonic()
            schedule = self._schedule(bucket, now)
            at = schedule.next_slot(rhythm, now)
            if at - now > max_wait:
                return None
            schedule.tail = max(schedule.tail, at) + rhythm.interval
        return Slot(at - now, at)

    def is_valid(self, bucket: str, slot: Slot) -> bool:  # noqa: ARG002 - the signature is Limiter's
        """Whether the bucket is not paused now; see `Limiter`."""
        return self.pause_left(bucket) <= 0

    def shortest_wait(self, bucket: str, pace: Pace, *, workers: int = 1) -> float:
        """Return the seconds until the next slot; see `Limiter`."""
        with self._lock:
            now = self._monotonic()
            return self._schedule(bucket, now).next_slot(self.rhythm_of(pace, workers), now) - now

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Pause the bucket for some seconds; see `Limiter`."""
        with self._lock:
            now = self._monotonic()
            schedule = self._schedule(bucket, now)
            schedule.held_until = max(schedule.held_until, now + seconds)
            schedule.resume_at(self.rhythm_of(pace), schedule.held_until)

    def pause_left(self, bucket: str) -> float:
        """Return the seconds until the bucket's pause ends; 0 if it is not paused."""
        with self._lock:
            now = self._monotonic()
            return max(0.0, self._schedule(bucket, now).held_until - now)

    def start_after(self, bucket: str, pace: Pace, seconds: float, *, workers: int) -> None:
        """Reserve no slot for some seconds from now; slots reserved before stay valid."""
        with self._lock:
            now = self._monotonic()
            self._schedule(bucket, now).resume_at(self.rhythm_of(pace, workers), now + seconds)

    def rhythm_of(self, pace: Pace, workers: int = 1) -> Rhythm:
        """Return the spacing of a rate class's slots at this limiter's rates."""
        key = (pace, workers)
        if key not in self._rhythms:
            self._rhythms[key] = rhythm_of(pace, workers, self.permits[pace])
        return self._rhythms[key]

    def _schedule(self, bucket: str, now: float) -> _Schedule:
        if bucket not in self._schedules:
            if len(self._schedules) >= MANY_BUCKETS:
                self._schedules = {
                    name: schedule
                    for name, schedule in self._schedules.items()
                    if max(schedule.tail, schedule.held_until) > now
                }
            self._schedules[bucket] = _Schedule(now)
        return self._schedules[bucket]
