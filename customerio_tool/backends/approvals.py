"""The calls that wait for a person, in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from customerio_tool.locks import ForkSafeLock

LIFE_SECONDS = 600
"""How long a call waits for a person, in seconds."""

MAX_WAITING = 1000
"""The most calls of one workspace that wait for a person at the same time."""


@dataclass(frozen=True)
class WaitingCall:
    """One call that waits for a person.

    Args:
        call: The call itself, which `repr` does not show.
        key: Equal for equal calls of the same run.
        ends_at: When it stops waiting, in Unix seconds.
    """

    call: Any = field(repr=False)
    key: Hashable = field(repr=False)
    ends_at: float


class Approvals:
    """The calls of all workspaces that wait for a person, each for 10 minutes."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = ForkSafeLock()
        self._waiting: dict[str, dict[str, WaitingCall]] = {}

    def keep(
        self, workspace: str, waiting: WaitingCall, now: float, entropy: Callable[[int], bytes]
    ) -> str | None:
        """Keep a call and return its confirmation id; if an equal call waits, return that one's.

        Args:
            workspace: The digest of the workspace.
            waiting: The call.
            now: Unix time in seconds.
            entropy: Returns the given number of random bytes.

        Returns:
            The id; None if `MAX_WAITING` calls of the workspace wait already.
        """
        with self._lock:
            queue = self._queue(workspace, now)
            for same_id, other in queue.items():
                if other.key == waiting.key:
                    return same_id
            if len(queue) >= MAX_WAITING:
                return None
            # The number makes ids unique; the random part makes them hard to guess.
            confirmation_id = f"{next(self._numbers)}-{entropy(8).hex()}"
            queue[confirmation_id] = waiting
        return confirmation_id

    def take(self, workspace: str, confirmation_id: str, now: float) -> WaitingCall | None:
        """Remove a waiting call and return it; None if no call waits under this id."""
        with self._lock:
            return self._queue(workspace, now).pop(confirmation_id, None)

    def _queue(self, workspace: str, now: float) -> dict[str, WaitingCall]:
        """Return the calls of a workspace that still wait, by id."""
        queue = self._waiting.setdefault(workspace, {})
        for expired in [k for k, waiting in queue.items() if waiting.ends_at <= now]:
            del queue[expired]
        return queue
