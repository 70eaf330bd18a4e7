"""The calls that wait for a person, in memory, for one process."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from customerio_tool.backends.approvals.waiting import MAX_BYTES, RANDOM_BYTES, Waiting
from customerio_tool.locks import ForkSafeLock

_Run: TypeAlias = tuple[str, str]


class MemoryApprovals:
    """Keeps waiting calls for the threads of one process; they are lost when it ends.

    Args:
        max_bytes: The most bytes of all waiting calls, see `MAX_BYTES`.
    """

    is_shared = False

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._numbers = itertools.count(1)
        self._lock = ForkSafeLock()
        self._waiting: dict[str, tuple[str, Waiting]] = {}  # by id, the oldest first
        self._ids: dict[tuple[str, str], str] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """The bytes of all waiting calls."""
        return self._size

    def keep(
        self, workspace: str, waiting: Waiting, now: float, entropy: Callable[[int], bytes]
    ) -> str:
        """Keep a call and return its confirmation id; see `Approvals`."""
        with self._lock:
            self._forget(now)
            same = self._ids.get((workspace, waiting.key), "")
            if same in self._waiting:
                return same
            # The number makes ids unique; the random part makes them hard to guess.
            confirmation_id = f"{next(self._numbers)}-{entropy(RANDOM_BYTES).hex()}"
            self._waiting[confirmation_id] = workspace, waiting
            self._ids[workspace, waiting.key] = confirmation_id
            self._size += waiting.size
            if self._size > self._max_bytes:
                self._make_room(confirmation_id)
        return confirmation_id

    def find(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Return the call that waits under this id, if there is one."""
        return self.waiting(workspace, now).get(confirmation_id)

    def take(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Remove the call that waits under this id and return it."""
        with self._lock:
            self._forget(now)
            owner, _ = self._waiting.get(confirmation_id, (None, None))
            return self._drop(confirmation_id) if owner == workspace else None

    def waiting(self, workspace: str, now: float) -> dict[str, Waiting]:
        """Return the calls that wait, by confirmation id, the oldest first."""
        with self._lock:
            self._forget(now)
            return {name: call for name, (of, call) in self._waiting.items() if of == workspace}

    def _forget(self, now: float) -> None:
        """Drop the calls whose time is over."""
        while self._waiting:
            oldest, (_, waiting) = next(iter(self._waiting.items()))
            if waiting.ends_at > now:
                return
            self._drop(oldest)

    def _make_room(self, newest: str) -> None:
        """Drop calls of the run whose calls take most, until all together take `max_bytes`."""
        sizes: Counter[_Run] = Counter()
        for workspace, waiting in self._waiting.values():
            sizes[workspace, waiting.run] += waiting.size
        while sizes.total() > self._max_bytes:
            largest = max(sizes, key=lambda run: sizes[run])
            oldest = next(
                each for each, (of, call) in self._waiting.items() if (of, call.run) == largest
            )
            if oldest == newest:
                return
            sizes[largest] -= self._drop(oldest).size

    def _drop(self, confirmation_id: str) -> Waiting:
        workspace, waiting = self._waiting.pop(confirmation_id)
        self._ids.pop((workspace, waiting.key), None)
        self._size -= waiting.size
        return waiting
