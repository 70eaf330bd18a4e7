"""Time: the clock of a tool, the deadline of a call, the timeouts of an attempt."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from customerio_tool.records import shared_record

if TYPE_CHECKING:
    from concurrent.futures import Future

CANCELLATION_SECONDS = 0.2
"""The longest wait, in seconds, before a call that can be cancelled looks whether it was."""


@shared_record(frozen=True)
class Timeouts:
    """The timeouts of one attempt, in seconds.

    The DNS look-up of a host has no timeout, as `getaddrinfo` cannot be interrupted; its limit is
    the machine's own (`options timeout` and `attempts` in resolv.conf). A slow look-up can delay a
    call past its deadline, but nothing is sent after the deadline, so the outcome is known. A call
    that can be cancelled does not wait for it.

    Args:
        connect: The longest wait for a connection, for each address of a host; all addresses
            together take no longer than the deadline of the call.
        read: The longest wait between two bytes of the answer.
    """

    connect: float = 5.0
    read: float = 10.0

    @property
    def whole(self) -> float:
        """Both timeouts together: the seconds that an attempt needs if it must not be cut off."""
        return self.connect + self.read


class Deadline:
    """The moment after which a call sends nothing, reads nothing and does not wait.

    Only a DNS look-up can outlast it: see `Timeouts`.

    Args:
        seconds: The seconds from now.
        monotonic: A clock in seconds that never goes back.
        cancelled: Asked during waits whether the host cancelled the call; None if it cannot.
    """

    def __init__(
        self,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds
        self._cancelled = cancelled
        self._asked_at = -math.inf

    @property
    def can_be_cancelled(self) -> bool:
        """Whether the host can cancel the call."""
        return self._cancelled is not None

    def is_cancelled(self) -> bool:
        """Whether the host cancelled the call."""
        return self._cancelled is not None and self._cancelled()

    def was_cancelled_meanwhile(self) -> bool:
        """Whether the host cancelled the call; asked for each piece of an answer or a request.

        The host is asked at most once in `CANCELLATION_SECONDS`.
        """
        if self._cancelled is None or self._monotonic() - self._asked_at < CANCELLATION_SECONDS:
            return False
        self._asked_at = self._monotonic()
        return self._cancelled()

    def slice_of(self, seconds: float) -> float:
        """Return the longest part of a wait, in seconds, before cancellation is checked again."""
        return seconds if self._cancelled is None else min(seconds, CANCELLATION_SECONDS)

    def left(self) -> float:
        """Return the seconds until the deadline, at least 0."""
        return max(0.0, self._end - self._monotonic())

    def passed(self) -> bool:
        """Whether no time is left."""
        return self.left() == 0.0

    def awaits(self, answer: Future[Any]) -> bool:
        """Wait for what another thread settles; return whether it did.

        It did not where the deadline came first, or the host cancelled the call.
        """
        from concurrent.futures import wait

        while not answer.done():
            left = self.left()
            if not left or self.is_cancelled():
                return False
            wait([answer], self.slice_of(left))
        return True


@shared_record(frozen=True, kw_only=True)
class Clock:
    """The source of time and random bytes; by default the machine's.

    Args:
        now: Returns Unix time in seconds.
        monotonic: Returns seconds on a clock that never goes back, for deadlines and rate limits.
        sleep: Sleeps for the given number of seconds.
        entropy: Returns the given number of random bytes.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    entropy: Callable[[int], bytes] = os.urandom

    def deadline(self, seconds: float, cancelled: Callable[[], bool] | None = None) -> Deadline:
        """Return the deadline that many seconds from now; see `Deadline`."""
        return Deadline(seconds, self.monotonic, cancelled)
