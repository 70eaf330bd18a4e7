"""`Pacer`: waits until a limiter allows a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from customerio_tool.backends.pacing.slots import Limiter
from customerio_tool.deadline import Clock
from customerio_tool.errors import RateLimited
from customerio_tool.subtools.declare import Pace

REPORTED_SECONDS = 1.0
"""The shortest wait that is reported to `on_progress`, in seconds."""

LONGEST_PAUSE = 60.0
"""The longest pause, in seconds: a wrong `Retry-After` must not block a workspace for long."""


class Pacer:
    """Waits for slots of a limiter.

    Args:
        limiter: Reserves the slots.
        clock: Sleeps, and measures the waits; by default the machine's clock.
    """

    def __init__(self, limiter: Limiter, clock: Clock | None = None) -> None:
        self._limiter = limiter
        self._clock = clock or Clock()

    def wait(
        self,
        bucket: str,
        pace: Pace,
        max_wait: float,
        sleep: Callable[[float, str], None] | None = None,
    ) -> None:
        """Sleep until a request may be sent, then return.

        Args:
            bucket: The bucket that the request counts against; see `bucket_of`.
            pace: The rate class.
            max_wait: The longest wait, in seconds.
            sleep: Sleeps that many seconds, for a reason in one sentence; the reason of a wait of
                less than a second is "". By default the clock sleeps.

        Raises:
            RateLimited: The next slot is more than `max_wait` away, and none is reserved. It is
                raised at once, or after a wait during which the bucket was paused.
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
            reason = f"Waiting {slot.seconds:.0f} s: {self._limit(pace)}."
            if sleep is None:
                self._clock.sleep(slot.seconds)
            else:
                sleep(slot.seconds, reason if slot.seconds >= REPORTED_SECONDS else "")
            if self._limiter.is_valid(bucket, slot):
                return

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Pause a bucket for all that share it, after Customer.io answered 429.

        Args:
            bucket: The bucket of the refused request.
            pace: Its rate class.
            seconds: The length of the pause; at most `LONGEST_PAUSE`. Another 429 pauses it again.
        """
        self._limiter.pause(bucket, pace, min(max(0.0, seconds), LONGEST_PAUSE))

    def _refusal(self, bucket: str, pace: Pace) -> RateLimited:
        seconds = math.ceil(self._limiter.shortest_wait(bucket, pace) * 10) / 10
        return RateLimited(
            f"{self._limit(pace)}, and calls already under way use that up: the "
            f"next free moment is in {seconds:g} s. Nothing was sent; repeat the call then.",
            retry_after_seconds=seconds,
        )

    def _limit(self, pace: Pace) -> str:
        own: Mapping[Pace, int] = getattr(self._limiter, "permits", {})
        permits = own.get(pace, pace.permits)
        who = "Customer.io allows" if permits == pace.permits else "This tool is set to"
        noun = "request" if permits == 1 else "requests"
        period = "second" if pace.period_seconds == 1 else f"{pace.period_seconds:g} seconds"
        return f"{who} {permits} {noun} per {period}"
