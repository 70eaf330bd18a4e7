"""What waiting calls in a file promise: permissions, zeros, and no harm to another's file."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from customerio_tool.backends import sqlite_file
from customerio_tool.backends.approvals.sqlite import APPLICATION_ID, SqliteApprovals
from customerio_tool.backends.approvals.waiting import ApprovalsLost
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from tests.backends.ledger.test_broken_stores import FOREIGN
from tests.backends.ledger.test_foreign_files import (
    CRASHED,
    OPEN,
    as_a_crash_leaves_it,
    as_another_user,
    held,
    made_by_another,
)
from tests.support.approval_stores import NOW, WAITING, like
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY

W = "workspace"
SECRET = b"sealed-" + bytes(range(1, 200)) * 50


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sends.db-approvals"


def keep(store: SqliteApprovals, key: str = "key", content: bytes = b"sealed") -> str:
    return store.keep(W, like(key, content=content), NOW, os.urandom)


def assert_lost(store: SqliteApprovals) -> None:
    some = "1-" + "0" * 16
    uses: list[Callable[[], object]] = [
        lambda: keep(store),
        lambda: store.find(W, some, NOW),
        lambda: store.take(W, some, NOW),
        lambda: store.waiting(W, NOW),
    ]
    for use in uses:
        with pytest.raises(ApprovalsLost):
            use()


def test_the_file_is_its_owners_alone_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        keep(SqliteApprovals(file))
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_to_look_creates_no_file(file: Path) -> None:
    store = SqliteApprovals(file)
    assert store.waiting(W, NOW) == {}
    assert store.find(W, "1-" + "0" * 16, NOW) is None
    assert store.take(W, "1-" + "0" * 16, NOW) is None
    assert not file.exists()


def test_the_file_has_a_mark_of_its_own_and_a_log(file: Path) -> None:
    keep(SqliteApprovals(file))
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("SELECT strict FROM pragma_table_list('waiting')").fetchone() == (1,)


def test_what_was_taken_is_overwritten_also_where_it_filled_pages(file: Path) -> None:
    store = SqliteApprovals(file)
    taken = keep(store, content=SECRET)
    keep(store, "other", content=b"another")
    assert SECRET[:200] in file.read_bytes()
    store.take(W, taken, NOW)
    assert b"sealed-" not in file.read_bytes()
    assert b"another" in file.read_bytes()


def test_a_ledger_and_waiting_calls_share_no_file(file: Path, tmp_path: Path) -> None:
    keep(SqliteApprovals(file))
    with pytest.raises(Exception, match="not a ledger of this version"):
        SqliteLedger(file).claim("k", ENTRY, START)
    ledger = tmp_path / "sends.db"
    SqliteLedger(ledger).claim("k", ENTRY, START)
    before = ledger.read_bytes()
    assert_lost(SqliteApprovals(ledger))
    assert ledger.read_bytes() == before


def test_an_empty_file_made_beforehand_is_used_as_it_is(file: Path) -> None:
    file.touch(0o640)
    kept = keep(SqliteApprovals(file))
    assert SqliteApprovals(file).take(W, kept, NOW) == WAITING
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_another_program_is_lost_and_stays_as_it_is(
    file: Path, make: Callable[[Path], None]
) -> None:
    make(file)
    before = file.read_bytes() if file.is_file() else b""
    assert_lost(SqliteApprovals(file))
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert (file.read_bytes() if file.is_file() else b"") == before


@pytest.mark.parametrize("statements", CRASHED.values(), ids=CRASHED)
def test_what_a_crash_left_is_for_its_own_program_to_mend(
    file: Path, statements: tuple[str, ...]
) -> None:
    as_a_crash_leaves_it(file, *statements)
    before = held(file.parent)
    assert_lost(SqliteApprovals(file))
    assert held(file.parent) == before


@pytest.mark.parametrize("statements", OPEN.values(), ids=OPEN)
def test_a_file_that_its_program_has_open_stays_as_it_is(
    file: Path, statements: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.01)
    with closing(made_by_another(file, *statements)) as db:
        before = held(file.parent)
        with pytest.raises(ApprovalsLost):
            SqliteApprovals(file).waiting(W, NOW)
        assert held(file.parent) == before
        if db.in_transaction:
            db.execute("COMMIT")
        db.execute("INSERT INTO people VALUES (0, 'after')")


@pytest.mark.parametrize("at", [0, 40, 100, 2000, 4096, 8192])
@pytest.mark.parametrize("kind", ["cut", "noise"])
def test_a_damaged_file_runs_nothing_twice_and_raises_nothing_else(
    file: Path, kind: str, at: int
) -> None:
    store = SqliteApprovals(file)
    ids = [keep(store, f"k{number}", SECRET[: 50 * number]) for number in range(40)]
    store.let_go()
    sound = file.read_bytes()
    noise = bytes(range(1, 226)) * 4
    file.write_bytes(sound[:at] + (noise + sound[at + 900 :] if kind == "noise" else b""))
    taken = []
    for each in [*ids, *ids]:
        try:
            taken.append(SqliteApprovals(file).take(W, each, NOW) and each)
        except ApprovalsLost:  # noqa: PERF203 - each use is one of its own
            continue
    found = [each for each in taken if each]
    assert len(found) == len(set(found))


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="there are no such users here")
@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_that_may_not_be_written_takes_no_call(mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "calls"
        kept = keep(SqliteApprovals(file))
        file.chmod(mode)
        before = held(file.parent)
        store = SqliteApprovals(file)
        with as_another_user():
            with pytest.raises(ApprovalsLost):
                keep(store, "other")
            with pytest.raises(ApprovalsLost):
                store.take(W, kept, NOW)
        assert held(file.parent) == before


def test_another_process_that_never_finishes_a_write_is_a_lost_store(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(SqliteApprovals(file))
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.01)
    store = SqliteApprovals(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(ApprovalsLost, match="locked"):
            store.take(W, kept, NOW)
        assert store.find(W, kept, NOW), "a read waits for nobody"
    assert store.take(W, kept, NOW) == WAITING


@pytest.mark.parametrize("name", [".", "a\0b", "a" * 300, "\ud800", "no/such/folder"])
def test_a_path_that_is_no_files_keeps_no_call(tmp_path: Path, name: str) -> None:
    with pytest.raises(ApprovalsLost) as lost:
        keep(SqliteApprovals(f"{tmp_path}/{name}"))
    assert str(tmp_path) not in str(lost.value)
