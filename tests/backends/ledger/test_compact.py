"""Entries in memory take few bytes, and come back as they were."""

from __future__ import annotations

import hashlib
import tracemalloc
from dataclasses import replace

import pytest

from customerio_tool.backends.ledger.compact import packed, short
from customerio_tool.backends.ledger.entry import Entry, Unit
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.message_keys import DAY
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY

DIGEST = hashlib.sha256(b"message").hexdigest()
MANY = 5000


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        replace(ENTRY, fingerprint=f"2:{DIGEST}", state="sent"),
        replace(ENTRY, fingerprint=DIGEST, state="unknown"),
        replace(ENTRY, fingerprint=f"2:{DIGEST.upper()}"),
        replace(ENTRY, fingerprint=f"2:{' ' * 64}"),
        replace(ENTRY, fingerprint=""),
        replace(
            ENTRY, fingerprint="é\ud800", facts={"é\ud800": ["\udfff", None, 1.5, {"a": True}]}
        ),
        replace(ENTRY, facts={"delivery_id": "RPIL==", "queued_at": "2026-11-30T00:00:00Z"}),
        replace(ENTRY, started_at=START + 0.1, ends_at=START + 1 / 3),
    ],
)
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    ledger = MemoryLedger()
    assert ledger.claim("k", entry, START) is None
    assert ledger.find("k", START) == entry


def test_keys_that_look_alike_are_kept_apart() -> None:
    ledger = MemoryLedger()
    keys = [DIGEST, DIGEST.upper(), f" {DIGEST[1:]}", DIGEST[:63], "é" * 64, ""]
    assert [ledger.claim(key, ENTRY, START) for key in keys] == [None] * len(keys)
    ledger.release(DIGEST)
    assert [ledger.find(key, START) for key in keys] == [None, *[ENTRY] * (len(keys) - 1)]


def test_a_digest_alone_is_kept_as_its_bytes() -> None:
    assert short(DIGEST) == bytes.fromhex(DIGEST)
    for key in ("", "ab", DIGEST[:-2], f"{DIGEST}ab", DIGEST.upper(), "x" * len(DIGEST)):
        assert short(key) == key


def test_a_digest_takes_32_bytes_and_no_facts_take_none() -> None:
    assert len(packed(replace(ENTRY, fingerprint=""))) == 28
    assert len(packed(replace(ENTRY, fingerprint="f" * 63))) == 28 + 63
    assert len(packed(replace(ENTRY, fingerprint=DIGEST))) == 28 + 32
    assert len(packed(replace(ENTRY, fingerprint=f"2:{DIGEST}"))) == 28 + 2 + 32
    assert len(packed(replace(ENTRY, fingerprint="", facts={"a": 1}))) == 28 + len('{"a":1}')


def test_an_entry_takes_no_more_than_its_docstring_says() -> None:
    ledger, facts = MemoryLedger(), {"delivery_id": "RPILAgUBcRhIBqSp7kiMPg==", "queued_at": START}
    tracemalloc.start()
    for number in range(MANY):
        key = hashlib.sha256(str(number).encode()).hexdigest()
        entry = Entry("started", f"2:{key}", START, START + 30, START + number + DAY)
        ledger.claim(key, entry, START)
        ledger.settle(key, replace(entry, state="sent", facts=dict(facts)), START)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / MANY < 400


def test_what_has_expired_takes_nothing() -> None:
    ledger = MemoryLedger()
    for number in range(MANY):
        ledger.settle(f"k{number}", replace(ENTRY, expires_at=START + number % 300), START)
        ledger.take(Unit(f"c{number % 100}", f"u{number}", START + number % 300), MANY, START)
    for _ in range(MANY):
        ledger.find("k", START + 400)
    assert not ledger._entries
    assert not ledger._counts
    assert not ledger._due


def test_what_expires_with_a_minute_takes_nothing_from_then_on() -> None:
    ledger, minute = MemoryLedger(), 60 * (START // 60 + 1)
    ledger.settle("k", replace(ENTRY, expires_at=minute), START)
    ledger.take(Unit("c", "u", minute), 1, START)
    ledger.find("k", minute - 1)
    assert ledger._entries.keys() == {"k"}
    assert ledger._counts.keys() == {"c"}
    for _ in range(2):
        ledger.find("k", minute)
    assert not ledger._entries
    assert not ledger._counts
    assert not ledger._due


def test_what_is_put_off_again_and_again_is_looked_at_once_in_a_minute() -> None:
    ledger = MemoryLedger()
    for number in range(MANY):
        expires_at = START + 1 + 60 * number / MANY
        assert ledger.take(Unit("c", "u", expires_at), 1, START)
        ledger.settle("k", replace(ENTRY, expires_at=expires_at), START)
    assert sum(map(len, ledger._due.values())) <= 4
