"""A ledger's file stays open between uses, and nothing is lost when it is removed or forked."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import LedgerLost
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.backends.sqlite_file import _KEPT, SqliteFile
from customerio_tool.sandbox import Sandbox
from tests.support.broken_stores import tool_on
from tests.support.clients import EMAIL
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY
from tests.support.timeouts import PATIENCE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sends.db"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that SQLite opens from now on."""
    found: list[str] = []

    class Noted(sqlite3.Connection):
        def __init__(self, path: Path, *given: Any, **named: Any) -> None:
            found.append(Path(path).name)
            super().__init__(path, *given, **named)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Noted))
    return found


def test_many_sends_open_the_file_once(file: Path, opened: list[str]) -> None:
    ledger = SqliteLedger(file)
    for number in range(20):
        ledger.claim(f"k{number}", ENTRY, START)
        ledger.settle(f"k{number}", ENTRY, START)
        assert ledger.find(f"k{number}", START) == ENTRY
    assert opened.count(file.name) == 1


def test_each_write_is_on_the_disk_before_it_is_answered(file: Path) -> None:
    ledger = SqliteLedger(file)
    ledger.claim("k", ENTRY, START)
    ((_, db),) = ledger._file._idle
    assert db.execute("PRAGMA synchronous").fetchone() == (2,), "full"
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_tools_of_a_process_share_one_ledger_of_a_file(file: Path) -> None:
    chosen = [Backends.from_env({"CUSTOMERIO_LEDGER_FILE": str(file)}).ledger for _ in range(2)]
    assert chosen[0] is chosen[1]


def test_a_closed_tool_has_closed_the_file_and_another_tool_goes_on(
    sandbox: Sandbox, file: Path
) -> None:
    ledger = SqliteLedger(file)
    with tool_on(sandbox, ledger=ledger) as other:
        with tool_on(sandbox, ledger=ledger) as tool:
            assert tool.call("send_transactional_email", EMAIL)["ok"]
            assert len(names(file.parent)) == 3, "the file and its two logs"
        assert names(file.parent) == [file.name]
        again = other.call("send_transactional_email", EMAIL)
        assert again["outcome"] == "already_sent"


def test_a_file_that_was_removed_is_made_anew_and_without_its_log_it_is_lost(file: Path) -> None:
    ledger = SqliteLedger(file)
    ledger.claim("k", ENTRY, START)
    file.unlink()
    with pytest.raises(LedgerLost, match=rf"remove {file.name}-wal as well"):
        ledger.claim("k", ENTRY, START)
    file.with_name(f"{file.name}-wal").unlink()
    assert ledger.claim("k", ENTRY, START) is None
    assert ledger.claim("k", ENTRY, START) == ENTRY


def test_a_file_that_was_replaced_is_read_from_then_on(file: Path, tmp_path: Path) -> None:
    (tmp_path / "apart").mkdir()
    other = SqliteLedger(tmp_path / "apart" / "other.db")
    other.claim("other", ENTRY, START)
    other.let_go()
    ledger = SqliteLedger(file)
    ledger.claim("k", ENTRY, START)
    ledger.let_go()
    (tmp_path / "apart" / "other.db").replace(file)
    assert ledger.find("k", START) is None
    assert ledger.find("other", START) == ENTRY


def test_threads_each_have_a_connection_and_few_stay_open(file: Path) -> None:
    ledger = SqliteLedger(file)
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda n: ledger.claim(f"k{n % 8}", ENTRY, START), range(64)))
    assert claims.count(None) == 8
    assert 1 <= len(ledger._file._idle) <= 8


_FORKED = """
import ctypes, os, sys
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.backends.sqlite_file import _KEPT, SqliteFile
from customerio_tool.locks import notice_fork
from tests.support.ledger_calls import START
from tests.support.ledger_stores import ENTRY

path, how = sys.argv[1:]
fork = {"python": os.fork, "c": ctypes.PyDLL(None).fork}[how]
ledger = SqliteLedger(path)
ledger.claim("before", ENTRY, START)
(asked, ask), (told, tell) = os.pipe(), os.pipe()
if fork() == 0:
    notice_fork()  # as each call of a tool does
    mine = SqliteLedger(path)  # one of its own knows nothing of the parent's connection
    for key in ("child", "child after its parent closed the file"):
        assert mine.claim(key, ENTRY, START) is None
        assert ledger.find(key, START) == ENTRY
        os.write(tell, b"x")
        os.read(asked, 1)
    os._exit(0)
os.read(told, 1)
ledger.claim("parent", ENTRY, START)
ledger.let_go()
os.write(ask, b"x")
os.read(told, 1)
os.write(ask, b"x")
assert os.wait()[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("how", ["python", "c"])
def test_a_fork_loses_no_write_of_parent_or_child(file: Path, how: str) -> None:
    """SQLite in a child believes in the locks of connections that only its parent has."""
    command = [sys.executable, "-W", "ignore", "-c", _FORKED, str(file), how]
    assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0
    ledger = SqliteLedger(file)
    for key in ("before", "child", "parent", "child after its parent closed the file"):
        assert ledger.find(key, START) == ENTRY, key


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections over which a file is checked from now on."""
    found: list[sqlite3.Connection] = []
    check = SqliteFile._check

    def noting(file: SqliteFile, db: sqlite3.Connection) -> None:
        found.append(db)
        check(file, db)

    monkeypatch.setattr(SqliteFile, "_check", noting)
    return found


def test_the_file_is_checked_once_and_few_of_many_connections_stay_open(
    file: Path, checked: list[sqlite3.Connection]
) -> None:
    kept = SqliteLedger(file)._file
    with ExitStack() as uses:
        for _ in range(_KEPT + 3):
            uses.enter_context(kept.opened())
    assert len(checked) == 1
    assert len(kept._idle) == _KEPT
    kept.let_go()


def test_a_file_in_place_of_another_is_checked_too(
    file: Path, checked: list[sqlite3.Connection]
) -> None:
    ledger = SqliteLedger(file)
    ledger.claim("k", ENTRY, START)
    file.rename(file.with_suffix(".old"))
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    ledger.claim("k", ENTRY, START)
    assert len(checked) == 2
    ledger.let_go()
