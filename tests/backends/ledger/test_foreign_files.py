"""A file of another program stays as it is, whatever state its program left it in."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.backends import sqlite_file
from customerio_tool.backends.ledger import sqlite as ledger_sqlite
from customerio_tool.backends.ledger.entry import LedgerLost
from customerio_tool.backends.ledger.sqlite import APPLICATION_ID, SqliteLedger
from customerio_tool.sandbox import Sandbox
from tests.support.broken_stores import EVENT, RUN, posts, send, tool_on
from tests.support.clients import EMAIL, code_of
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY

CODES = {"ledger_unavailable", "outcome_unknown", "send_in_progress", ""}


def made_by_another(file: Path, *statements: str) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None)
    for statement in ("CREATE TABLE people (id, name)", *statements):
        db.execute(statement)
    return db


def as_a_crash_leaves_it(file: Path, *statements: str) -> None:
    """Copy the file and its logs while another program is in the middle of its work."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(made_by_another(Path(folder) / file.name, *statements)),
    ):
        for path in Path(folder).iterdir():
            shutil.copy(path, file.parent)


MANY = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "INSERT INTO people SELECT i, 'name of somebody' FROM n"
)
WAL = "PRAGMA journal_mode = WAL"
CRASHED: dict[str, tuple[str, ...]] = {
    "write-ahead log": (WAL, MANY),
    "log of an open write": (WAL, "BEGIN IMMEDIATE", MANY),
    "rollback journal": ("PRAGMA cache_size = 2", MANY, "BEGIN", MANY),
    "journal that stays": ("PRAGMA journal_mode = PERSIST", MANY),
    "log and a mark": ("PRAGMA application_id = 7", WAL, MANY),
    "log and a version": ("PRAGMA user_version = 1", WAL, MANY),
    "log and our table's name": ("CREATE TABLE sends (key, value)", WAL, MANY),
}
OPEN: dict[str, tuple[str, ...]] = {
    "open": (),
    "open with a log": (WAL, MANY),
    "being written": ("BEGIN IMMEDIATE", MANY),
    "locked": ("BEGIN EXCLUSIVE",),
    "locked with a log": (WAL, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN IMMEDIATE", MANY),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (sqlite_file, ledger_sqlite):
        monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    return tmp_path / "their.db"


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_nothing_is_sent_or_changed(sandbox: Sandbox, file: Path) -> None:
    """Use a ledger at this path in each way in which a call does."""
    before = held(file.parent)
    ledger = SqliteLedger(file)
    assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
    with tool_on(sandbox, policy={"send_budget": 1}, ledger=ledger) as tool:
        result = tool.call("send_transactional_email", EMAIL, context=RUN)
        assert code_of(result) == "ledger_unavailable"
    with tool_on(sandbox, policy={"confirm": "repeat"}, ledger=ledger) as tool:
        erased = {"customer_id": "u1"}
        token = tool.call("delete_customer", erased)["confirmation_token"]
        result = tool.call("delete_customer", {**erased, "confirmation_token": token})
        assert code_of(result) == "ledger_unavailable"
    with tool_on(sandbox, ledger=ledger) as tool:
        assert tool.call("track_event", EVENT, context=RUN)["ok"]
    assert posts(sandbox) == 1  # the event
    assert held(file.parent) == before


@pytest.mark.parametrize("statements", CRASHED.values(), ids=CRASHED)
def test_what_a_crash_left_is_for_its_own_program_to_mend(
    sandbox: Sandbox, file: Path, statements: tuple[str, ...]
) -> None:
    as_a_crash_leaves_it(file, *statements)
    assert len(held(file.parent)) > 1
    assert_nothing_is_sent_or_changed(sandbox, file)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM people").fetchone()[0] in (0, 20_000)


@pytest.mark.parametrize("statements", OPEN.values(), ids=OPEN)
def test_a_file_that_its_program_has_open_stays_as_it_is(
    sandbox: Sandbox, file: Path, statements: tuple[str, ...]
) -> None:
    with closing(made_by_another(file, *statements)) as db:
        assert_nothing_is_sent_or_changed(sandbox, file)
        if db.in_transaction:
            db.execute("COMMIT")
        db.execute("INSERT INTO people VALUES (0, 'after')")


def test_a_link_to_another_programs_file_is_that_file(sandbox: Sandbox, tmp_path: Path) -> None:
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
    as_a_crash_leaves_it(tmp_path / "theirs" / "their.db", WAL, MANY)
    before = held(tmp_path / "theirs")
    link = tmp_path / "ours" / "sends.db"
    link.symlink_to(tmp_path / "theirs" / "their.db")
    assert code_of(send(sandbox, ledger=SqliteLedger(link))) == "ledger_unavailable"
    assert held(tmp_path / "theirs") == before


# A ledger that was damaged


MARKED: dict[str, tuple[str, ...]] = {
    "no table": (),
    "other columns": ("CREATE TABLE sends (key, value)",),
    "a view": ("CREATE VIEW sends AS SELECT 1 AS key, 2 AS expires_at, 3 AS entry",),
    "no types": (
        "CREATE TABLE sends (key, expires_at, entry)",
        "INSERT INTO sends VALUES (NULL, 1e18, x'ff'), (1, 'x', 7)",
    ),
}


@pytest.mark.parametrize("statements", MARKED.values(), ids=MARKED)
def test_a_marked_file_with_other_tables_makes_no_call_fail_otherwise(
    sandbox: Sandbox, file: Path, statements: tuple[str, ...]
) -> None:
    marks = [f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 1"]
    made_by_another(file, *marks, *statements).close()
    assert code_of(send(sandbox, ledger=SqliteLedger(file))) in CODES
    with tool_on(sandbox, policy={"send_budget": 1}, ledger=SqliteLedger(file)) as tool:
        for _ in range(2):
            assert code_of(tool.call("send_transactional_email", EMAIL, context=RUN)) in CODES
        assert tool.call("track_event", EVENT, context=RUN)["ok"]


@pytest.mark.parametrize("kind", ["cut", "zeros", "noise"])
@pytest.mark.parametrize("at", [0, 40, 100, 2000, 4096, 6000, 8192, 10_000])
def test_a_damaged_ledger_sends_nothing_twice(
    sandbox: Sandbox, file: Path, kind: str, at: int
) -> None:
    assert send(sandbox, ledger=SqliteLedger(file))["ok"]
    sound = file.read_bytes()
    damage = {"cut": b"", "zeros": bytes(900), "noise": bytes(range(1, 226)) * 4}[kind]
    rest = b"" if kind == "cut" else sound[at + 900 :]
    file.write_bytes(sound[:at] + damage + rest)
    was_emptied = kind == "cut" and at == 0
    results = [send(sandbox, ledger=SqliteLedger(file)) for _ in range(2)]
    assert {code_of(each) for each in results} <= CODES
    assert posts(sandbox) == 1 + was_emptied


@contextmanager
def as_another_user() -> Iterator[None]:
    """Give up the rights of root, who may write everywhere, for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="there are no such users here")
@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_that_may_not_be_written_is_a_lost_ledger(sandbox: Sandbox, mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "sends.db"
        assert send(sandbox, ledger=SqliteLedger(file))["ok"]
        file.chmod(mode)
        before = held(file.parent)
        ledger = SqliteLedger(file)
        with tool_on(sandbox, ledger=ledger) as tool, as_another_user():
            assert code_of(tool.call("send_transactional_email", EMAIL)) == "ledger_unavailable"
            assert tool.call("track_event", EVENT)["ok"]
        assert held(file.parent) == before
    sent = [each["path"] for each in sandbox.requests() if each["method"] == "POST"]
    assert sent == ["/v1/send/email", "/api/v1/customers/u1/events"]


# A ledger that is new


def test_threads_that_find_an_empty_file_share_one_ledger(tmp_path: Path) -> None:
    file = tmp_path / "sends.db"
    file.touch()
    with ThreadPoolExecutor(8) as pool:
        ledgers = [SqliteLedger(file) for _ in range(8)]
        claims = list(pool.map(lambda ledger: ledger.claim("k", ENTRY, START), ledgers))
    assert claims.count(None) == 1
    assert claims.count(ENTRY) == 7


def test_an_empty_file_with_a_log_becomes_a_ledger_of_all_at_once(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute(WAL)
    first = SqliteLedger(file)  # whose log stays while it is open
    assert first.claim("k", ENTRY, START) is None
    assert SqliteLedger(file).claim("k", ENTRY, START) == ENTRY


def test_a_file_that_becomes_a_ledger_while_it_is_looked_at_is_no_strangers(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.touch()
    others: list[SqliteLedger] = [SqliteLedger(file)]

    class Slow(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "PRAGMA user_version" and others:
                with suppress(LedgerLost):  # it may have to wait until the file was looked at
                    others.pop().claim("other", ENTRY, START)
            return super().execute(sql, *values)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Slow))
    assert SqliteLedger(file).claim("k", ENTRY, START) is None


def test_a_file_that_is_read_as_soon_as_it_is_made_is_a_ledger_without_a_log(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[sqlite3.Connection] = []

    class Hurried(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == WAL and not readers:
                readers.append(sqlite3.Connection(file, isolation_level=None))
                readers[0].execute("BEGIN")
                readers[0].execute("SELECT count(*) FROM sends").fetchone()
            return super().execute(sql, *values)

    file.touch()
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Hurried))
    ledger = SqliteLedger(file)
    assert ledger.find("k", START) is None
    readers[0].close()
    assert ledger.claim("k", ENTRY, START) is None
    assert ledger.find("k", START) == ENTRY


def test_a_ledger_in_use_has_a_log_and_is_used_by_others(file: Path) -> None:
    SqliteLedger(file).claim("k", ENTRY, START)
    with ExitStack() as ends:
        db = ends.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
        db.execute("UPDATE sends SET expires_at = expires_at + 1")
        assert file.with_name("their.db-wal").stat().st_size
        uses: list[Callable[[], object]] = [
            lambda: SqliteLedger(file).claim("k", ENTRY, START),
            lambda: SqliteLedger(file).find("k", START),
        ]
        assert [use() for use in uses] == [ENTRY, ENTRY]
