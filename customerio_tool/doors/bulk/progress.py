"""How far a job is: its counts, its rate, why it waits, and how long it may still take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from customerio_tool.doors.bulk.work import Counts

WINDOW_SECONDS = 10.0
"""The rate is that of the last seconds."""

WAITING_SECONDS = 2.0
"""How long the reason of a wait is told after it."""


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Args:
        counts: Its rows by state.
        per_second: The rows that are settled per second now.
        seconds_left: The seconds that the rest takes at this rate; None if that is not known.
        waiting: Why calls wait, as a sentence; "" if they do not.
    """

    counts: Counts
    per_second: float
    seconds_left: float | None
    waiting: str = ""


class Meter:
    """Measures the progress of a job.

    Args:
        monotonic: A clock in seconds that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: deque[tuple[float, int]] = deque()
        self._waiting = ("", 0.0)

    def wait(self, reason: str) -> None:
        """Take note of why a call waits; any thread may call it."""
        self._waiting = (reason, self._monotonic())

    def progress(self, counts: Counts) -> Progress:
        """Return the progress with these counts now."""
        now = self._monotonic()
        self._seen.append((now, counts.settled))
        while now - self._seen[0][0] > WINDOW_SECONDS and len(self._seen) > 1:
            self._seen.popleft()
        began, settled = self._seen[0]
        rate = (counts.settled - settled) / (now - began) if now > began else 0.0
        reason, at = self._waiting
        is_waiting = bool(reason) and now - at < WAITING_SECONDS
        left = counts.pending / rate if rate > 0 else None
        return Progress(counts, rate, left, reason if is_waiting else "")
