"""Time: the clock of a tool, the one deadline of a call, and the timeouts of an attempt."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """How long one attempt may wait, in seconds: for a connection, and between bytes of the answer.

    An attempt that must not be cut off by its own deadline needs both together. Each address of a
    host may take `connect` seconds, all of them no longer than the deadline. Nothing bounds their
    look-up: the system's cannot be interrupted, and a thread that is left behind in it would
    outlive its call. What is connected after the deadline sends nothing, so that a slow look-up
    delays a call but leaves it in no doubt; its limit is the machine's own (`options timeout` and
    `attempts` of resolv.conf).
    """

    connect: float = 5.0
    read: float = 10.0

    @property
    def whole(self) -> float:
        """The seconds that a whole attempt may need."""
        return self.connect + self.read


class Deadline:
    """A moment on the monotonic clock after which a call sends, reads and waits no more.

    Only the look-up of a host's addresses can outlast it: see `Timeouts`.

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
