"""The budget of repeats: an outage is not multiplied by all the calls that meet it."""

from __future__ import annotations

from collections.abc import Hashable

from customerio_tool.locks import ForkSafeLock


class RetryQuota:
    """A budget of repeats per workspace and API, in memory.

    A repeat costs 14 of 500 units, after a 429 it costs 5; a success pays back what its repeats
    cost, and at least one unit.
    """

    CAPACITY = 500

    def __init__(self) -> None:
        self._units: dict[Hashable, int] = {}
        self._lock = ForkSafeLock()

    def spend(self, whose: Hashable, cost: int) -> bool:
        """Take units for one repeat; False where too few are left."""
        with self._lock:
            left = self._units.get(whose, self.CAPACITY)
            if left < cost:
                return False
            self._units[whose] = left - cost
            return True

    def pay_back(self, whose: Hashable, units: int) -> None:
        """Give units back after a success; a budget that is full is forgotten."""
        with self._lock:
            left = self._units.pop(whose, self.CAPACITY) + units
            if left < self.CAPACITY:
                self._units[whose] = left
