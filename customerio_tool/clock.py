"""Time and chance as one value, so that a test can replace both."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from customerio_tool.deadline import Deadline


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Where a tool takes time and random bytes from; the default is the machine's own.

    Args:
        now: Gives Unix time in seconds.
        monotonic: Gives seconds that never go back, for deadlines and limits.
        sleep: Waits that many seconds.
        entropy: Gives that many random bytes.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    entropy: Callable[[int], bytes] = os.urandom

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return Deadline(seconds, self.monotonic)
