"""`Waiting`, a call that waits for a person, and `Approvals`, the protocol of its stores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from importlib.util import find_spec
from typing import Any, Protocol

from customerio_tool.patterns import pattern
from customerio_tool.records import record
from customerio_tool.version import how_to_install

LIFE_SECONDS = 600
"""How long a call waits for a person, in seconds."""

MAX_BYTES = 64 * 2**20
"""The most bytes of the waiting calls in a store. Beyond it, the run whose calls take most loses
its oldest one, so that no run can crowd out another."""

OVERHEAD_BYTES = 1024
"""The bytes that a waiting call takes in addition to its content."""


RANDOM_BYTES = 8
"""The random bytes of a confirmation id, which make it hard to guess."""

CONFIRMATION_ID = pattern(r"[1-9][0-9]{0,14}-[0-9a-f]{16}", re.ASCII)
"""An id of a waiting call: the number that the store gave, and 16 random hex digits."""

_SUBTOOL = pattern(r"[a-z0-9_]{1,64}", re.ASCII)
_MAX_TIME = 1e11
"""The latest time of a waiting call, in Unix seconds: in the year 5138."""


class ApprovalsLost(Exception):
    """A store of waiting calls cannot be used; the text contains no path, host or secret."""


@record(frozen=True)
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

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Waiting | None:
        """Return the call that a store kept; None if another program wrote or changed it so.

        Args:
            members: The members as they were stored, of any type.
        """
        subtool, content, key, run = (members.get(n) for n in ("subtool", "content", "key", "run"))
        asked_at, ends_at = _time(members.get("asked_at")), _time(members.get("ends_at"))
        is_named = isinstance(subtool, str) and _SUBTOOL.fullmatch(subtool)
        if not is_named or not isinstance(content, bytes) or asked_at is None or ends_at is None:
            return None
        if not isinstance(key, str) or not isinstance(run, str):
            return None
        return cls(str(subtool), content, key, run, asked_at, ends_at)


def _time(value: Any) -> float | None:
    """Return a stored time; None for NaN, an infinity and a time that no calendar has."""
    is_time = type(value) in (int, float) and 0 <= value < _MAX_TIME
    return float(value) if is_time else None


def can_seal() -> bool:
    """Whether the library is installed by which calls are sealed outside the process."""
    return find_spec("cryptography") is not None


def require_sealing() -> None:
    """Refuse to go on without that library.

    Raises:
        ImportError: It is not installed.
    """
    if not can_seal():
        raise ImportError(
            "Calls that wait for a person outside this process are sealed by the library "
            f"cryptography: install it with  {how_to_install('approvals')}"
        )


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
