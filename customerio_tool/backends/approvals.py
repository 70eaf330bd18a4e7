"""The calls that wait for a person, in memory."""

from __future__ import annotations

import itertools
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


@dataclass
class _Queue:
    """The waiting calls of one run by id, the oldest first, and their bytes."""

    calls: dict[str, WaitingCall] = field(default_factory=dict)
    size: int = 0


class Approvals:
    """The calls of all workspaces that wait for a person, each for 10 minutes."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = ForkSafeLock()
        self._runs: dict[str, _Run] = {}  # by id, the oldest first
        self._queues: dict[_Run, _Queue] = {}
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
            if same := self._ids.get((workspace, waiting.key)):
                return same
            # The number makes ids unique; the random part makes them hard to guess.
            confirmation_id = f"{next(self._numbers)}-{entropy(8).hex()}"
            run = workspace, waiting.run
            self._runs[confirmation_id] = run
            self._ids[workspace, waiting.key] = confirmation_id
            self._queues.setdefault(run, _Queue()).calls[confirmation_id] = waiting
            self._resize(run, waiting.size + _OVERHEAD)
            self._make_room(confirmation_id)
        return confirmation_id

    def take(self, workspace: str, confirmation_id: str, now: float) -> WaitingCall | None:
        """Remove a waiting call and return it; None if no call waits under this id."""
        with self._lock:
            self._forget(now)
            run = self._runs.get(confirmation_id)
            return self._drop(confirmation_id) if run and run[0] == workspace else None

    def _forget(self, now: float) -> None:
        """Drop the calls whose time is over."""
        while self._runs:
            oldest, run = next(iter(self._runs.items()))
            if self._queues[run].calls[oldest].ends_at > now:
                return
            self._drop(oldest)

    def _make_room(self, newest: str) -> None:
        while self._size > MAX_BYTES:
            largest = max(self._queues.values(), key=lambda queue: queue.size)
            oldest = next(iter(largest.calls))
            if oldest == newest:
                return
            self._drop(oldest)

    def _drop(self, confirmation_id: str) -> WaitingCall:
        run = self._runs.pop(confirmation_id)
        waiting = self._queues[run].calls.pop(confirmation_id)
        del self._ids[run[0], waiting.key]
        self._resize(run, -waiting.size - _OVERHEAD)
        return waiting

    def _resize(self, run: _Run, by: int) -> None:
        self._size += by
        queue = self._queues[run]
        queue.size += by
        if not queue.calls:
            del self._queues[run]
