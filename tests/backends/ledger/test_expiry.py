"""What has expired is as if it were gone, and is removed a little at a time.

Redis removes by itself what has expired.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from customerio_tool.backends.ledger import sqlite
from customerio_tool.backends.ledger.entry import FORGOTTEN_AT_ONCE, Ledger, Unit
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY

MANY = 2 * FORGOTTEN_AT_ONCE + 2
SOON, LATER = START + 10, START + 100


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    made: dict[str, Callable[[], Ledger]] = {
        "memory": MemoryLedger,
        "sqlite": lambda: SqliteLedger(tmp_path / "sends.db"),
    }
    return made[request.param]()


def fill(ledger: Ledger) -> None:
    """Have many entries and units that expire soon, more than one use removes."""
    for number in range(MANY):
        ledger.settle(f"k{number:04}", replace(ENTRY, expires_at=SOON), START)
    for number in range(3):
        assert ledger.take(Unit("c", f"u{number}", SOON), 9, START)


def test_what_has_expired_and_is_still_there_holds_nothing(ledger: Ledger) -> None:
    fill(ledger)
    last = f"k{MANY - 1:04}"
    assert ledger.find(last, LATER) is None
    assert ledger.taken("c", LATER) == 0
    fresh = replace(ENTRY, state="sent", expires_at=LATER + 10)
    assert ledger.claim(last, fresh, LATER) is None, "the key is free"
    assert ledger.find(last, LATER) == fresh
    for use in range(
        1 + MANY // sqlite.FORGOTTEN_AT_ONCE
    ):  # the rest is removed meanwhile, and the fresh entry is not
        ledger.claim(f"other {use}", fresh, LATER)
    assert ledger.find(last, LATER) == fresh


def test_units_that_have_expired_are_not_revived_by_a_later_one(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.take(Unit("c", "late", LATER + 10), 1, LATER)
    assert ledger.taken("c", LATER) == 1
    assert ledger.take(Unit("c", "u0", LATER + 20), 2, LATER), "its own unit was another time's"
    assert ledger.taken("c", LATER) == 2
    assert not ledger.take(Unit("c", "u1", LATER + 20), 2, LATER)


def test_a_use_of_the_file_removes_no_more_than_a_few(tmp_path: Path) -> None:
    path = tmp_path / "sends.db"
    ledger = SqliteLedger(path)
    fill(ledger)
    left = MANY + 3
    while left:
        gone = min(sqlite.FORGOTTEN_AT_ONCE, left)
        assert ledger.claim("mine", replace(ENTRY, expires_at=LATER + 10), LATER) is None
        ledger.release("mine")
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*) FROM sends").fetchone() == (left - gone,)
        left -= gone
