"""What a ledger in a file promises: permissions, size, and how long it is waited for."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.backends.ledger import sqlite as ledger_sqlite
from customerio_tool.backends.ledger.entry import LedgerLost, Unit
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.calls.message_keys import DAY
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sends.db"


def test_the_file_is_its_owners_alone_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        SqliteLedger(file).claim("k", ENTRY, START)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_file_has_a_strict_table_and_a_write_ahead_log(file: Path) -> None:
    SqliteLedger(file).claim("k", ENTRY, START)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("SELECT strict FROM pragma_table_list('sends')").fetchone() == (1,)


def test_an_empty_file_made_beforehand_is_used_as_it_is(file: Path) -> None:
    file.touch(0o640)
    assert SqliteLedger(file).claim("k", ENTRY, START) is None
    assert SqliteLedger(file).claim("k", ENTRY, START) == ENTRY
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_file_is_made_beside_its_place_and_one_made_meanwhile_is_taken(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    link = os.link

    def late(unfinished: str, place: Path) -> None:
        made.append(Path(unfinished))
        link(unfinished, place)
        raise FileExistsError(17, "File exists", str(place))

    monkeypatch.setattr(os, "link", late)
    ledger = SqliteLedger(file)
    assert ledger.claim("k", ENTRY, START) is None
    assert ledger.claim("k", ENTRY, START) == ENTRY
    assert [(each.parent, each.name[:10]) for each in made] == [(file.parent, ".sends.db-")]
    assert not made[0].exists()


def test_expired_rows_are_removed_by_the_next_claim(file: Path) -> None:
    ledger = SqliteLedger(file)
    for number in range(10):
        ledger.claim(f"k{number}", ENTRY, START)
    ledger.claim("late", ENTRY, START + DAY)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM sends").fetchone() == (1,)


def test_expired_rows_are_removed_by_the_next_unit(file: Path) -> None:
    ledger = SqliteLedger(file)
    ledger.claim("k", ENTRY, START)
    ledger.take(Unit("c", "u", START + DAY), 1, START)
    ledger.take(Unit("c", "late", START + 2 * DAY), 1, START + DAY)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT key FROM sends").fetchall() == [("c/late",)]


def test_another_process_that_never_finishes_a_write_is_a_lost_ledger(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_sqlite, "BUSY_SECONDS", 0.01)
    ledger = SqliteLedger(file)
    ledger.release("k")
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerLost, match="locked"):
            ledger.claim("k", ENTRY, START)


@pytest.mark.parametrize(("left", "patience"), [(20.0, 5.0), (0.5, 0.5), (0.0, 0.0), (-1, 0.0)])
def test_a_claim_waits_no_longer_than_its_call_may_take(
    file: Path, monkeypatch: pytest.MonkeyPatch, left: float, patience: float
) -> None:
    """Neither on a connection that is new nor on one that is open already."""
    waits: list[float] = []

    class Noted(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "BEGIN IMMEDIATE":
                waits.append(super().execute("PRAGMA busy_timeout").fetchone()[0] / 1000)
            return super().execute(sql, *values)

    SqliteLedger(file).release("k")
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Noted))
    ledger = SqliteLedger(file)
    for _ in range(2):
        ledger.claim("k", replace(ENTRY, ends_at=START + left), START)
        ledger.settle("k", ENTRY, START)
    assert waits == 2 * [patience, ledger_sqlite.BUSY_SECONDS]


def test_a_file_that_is_no_database_is_a_lost_ledger(file: Path) -> None:
    file.write_text("dear diary" * 100)
    with pytest.raises(LedgerLost, match="not a database"):
        SqliteLedger(file).claim("k", ENTRY, START)
    assert file.read_text() == "dear diary" * 100


def test_a_name_that_no_file_can_have_is_a_lost_ledger() -> None:
    with pytest.raises(LedgerLost):
        SqliteLedger("a\0b.sqlite").claim("key", ENTRY, START)


def of_another_program(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE people (id, name)")


def damaged(file: Path) -> None:
    ledger = SqliteLedger(file)
    ledger.claim("k", ENTRY, START)
    ledger.let_go()
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(bytes(range(256)) * 8)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (of_another_program, "the file is not a ledger of this version"),
        (damaged, "the file is damaged"),
        (Path.mkdir, "the path is not that of a file"),
        (lambda file: file.with_name(f"{file.name}-wal").touch(), "remove sends.db-wal as well"),
        (lambda file: file.parent.rmdir(), "No such file or directory"),
    ],
)
def test_a_lost_ledger_says_what_is_wrong_with_its_file(
    file: Path, make: Callable[[Path], None], says: str
) -> None:
    make(file)
    with pytest.raises(LedgerLost, match=rf"^SQLite: .*{says}$"):
        SqliteLedger(file).claim("k", ENTRY, START)
