"""Knows how fast requests may follow each other: slots are handed out in order, ahead of time.

A slot is the moment at which one request may be sent. Slots of a bucket (a workspace and a rate
class) are reserved by the generic cell rate algorithm: each comes one interval after the last, and
after idleness a small burst may go at once. Who has to wait knows for how long before waiting.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from customerio_tool.deadline import Clock
from customerio_tool.errors import RateLimited
from customerio_tool.locks import ForkSafeLock
from customerio_tool.spec import Pace

BURSTS = {Pace.TRACK: 50, Pace.APP: 1, Pace.SEND: 10, Pace.BROADCAST: 1}
"""How many requests may go at once after idleness."""

SLACK = 1.03
"""Intervals are this much longer than the limit allows, for what is late on its way."""

TOLD_SECONDS = 1.0
"""Waits from this long on are told to `on_progress`."""

LONGEST_PAUSE = 60.0
"""A pause is cut to so many seconds: a mistaken `Retry-After` must not silence a workspace."""

MANY_BUCKETS = 1024
"""From so many buckets on, those that are idle are forgotten when one is added."""


def bucket_of(workspace: str, pace: Pace) -> str:
    """Return the name under which the requests of a workspace and a rate class are counted.

    Broadcast triggers are counted together, whatever the broadcast: the vendor states 1 request
    per 10 s without saying per what (UNVERIFIED), and the stricter reading is never refused.

    Args:
        workspace: A digest that tells one workspace from another, never a key.
        pace: The rate class.
    """
    return f"{workspace}:{pace.name.lower()}"


@dataclass(frozen=True)
class Rhythm:
    """The spacing of slots.

    Args:
        interval: Seconds from slot to slot.
        tolerance: Seconds that a slot may come early after idleness, which makes the burst.
    """

    interval: float
    tolerance: float


def rhythm_of(pace: Pace, workers: int = 1) -> Rhythm:
    """Return the spacing at which no period holds more requests than the vendor permits.

    A period can hold a burst and what the interval adds, so the interval leaves room for the
    burst. Workers that pace themselves apart each take a whole number of permits, so that up to
    as many workers as permits stay within the limit wherever their slots happen to fall; with
    more workers than permits only the average does.

    Args:
        pace: The rate class.
        workers: How many workers share the limit without hearing of each other.
    """
    permits = max(1, pace.permits // workers)
    period = pace.period_seconds * max(1.0, workers / pace.permits)
    burst = max(1, BURSTS[pace] // workers)
    interval = SLACK * period / (permits - burst + 1)
    return Rhythm(interval, (burst - 1) * interval)


@dataclass(frozen=True)
class Slot:
    """The moment at which one request may be sent.

    Args:
        seconds: How long to wait for it, 0 for none.
        at: When it is, on the clock of the limiter that gave it.
        shared: Whether all workers know of it; false while Redis is lost.
    """

    seconds: float
    at: float
    shared: bool = False


class Limiter(Protocol):
    """Hands out slots. It never sleeps, and times are seconds."""

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        """Return the next slot; None, and nothing is reserved, if it is over `max_wait` away."""
        ...

    def kept(self, bucket: str, slot: Slot) -> bool:
        """Tell, when a slot has come, whether it may be used; if not, reserve another."""
        ...

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        """Return how far the next slot is away, without reserving it."""
        ...

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Let no slot be used for so long: Customer.io answered 429."""
        ...


@dataclass
class _Schedule:
    """What is handed out of one bucket: `tail` less the tolerance is the next slot."""

    tail: float
    held_until: float

    def next_slot(self, rhythm: Rhythm, now: float) -> float:
        return max(now, self.held_until, self.tail - rhythm.tolerance)

    def put_off(self, rhythm: Rhythm, until: float) -> None:
        """Let the slots go on from `until`, one interval apart: without a burst."""
        self.tail = max(self.tail, until + rhythm.tolerance)


class LocalLimiter:
    """A `Limiter` for the threads of one process.

    Args:
        monotonic: The clock, in seconds.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._schedules: dict[str, _Schedule] = {}
        self._lock = ForkSafeLock()

    def reserve(self, bucket: str, pace: Pace, max_wait: float, *, workers: int = 1) -> Slot | None:
        """Return the next slot, at the share of one of so many workers; see `Limiter`."""
        rhythm = rhythm_of(pace, workers)
        with self._lock:
            now = self._monotonic()
            schedule = self._schedule(bucket, now)
            at = schedule.next_slot(rhythm, now)
            if at - now > max_wait:
                return None
            schedule.tail = max(schedule.tail, at) + rhythm.interval
        return Slot(at - now, at)

    def kept(self, bucket: str, slot: Slot) -> bool:  # noqa: ARG002 - the signature is Limiter's
        """Tell whether no pause has come over a slot; see `Limiter`."""
        return self.held(bucket) <= 0

    def shortest_wait(self, bucket: str, pace: Pace, *, workers: int = 1) -> float:
        """Return how far the next slot is away; see `Limiter`."""
        with self._lock:
            now = self._monotonic()
            return self._schedule(bucket, now).next_slot(rhythm_of(pace, workers), now) - now

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Let no slot be used for so long; see `Limiter`."""
        with self._lock:
            now = self._monotonic()
            schedule = self._schedule(bucket, now)
            schedule.held_until = max(schedule.held_until, now + seconds)
            schedule.put_off(rhythm_of(pace), schedule.held_until)

    def held(self, bucket: str) -> float:
        """Return the seconds for which the bucket is still paused, 0 if it is not."""
        with self._lock:
            now = self._monotonic()
            return max(0.0, self._schedule(bucket, now).held_until - now)

    def start_after(self, bucket: str, pace: Pace, seconds: float, *, workers: int) -> None:
        """Hand out no slot before so long from now; those handed out stay."""
        with self._lock:
            now = self._monotonic()
            self._schedule(bucket, now).put_off(rhythm_of(pace, workers), now + seconds)

    def _schedule(self, bucket: str, now: float) -> _Schedule:
        if bucket not in self._schedules:
            if len(self._schedules) >= MANY_BUCKETS:
                self._schedules = {
                    name: schedule
                    for name, schedule in self._schedules.items()
                    if max(schedule.tail, schedule.held_until) > now
                }
            self._schedules[bucket] = _Schedule(now, now)
        return self._schedules[bucket]


class Pacer:
    """Waits for slots.

    Args:
        limiter: Hands them out.
        clock: Waits, and bounds a wait; by default the machine's own.
    """

    def __init__(self, limiter: Limiter, clock: Clock | None = None) -> None:
        self._limiter = limiter
        self._clock = clock or Clock()

    def wait(
        self,
        bucket: str,
        pace: Pace,
        max_wait: float,
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        """Return when a request may be sent.

        Args:
            bucket: What the request counts against; see `bucket_of`.
            pace: The rate class.
            max_wait: The most seconds to wait.
            on_progress: Told in one sentence before a wait of a second or more.

        Raises:
            RateLimited: The next slot is too far away. Nothing is reserved, nothing was waited
                for beyond a pause that came meanwhile, and nothing was sent.
        """
        give_up_at = self._clock.monotonic() + max_wait
        while True:
            slot = self._limiter.reserve(
                bucket, pace, max(0.0, give_up_at - self._clock.monotonic())
            )
            if slot is None:
                raise self._refusal(bucket, pace)
            if slot.seconds <= 0:
                return
            if on_progress is not None and slot.seconds >= TOLD_SECONDS:
                on_progress(f"Waiting {slot.seconds:.0f} s: Customer.io allows {_limit(pace)}.")
            self._clock.sleep(slot.seconds)
            if self._limiter.kept(bucket, slot):
                return

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Hold all who share the bucket: Customer.io answered 429.

        Args:
            bucket: What the refused request counted against.
            pace: Its rate class.
            seconds: For how long; cut to a minute, after which a next 429 pauses again.
        """
        self._limiter.pause(bucket, pace, min(max(0.0, seconds), LONGEST_PAUSE))

    def _refusal(self, bucket: str, pace: Pace) -> RateLimited:
        seconds = math.ceil(self._limiter.shortest_wait(bucket, pace) * 10) / 10
        return RateLimited(
            f"Customer.io allows {_limit(pace)}, and calls already under way use that up: the "
            f"next free moment is in {seconds:g} s. Nothing was sent; repeat the call then.",
            retry_after_seconds=seconds,
        )


def _limit(pace: Pace) -> str:
    noun = "request" if pace.permits == 1 else "requests"
    period = "second" if pace.period_seconds == 1 else f"{pace.period_seconds:g} seconds"
    return f"{pace.permits} {noun} per {period}"
