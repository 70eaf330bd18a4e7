"""A ledger of sends in memory, for one process."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

from customerio_tool.backends.ledger.entry import FORGOTTEN_AT_ONCE, Entry, Unit
from customerio_tool.locks import ForkSafeLock


@dataclass(frozen=True)
class _Count:
    """The units of a count that are taken, and when all of them expire."""

    units: frozenset[str] = frozenset()
    expires_at: float = 0.0


class MemoryLedger:
    """A ledger for the threads of one process; it is lost when the process ends."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._expiries: list[tuple[float, str]] = []
        self._counts: dict[str, _Count] = {}
        self._lock = ForkSafeLock()

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry if the key is free, else return the entry that has it; see `Ledger`."""
        with self._lock:
            self._forget(now)
            if held := self._held(key, now):
                return held
            self._store(key, entry)
            return None

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry that holds the key, if there is one."""
        with self._lock:
            self._forget(now)
            return self._held(key, now)

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Store the final entry of a message."""
        with self._lock:
            self._forget(now)
            self._store(key, entry)

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
        with self._lock:
            self._entries.pop(key, None)

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take a unit if its count has fewer than `allowed`; see `Ledger`."""
        with self._lock:
            self._forget(now)
            count = self._counted(unit.count, now)
            if unit.name not in count.units and len(count.units) >= allowed:
                return False
            ends = max(count.expires_at, unit.expires_at)
            self._counts[unit.count] = _Count(count.units | {unit.name}, ends)
            heapq.heappush(self._expiries, (ends, unit.count))
            return True

    def taken(self, count: str, now: float) -> int:
        """Return how many units of a count are taken."""
        with self._lock:
            self._forget(now)
            return len(self._counted(count, now).units)

    def give_back(self, unit: Unit) -> None:
        """Free a unit that certainly was not used."""
        with self._lock:
            if count := self._counts.get(unit.count):
                self._counts[unit.count] = replace(count, units=count.units - {unit.name})

    def _store(self, key: str, entry: Entry) -> None:
        self._entries[key] = entry
        heapq.heappush(self._expiries, (entry.expires_at, key))

    def _held(self, key: str, now: float) -> Entry | None:
        entry = self._entries.get(key)
        return entry if entry and entry.expires_at > now else None

    def _counted(self, key: str, now: float) -> _Count:
        count = self._counts.get(key)
        return count if count and count.expires_at > now else _Count()

    def _forget(self, now: float) -> None:
        """Forget some of what has expired; all at once, a million would hold up every call."""
        for _ in range(FORGOTTEN_AT_ONCE):
            if not self._expiries or self._expiries[0][0] > now:
                return
            _, key = heapq.heappop(self._expiries)
            entry = self._entries.get(key)
            if entry and entry.expires_at <= now:
                del self._entries[key]
            count = self._counts.get(key)
            if count and count.expires_at <= now:
                del self._counts[key]
