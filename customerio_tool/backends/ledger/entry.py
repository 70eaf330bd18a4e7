"""`Entry`, the record of one send, and `Ledger`, the protocol of its stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

from customerio_tool.records import record

State: TypeAlias = Literal["started", "sent", "unknown"]


FORGOTTEN_AT_ONCE = 200
"""How many entries that have expired one use of a store removes at most, so that none takes long.
"""


class LedgerLost(Exception):
    """A ledger's store cannot be used; the text contains no path, host or secret."""


class EntrySpoilt(LedgerLost):
    """The store has something under the key, which is no entry."""


@record(frozen=True)
class Entry:
    """The record of one message in a ledger.

    Args:
        state: `started` until its call ends, then `sent` or `unknown`.
        fingerprint: The digest of the message, from `fingerprint_of`.
        started_at: When its call began, in Unix seconds.
        ends_at: The deadline of that call, in Unix seconds.
        expires_at: When the entry expires, in Unix seconds.
        facts: The members of the call's result that its declaration has kept.
    """

    state: State
    fingerprint: str
    started_at: float
    ends_at: float
    expires_at: float
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_of(self, now: float) -> Entry:
        """Return the entry at this time: a started call past its deadline counts as `unknown`."""
        overdue = self.state == "started" and self.ends_at <= now
        return replace(self, state="unknown") if overdue else self

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the JSON object that stores keep."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Entry:
        """Return the entry of a stored JSON text; unknown members are ignored.

        Raises:
            EntrySpoilt: The text is not an entry.
        """
        stored = _object_in(text)
        state, digest, facts = (stored.get(name) for name in ("state", "fingerprint", "facts"))
        began, ends, expires = (_time_in(stored.get(f"{name}_at")) for name in _TIMES)
        if state not in get_args(State) or not isinstance(digest, str):
            raise EntrySpoilt(_SPOILT)
        if not isinstance(facts, dict):
            raise EntrySpoilt(_SPOILT)
        return cls(cast("State", state), digest, began, ends, expires, facts)


MAX_ENTRY = 65_536
"""The longest entry in JSON; the tool's own have under 2 kB."""

_SPOILT = "the store contains a value that is not a ledger entry"
_TIMES = ("started", "ends", "expires")
_MAX_TIME = 1e11
"""The latest time of an entry, in Unix seconds: in the year 5138."""


def _object_in(text: Any) -> dict[str, Any]:
    try:
        stored = json.loads(text) if len(text) <= MAX_ENTRY else None
    except (TypeError, ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        raise EntrySpoilt(_SPOILT)
    return stored


def _time_in(value: Any) -> float:
    """Return a stored time; NaN, an infinity and a time that no calendar has are refused."""
    if type(value) not in (int, float) or not 0 <= value < _MAX_TIME:
        raise EntrySpoilt(_SPOILT)
    return float(value)


@record(frozen=True)
class Unit:
    """One unit of a count in a ledger, such as one send of a run.

    Args:
        count: The key of the count.
        name: The name of the unit, in letters and digits: to take it twice is to take it once.
        expires_at: Until when the whole count lasts from now on, in Unix seconds.
    """

    count: str
    name: str
    expires_at: float


class Ledger(Protocol):
    """A store of entries by key and of counts, safe for all workers that share it.

    Every method raises `LedgerLost` if the store cannot be used. It must do so within seconds, as
    the deadline of a call does not interrupt it. `now` is Unix time in seconds. At its `expires_at`
    an entry ceases to exist.
    """

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry if the key is free; atomic, also among processes.

        Returns:
            None if the entry was stored, else the entry that has the key.
        """

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry that holds the key, if there is one; nothing is stored."""

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Store the final entry of a message, in place of any entry under this key."""

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take a unit if its count has fewer than `allowed`; atomic, also among processes.

        Returns:
            Whether the unit is taken; if not, nothing was stored.
        """

    def taken(self, count: str, now: float) -> int:
        """Return how many units of a count are taken."""

    def give_back(self, unit: Unit) -> None:
        """Free a unit that certainly was not used."""
