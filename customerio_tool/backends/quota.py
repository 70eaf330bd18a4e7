"""The budget of retries: it keeps calls from multiplying the load of an outage by retrying."""

from __future__ import annotations

from collections.abc import Hashable

from customerio_tool.locks import ForkSafeLock


class RetryQuota:
    """A budget of retries per key, in memory.

    A retry costs 14 of 500 units, or 5 after a 429. A success pays back the cost of its own
    retries, and at least one unit.
    """

    CAPACITY = 500

    def __init__(self) -> None:
        self._units: dict[Hashable, int] = {}
        self._lock = ForkSafeLock()

    def spend(self, key: Hashable, cost: int) -> bool:
        """Take units for one retry; return False if too few are left."""
        with self._lock:
            left = self._units.get(key, self.CAPACITY)
            if left < cost:
                return False
            self._units[key] = left - cost
            return True

    def pay_back(self, key: Hashable, units: int) -> None:
        """Return units after a success, up to the capacity."""
        with self._lock:
            left = self._units.pop(key, self.CAPACITY) + units
            if left < self.CAPACITY:  # a full budget is not stored
                self._units[key] = left
