"""A ledger of sends in an SQLite file, for all the processes of one machine."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from customerio_tool.backends.ledger.entry import Entry, LedgerLost, Unit
from customerio_tool.locks import ForkSafeLock

BUSY_SECONDS = 5.0
"""The longest wait for another process's write, in seconds; a write takes milliseconds. A claim
waits at most until the deadline of its call; `settle` and `release` wait even past it."""

APPLICATION_ID = 0x43494F4C
"""Marks a file as a ledger ("CIOL"), in the `application_id` of SQLite."""

_VERSION = 1
_SCHEMA = {
    "sends": """CREATE TABLE sends (
  key TEXT PRIMARY KEY,
  expires_at REAL NOT NULL,
  entry TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
    "sends_by_expiry": "CREATE INDEX sends_by_expiry ON sends (expires_at)",
}
"""The statement that creates each object of the file; SQLite keeps it in this form."""


class SqliteLedger:
    """A ledger in one file, which is open only during a transaction.

    The file must be on a local disk: a WAL database does not work on a network file system
    (https://www.sqlite.org/wal.html). A claim is on the disk before its message is sent. SQLite
    3.37 or later is needed, for strict tables. The first call checks that the file is not damaged.
    The file of another program is not changed, nor are its logs: each call on it raises
    `LedgerLost`.

    Args:
        path: The file, or an empty one. If it is missing, the first call creates it with mode
            0600; its directory must exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Absolute, as SQLite gives names such as ":memory:" a meaning of their own.
        self._path = Path(path).absolute()
        self._is_sound = False

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry if the key is free, else return the entry that has it; see `Ledger`."""
        with self._transaction(min(BUSY_SECONDS, max(0.0, entry.ends_at - now))) as db:
            db.execute("DELETE FROM sends WHERE expires_at <= ?", (now,))
            held = db.execute("SELECT entry FROM sends WHERE key = ?", (key,)).fetchone()
            if held:
                return Entry.from_json(held[0])
            _store(db, key, entry)
            return None

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry that holds the key, if there is one."""
        with _errors_as_lost():
            if not self._path.exists():
                return None
        with self._opened() as db:
            query = "SELECT entry FROM sends WHERE key = ? AND expires_at > ?"
            held = db.execute(query, (key, now)).fetchone()
        return Entry.from_json(held[0]) if held else None

    def settle(self, key: str, entry: Entry, now: float) -> None:  # noqa: ARG002 - of the protocol
        """Store the final entry of a message."""
        with self._transaction() as db:
            _store(db, key, entry)

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
        with self._transaction() as db:
            db.execute("DELETE FROM sends WHERE key = ?", (key,))

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take a unit if its count has fewer than `allowed`; see `Ledger`."""
        rows = _rows_of(unit.count)
        with self._transaction() as db:
            db.execute("DELETE FROM sends WHERE expires_at <= ?", (now,))
            is_taken = db.execute("SELECT 1 FROM sends WHERE key = ?", (_row(unit),)).fetchone()
            if not is_taken and _taken(db, rows, now) >= allowed:
                return False
            put_off = "UPDATE sends SET expires_at = max(expires_at, ?) WHERE key > ? AND key < ?"
            db.execute(put_off, (unit.expires_at, *rows))
            row = (_row(unit), unit.expires_at)
            db.execute("INSERT OR IGNORE INTO sends VALUES (?, ?, '{}')", row)
        return True

    def taken(self, count: str, now: float) -> int:
        """Return how many units of a count are taken."""
        with self._opened() as db:
            return _taken(db, _rows_of(count), now)

    def give_back(self, unit: Unit) -> None:
        """Free a unit that certainly was not used."""
        self.release(_row(unit))

    @contextmanager
    def _transaction(self, patience: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
        """Open the file for one write."""
        with self._opened(patience) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    @contextmanager
    def _opened(self, patience: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
        """Open the file for a moment: a connection kept open would not survive a fork."""
        with _errors_as_lost():
            if not self._path.exists():
                self._create()
            if not self._path.is_file():
                raise LedgerLost("SQLite: the path is not that of a file")
            _leave_logs_alone(self._path.resolve())
            with closing(_connected(self._path, patience)) as db:
                if not self._is_sound:
                    _check(db)
                    self._is_sound = True
                yield db

    def _create(self) -> None:
        """Create the file under a temporary name, then link it: no process sees it unfinished."""
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
        os.close(handle)
        try:
            _connected(Path(name)).close()
            with suppress(FileExistsError):
                os.link(name, self._path)
        finally:
            Path(name).unlink()


@contextmanager
def _errors_as_lost() -> Iterator[None]:
    """Raise `LedgerLost` for each failure of the file, without its path."""
    try:
        yield
    except sqlite3.Error as error:
        lost = f"SQLite: {error}"
    except OSError as error:
        lost = f"SQLite: {error.strerror}"
    except ValueError:
        lost = "SQLite: the path is not that of a file"  # such as one with a NUL character
    else:
        return
    raise LedgerLost(lost)


_HEADER = 72
"""The bytes of a file up to the end of its `application_id`
(https://www.sqlite.org/fileformat2.html#the_database_header)."""

_read: dict[tuple[int, int], int] = {}
"""The files whose header was read, by device and inode. They stay open: to close one would drop
the locks that this process has on it (https://www.sqlite.org/howtocorrupt.html, section 2.2)."""

_reading = ForkSafeLock()


def _leave_logs_alone(path: Path) -> None:
    """Refuse another program's file with a log beside it, which SQLite would write into the file.

    Raises:
        LedgerLost: It is one.
    """
    if not any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal")):
        return
    there = path.stat()
    place = there.st_dev, there.st_ino
    with _reading:
        if place not in _read:
            _read[place] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        os.lseek(_read[place], 0, os.SEEK_SET)
        header = os.read(_read[place], _HEADER)
    if header and header[68:] != APPLICATION_ID.to_bytes(4, "big"):
        raise LedgerLost("SQLite: the file is not a ledger of this version")


def _connected(path: Path, patience: float = BUSY_SECONDS) -> sqlite3.Connection:
    # PRAGMA synchronous stays FULL, the default: after a power cut no claim may be missing.
    db = sqlite3.connect(path, timeout=patience, isolation_level=None)
    try:
        if not _is_ledger(db):
            _make_ledger(db)
    except BaseException:
        db.close()
        raise
    return db


def _is_ledger(db: sqlite3.Connection) -> bool:
    """Whether the file is a ledger of this version.

    Raises:
        LedgerLost: The file is another program's, or of a later version.
    """
    (marked,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if (marked, version) == (APPLICATION_ID, _VERSION):
        return True
    objects = db.execute("SELECT name, sql FROM sqlite_master").fetchall()
    # Version 0 without a mark: an empty file, or the ledger of a release that did not mark it.
    is_ours = marked == APPLICATION_ID or (marked, version) == (0, 0)
    if is_ours and version < _VERSION and all(_SCHEMA.get(name) == sql for name, sql in objects):
        return False
    raise LedgerLost("SQLite: the file is not a ledger of this version")


def _check(db: sqlite3.Connection) -> None:
    """Refuse a damaged file, in which SQLite may find no entry where there was one.

    Raises:
        LedgerLost: The file is damaged.
    """
    if db.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
        raise LedgerLost("SQLite: the file is damaged")


def _make_ledger(db: sqlite3.Connection) -> None:
    """Create what a new or older file lacks, and mark it in the file itself, not in a log."""
    db.execute("BEGIN IMMEDIATE")
    if not _is_ledger(db):  # another process may have made it meanwhile
        present = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        for name, statement in _SCHEMA.items():
            if name not in present:
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")
    with suppress(sqlite3.OperationalError):  # another process uses it already, without a log
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_checkpoint")


def _row(unit: Unit) -> str:
    """Return the key of the row of a unit: its count's key, a slash and its name."""
    return f"{unit.count}/{unit.name}"


def _rows_of(count: str) -> tuple[str, str]:
    """Return the texts between which the keys of a count's units are."""
    return f"{count}/", f"{count}0"  # 0 is the character after /


def _taken(db: sqlite3.Connection, rows: tuple[str, str], now: float) -> int:
    query = "SELECT count(*) FROM sends WHERE key > ? AND key < ? AND expires_at > ?"
    (taken,) = db.execute(query, (*rows, now)).fetchone()
    return int(taken)


def _store(db: sqlite3.Connection, key: str, entry: Entry) -> None:
    row = (key, entry.expires_at, json.dumps(entry.as_json()))
    db.execute("INSERT OR REPLACE INTO sends VALUES (?, ?, ?)", row)
