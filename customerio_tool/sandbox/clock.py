"""The clock of the local Customer.io: real time, or a time that a test sets and moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

_LAST = 10.0**11
"""The year 5138 in seconds, 1973 in milliseconds: a larger number is meant as milliseconds."""


class Clock:
    """A clock in Unix seconds. It runs until frozen, and can be moved at any time.

    Args:
        source: returns the real time.
        frozen_at: freeze the clock at this Unix time from the start.
    """

    def __init__(
        self, source: Callable[[], float] = time.time, *, frozen_at: float | None = None
    ) -> None:
        self._source = source
        self._lock = Lock()
        self._offset = 0.0
        self._start = self._frozen = frozen_at

    def now(self) -> float:
        """The current Unix time in seconds."""
        with self._lock:
            return self._source() + self._offset if self._frozen is None else self._frozen

    @property
    def is_frozen(self) -> bool:
        """Whether the clock is frozen."""
        return self._frozen is not None

    def freeze(self, at: float | None = None) -> float:
        """Freeze the clock at ``at``, or now; returns that time.

        Raises:
            ValueError: ``at`` is no Unix time.
        """
        moment = self.now() if at is None else _checked(at)
        with self._lock:
            self._frozen = moment
        return moment

    def advance(self, seconds: float) -> float:
        """Move the clock forward, frozen or not; returns the new time.

        Raises:
            ValueError: ``seconds`` is below 0, or too large.
        """
        if seconds < 0:
            raise ValueError("a clock moves forward only: seconds must be 0 or more")
        _checked(self.now() + seconds)
        with self._lock:
            if self._frozen is None:
                self._offset += seconds
            else:
                self._frozen += seconds
        return self.now()

    def set(self, at: float) -> float:
        """Move the clock to a later or earlier Unix time, frozen or not; returns it.

        Raises:
            ValueError: ``at`` is no Unix time.
        """
        _checked(at)
        with self._lock:
            if self._frozen is None:
                self._offset = at - self._source()
            else:
                self._frozen = at
        return at

    def restart(self) -> None:
        """Return to the start: to real time, or frozen at ``frozen_at``."""
        with self._lock:
            self._offset, self._frozen = 0.0, self._start

    def resume(self) -> float:
        """Let a frozen clock run on from its time; returns that time."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - self._source()
                self._frozen = None
        return self.now()


def _checked(moment: float) -> float:
    if not 0 <= moment <= _LAST:
        raise ValueError(f"time must be Unix seconds, not milliseconds: 0 to {_LAST:.0f}")
    return moment
