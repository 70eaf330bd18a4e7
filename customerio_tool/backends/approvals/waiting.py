"""`Waiting`, a call that waits for a person, and `Approvals`, the protocol of its stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

LIFE_SECONDS = 600
"""How long a call waits for a person, in seconds."""

MAX_BYTES = 64 * 2**20
"""The most bytes of the waiting calls in a store. Beyond it, the run whose calls take most loses
its oldest one, so that no run can crowd out another."""

OVERHEAD_BYTES = 1024
"""The bytes that a waiting call takes in addition to its content."""


class ApprovalsLost(Exception):
    """A store of waiting calls cannot be used; the text contains no path, host or secret."""


@dataclass(frozen=True)
class Waiting:
    """One call that waits for a person.

    Args:
        subtool: The name of the subtool.
        content: The call, from `calls.kept_call.kept`; sealed in a store outside the process.
        key: A digest that is equal for equal calls of the same run.
        run: A digest of the host's id of the run; calls without one have the same.
        asked_at: When the call was asked for, in Unix seconds.
        ends_at: When it stops waiting, in Unix seconds.
    """

    subtool: str
    content: bytes = field(repr=False)
    key: str = field(repr=False)
    run: str = field(repr=False)
    asked_at: float
    ends_at: float

    @property
    def size(self) -> int:
        """The bytes that it takes in a store."""
        return len(self.content) + OVERHEAD_BYTES


class Approvals(Protocol):
    """A store of the calls that wait for a person, safe for all workers that share it.

    Each workspace sees only its own calls. Every method raises `ApprovalsLost` if the store cannot
    be used, within seconds. `now` is Unix time in seconds. At its `ends_at` a call is gone.
    """

    @property
    def is_shared(self) -> bool:
        """Whether other processes can read the store, so that content is sealed."""

    def keep(
        self, workspace: str, waiting: Waiting, now: float, entropy: Callable[[int], bytes]
    ) -> str:
        """Keep a call and return its confirmation id; if an equal call waits, return that one's.

        The id is a number that the store gives once, a hyphen, and 16 random hex digits.

        Args:
            workspace: The digest of the workspace.
            waiting: The call.
            now: Unix time in seconds.
            entropy: Returns the given number of random bytes.
        """

    def find(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Return the call that waits under this id, if there is one."""

    def take(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Remove the call that waits under this id and return it; atomic, also among processes."""

    def waiting(self, workspace: str, now: float) -> dict[str, Waiting]:
        """Return the calls that wait, by confirmation id, the oldest first."""
