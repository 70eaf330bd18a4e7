"""Waits for slots of a limiter."""

from __future__ import annotations

import math
from collections.abc import Callable

from customerio_tool.backends.pacing.slots import Limiter
from customerio_tool.deadline import Clock
from customerio_tool.errors import RateLimited
from customerio_tool.subtools.declare import Pace

REPORTED_SECONDS = 1.0
"""Waits from this long on are told to `on_progress`."""

LONGEST_PAUSE = 60.0
"""A pause is cut to so many seconds: a mistaken `Retry-After` must not silence a workspace."""


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
            if on_progress is not None and slot.seconds >= REPORTED_SECONDS:
                on_progress(f"Waiting {slot.seconds:.0f} s: Customer.io allows {_limit(pace)}.")
            self._clock.sleep(slot.seconds)
            if self._limiter.is_valid(bucket, slot):
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
