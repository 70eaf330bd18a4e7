"""`Entry`, the record of one send, and `Ledger`, the protocol of its stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias, get_args

State: TypeAlias = Literal["started", "sent", "unknown"]


class LedgerLost(Exception):
    """A ledger's store cannot be used; the text contains no path, host or secret."""


@dataclass(frozen=True)
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
            LedgerLost: The text is not an entry.
        """
        try:
            stored = json.loads(text)
            if stored["state"] in get_args(State):
                times = {name: float(stored[name]) for name in ("started_at", "ends_at")}
                times["expires_at"] = float(stored["expires_at"])
                return cls(
                    stored["state"], str(stored["fingerprint"]), **times, facts=stored["facts"]
                )
        except (KeyError, TypeError, ValueError):
            pass
        raise LedgerLost("the store contains a value that is not a ledger entry")


class Ledger(Protocol):
    """A store of entries by key, safe for all workers that share it.

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
