"""The calls that wait for a person, in memory."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from customerio_tool.locks import ForkSafeLock

LIFE_SECONDS = 600
"""How long a call waits for a person, in seconds."""

MAX_BYTES = 64 * 2**20
"""The most bytes of all waiting calls, of all workspaces. Beyond it, the run whose calls take most
loses its oldest one, so that no run can crowd out another."""

_OVERHEAD = 1024
"""The bytes that a waiting call takes in addition to its arguments."""

_Run: TypeAlias = tuple[str, "str | None"]


@dataclass(frozen=True)
class WaitingCall:
    """One call that waits for a person.

    Args:
        call: The call itself, which `repr` does not show.
        key: Equal for equal calls of the same run.
        run: The host's id of the run; all calls without one are one run.
        size: The bytes of its arguments.
        ends_at: When it stops waiting, in Unix seconds.
    """

    call: Any = field(repr=False)
    key: Hashable = field(repr=False)
    run: str | None
    size: int
    ends_at: float


class Approvals:
    """The calls of all workspaces that wait for a person, each for 10 minutes."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = ForkSafeLock()
        self._waiting: dict[str, tuple[str, WaitingCall]] = {}  # by id, the oldest first
        self._ids: dict[tuple[str, Hashable], str] = {}
        self._size = 0

    def keep(
        self, workspace: str, waiting: WaitingCall, now: float, entropy: Callable[[int], bytes]
    ) -> str:
        """Keep a call and return its confirmation id; if an equal call waits, return that one's.

        Args:
            workspace: The digest of the workspace.
            waiting: The call.
            now: Unix time in seconds.
            entropy: Returns the given number of random bytes.
        """
        with self._lock:
            self._forget(now)
            same = self._ids.get((workspace, waiting.key), "")
            if same in self._waiting:
                return same
            # The number makes ids unique; the random part makes them hard to guess.
            confirmation_id = f"{next(self._numbers)}-{entropy(8).hex()}"
            self._waiting[confirmation_id] = workspace, waiting
            self._ids[workspace, waiting.key] = confirmation_id
            self._size += waiting.size + _OVERHEAD
            if self._size > MAX_BYTES:
                self._make_room(confirmation_id)
        return confirmation_id

    def take(self, workspace: str, confirmation_id: str, now: float) -> WaitingCall | None:
        """Remove a waiting call and return it; None if no call waits under this id."""
        with self._lock:
            self._forget(now)
            owner, _ = self._waiting.get(confirmation_id, (None, None))
            return self._drop(confirmation_id) if owner == workspace else None

    def _forget(self, now: float) -> None:
        """Drop the calls whose time is over."""
        while self._waiting:
            oldest, (_, waiting) = next(iter(self._waiting.items()))
            if waiting.ends_at > now:
                return
            self._drop(oldest)

    def _make_room(self, newest: str) -> None:
        """Drop calls of the run whose calls take most, until all together take `MAX_BYTES`."""
        sizes: Counter[_Run] = Counter()
        for workspace, waiting in self._waiting.values():
            sizes[workspace, waiting.run] += waiting.size + _OVERHEAD
        while sizes.total() > MAX_BYTES:
            largest = max(sizes, key=lambda run: sizes[run])
            oldest = next(
                each for each, (of, call) in self._waiting.items() if (of, call.run) == largest
            )
            if oldest == newest:
                return
            sizes[largest] -= self._drop(oldest).size + _OVERHEAD

    def _drop(self, confirmation_id: str) -> WaitingCall:
        workspace, waiting = self._waiting.pop(confirmation_id)
        self._ids.pop((workspace, waiting.key), None)
        self._size -= waiting.size + _OVERHEAD
        return waiting
