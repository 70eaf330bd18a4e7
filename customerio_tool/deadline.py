"""The one deadline of a call, which waits, attempts, sleeps and slow replies share."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """A moment on the monotonic clock after which a call must have ended.

    Args:
        seconds: How long from now.
        monotonic: The clock, in seconds.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._end - self._monotonic())

    def passed(self) -> bool:
        """Tell whether no time is left."""
        return self.left() == 0.0
