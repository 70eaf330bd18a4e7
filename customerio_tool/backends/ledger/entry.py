"""What a ledger remembers of one send, and what a store of ledgers promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias, get_args

State: TypeAlias = Literal["started", "sent", "unknown"]


class LedgerLost(Exception):
    """The store of a ledger cannot be used; the text names no place and no secret."""


@dataclass(frozen=True)
class Entry:
    """What a ledger knows of one message.

    Args:
        state: `started` before its call has ended, then `sent` or `unknown`.
        fingerprint: The digest of the message, from `fingerprint_of`.
        started_at: When its call began, in Unix seconds.
        ends_at: The deadline of that call, in Unix seconds.
        expires_at: When the entry counts no longer, in Unix seconds.
        facts: What Customer.io answered, as far as `FACTS` goes.
    """

    state: State
    fingerprint: str
    started_at: float
    ends_at: float
    expires_at: float
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_of(self, now: float) -> Entry:
        """Return the entry as it reads now: a call past its deadline has an unknown outcome."""
        overdue = self.state == "started" and self.ends_at <= now
        return replace(self, state="unknown") if overdue else self

    def as_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object, as stores keep it."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Entry:
        """Return the entry of a stored JSON text; members that a later version added are ignored.

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
        raise LedgerLost("the store holds something that is no entry of a ledger")


class Ledger(Protocol):
    """A store of entries under their keys, safe for all the workers that share it.

    Every method raises `LedgerLost` where the store cannot be used, and does so soon: a call waits
    for its ledger beyond its deadline. `now` is in Unix seconds; an entry whose `expires_at` has
    come is as if it had never been.
    """

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry unless the key is held, in one step: of two callers one comes first.

        Returns:
            None if the entry was stored, else the entry that holds the key.
        """

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Store how a message ended, whatever the key held."""

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
