"""Entries in few bytes: one object each, in place of eight."""

from __future__ import annotations

import json
import struct
from typing import get_args

from customerio_tool.backends.ledger.entry import Entry, State

_STATES: tuple[State, ...] = get_args(State)
_HEAD = struct.Struct("<BBdddH")
"""The state, whether the fingerprint ends in a digest, the three times, the fingerprint's bytes."""

_DIGITS = 64
_ANY = "surrogatepass"  # any text comes back as it was
_facts = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def short(key: str) -> str | bytes:
    """Return a key of 64 hex digits as its 32 bytes, and any other as it is."""
    if len(key) != _DIGITS:
        return key
    try:
        digest = bytes.fromhex(key)
    except ValueError:
        return key
    return digest if digest.hex() == key else key


def packed(entry: Entry) -> bytes:
    """Return the entry in one row of bytes."""
    before, digest = entry.fingerprint[:-_DIGITS], short(entry.fingerprint[-_DIGITS:])
    if isinstance(digest, str):
        before, digest = entry.fingerprint, b""
    name = before.encode(errors=_ANY)
    facts = _facts(dict(entry.facts)).encode(errors=_ANY) if entry.facts else b""
    state, times = _STATES.index(entry.state), (entry.started_at, entry.ends_at, entry.expires_at)
    return _HEAD.pack(state, len(digest), *times, len(name)) + name + digest + facts


def unpacked(row: bytes) -> Entry:
    """Return the entry of a row that `packed` made."""
    state, digits, began, ends, expires, length = _HEAD.unpack_from(row)
    digest = _HEAD.size + length
    facts = digest + digits
    name = row[_HEAD.size : digest].decode(errors=_ANY) + row[digest:facts].hex()
    found = json.loads(row[facts:]) if len(row) > facts else {}
    return Entry(_STATES[state], name, began, ends, expires, found)


def expiry_of(row: bytes) -> float:
    """Return when the entry of a row expires, in Unix seconds."""
    expires: float = _HEAD.unpack_from(row)[4]
    return expires
