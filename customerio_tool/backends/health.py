"""Tests the stores that tools share: whether they are reachable, writable and the right program."""

from __future__ import annotations

import secrets

from customerio_tool.backends.approvals.waiting import Approvals, ApprovalsLost, Waiting
from customerio_tool.backends.backends import Backends
from customerio_tool.backends.ledger.entry import Entry, Ledger, LedgerLost
from customerio_tool.backends.ledger.memory import MemoryLedger

_PROBE_SECONDS = 10.0


def problems_of(backends: Backends, now: float) -> dict[str, str]:
    """Return each shared store by name, with its problem as a sentence, or "" if it works.

    The names are `redis`, if the rate limits are in Redis, `ledger`, if it is not in memory, and
    `approvals`, if other processes share them. Something that nothing else reads is stored in
    ledger and approvals, and removed.
    """
    found: dict[str, str] = {}
    if check := getattr(backends.limiter, "problem", None):
        found["redis"] = check()
    if not isinstance(backends.ledger, MemoryLedger):
        found["ledger"] = ledger_problem(backends.ledger, now)
    if backends.approvals.is_shared:
        found["approvals"] = _approvals_problem(backends.approvals, now)
    return found


def ledger_problem(ledger: Ledger, now: float) -> str:
    """Return the problem of a ledger as a sentence, or "" if it works; `now` is in Unix seconds."""
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


def _approvals_problem(approvals: Approvals, now: float) -> str:
    workspace, ends_at = f"check:{secrets.token_hex(16)}", now + _PROBE_SECONDS
    probe = Waiting("check", secrets.token_bytes(16), "check", "check", now, ends_at)
    lost = "The calls that wait for a person cannot be kept, so that they are refused"
    try:
        confirmation_id = approvals.keep(workspace, probe, now, secrets.token_bytes)
        is_kept = approvals.find(workspace, confirmation_id, now) == probe
        is_taken = approvals.take(workspace, confirmation_id, now) == probe
        is_gone = approvals.find(workspace, confirmation_id, now) is None
    except ApprovalsLost as error:
        return f"{lost} ({error})."
    except Exception as error:  # a store of the host's own may raise anything
        return f"{lost} ({type(error).__name__})."
    is_sound = is_kept and is_taken and is_gone
    return "" if is_sound else "The store of waiting calls does not keep what it is given."
