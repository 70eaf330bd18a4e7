"""The calls that wait for a person, in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from customerio_tool.locks import ForkSafeLock

LIFE_SECONDS = 600
"""How long a call waits for a person."""

MAX_WAITING = 1000
"""Calls of one workspace that wait for a person at the same time."""


@dataclass(frozen=True)
class WaitingCall:
    """One call that waits for a person.

    Args:
        call: The call itself, which `repr` does not show.
        key: Equal for the same call of the same run.
        ends_at: When it waits no more, in Unix seconds.
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
        """Keep a call and return its confirmation id; the same call keeps the id that it has.

        Args:
            workspace: Whose call it is.
            waiting: The call.
            now: Unix time in seconds.
            entropy: Gives that many random bytes.

        Returns:
            The id; None where too many calls of the workspace wait.
        """
        with self._lock:
            queue = self._queue(workspace, now)
            for known, other in queue.items():
                if other.key == waiting.key:
                    return known
            if len(queue) >= MAX_WAITING:
                return None
            # Numbered, so that two calls never share an id.
            confirmation_id = f"{next(self._numbers)}-{entropy(8).hex()}"
            queue[confirmation_id] = waiting
        return confirmation_id

    def take(self, workspace: str, confirmation_id: str, now: float) -> WaitingCall | None:
        """Return a call of the workspace, which then waits no more; None where there is none."""
        with self._lock:
            return self._queue(workspace, now).pop(confirmation_id, None)

    def _queue(self, workspace: str, now: float) -> dict[str, WaitingCall]:
        """Return the calls of a workspace that still wait."""
        queue = self._waiting.setdefault(workspace, {})
        for known in [k for k, waiting in queue.items() if waiting.ends_at <= now]:
            del queue[known]
        return queue
