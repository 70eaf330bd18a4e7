"""What time it is in the local Customer.io: the real time, or one a test sets and moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

_LAST = 10.0**11
"""In the year 5138; the same moment in milliseconds was in 1973."""


class Clock:
    """Unix seconds. Runs with the machine until frozen; may be moved at any time.

    Args:
        source: where running time comes from.
        frozen_at: start frozen at this Unix time.
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
        """Whether time stands still."""
        return self._frozen is not None

    def freeze(self, at: float | None = None) -> float:
        """Stop time, at ``at`` or now; returns the time it stopped at.

        Raises:
            ValueError: ``at`` is no Unix time.
        """
        moment = self.now() if at is None else _checked(at)
        with self._lock:
            self._frozen = moment
        return moment

    def advance(self, seconds: float) -> float:
        """Move time forward by ``seconds`` (0 or more), frozen or not; returns the new time.

        Raises:
            ValueError: ``seconds`` is less than 0, or leads too far.
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
        """Move to another Unix time, also an earlier one, frozen or not; returns it.

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
        """Be as it was made: at the real time, or frozen where it began."""
        with self._lock:
            self._offset, self._frozen = 0.0, self._start

    def resume(self) -> float:
        """Let time run on from where it stands; returns it."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - self._source()
                self._frozen = None
        return self.now()


def _checked(moment: float) -> float:
    if not 0 <= moment <= _LAST:
        raise ValueError(f"time must be Unix seconds, not milliseconds: 0 to {_LAST:.0f}")
    return moment
