"""Tests the stores that tools share: whether they are reachable, writable and the right program."""

from __future__ import annotations

import secrets

from customerio_tool.backends.backends import Backends
from customerio_tool.backends.ledger.entry import Entry, Ledger, LedgerLost
from customerio_tool.backends.ledger.memory import MemoryLedger

_PROBE_SECONDS = 10.0


def problems_of(backends: Backends, now: float) -> dict[str, str]:
    """Return each shared store by name, with its problem as a sentence, or "" if it works.

    The names are `redis`, if the rate limits are in Redis, and `ledger`, if it is not in memory.
    An entry that nothing else reads is stored in the ledger, and removed.
    """
    found: dict[str, str] = {}
    if check := getattr(backends.limiter, "problem", None):
        found["redis"] = check()
    if not isinstance(backends.ledger, MemoryLedger):
        found["ledger"] = _ledger_problem(backends.ledger, now)
    return found


def _ledger_problem(ledger: Ledger, now: float) -> str:
    key, ends_at = f"check:{secrets.token_hex(16)}", now + _PROBE_SECONDS
    entry = Entry("started", "check", now, ends_at, ends_at)
    try:
        is_kept = ledger.claim(key, entry, now) is None and ledger.find(key, now) == entry
        ledger.release(key)
        is_free = ledger.find(key, now) is None
    except LedgerLost as lost:
        return f"The ledger of sends cannot be used, so that no message is sent ({lost})."
    except Exception as error:  # a ledger of the host's own may raise anything
        kind = type(error).__name__
        return f"The ledger of sends cannot be used, so that no message is sent ({kind})."
    return "" if is_kept and is_free else "The ledger of sends does not keep what it is given."
