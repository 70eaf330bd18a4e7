"""A ledger of sends in an SQLite file, for all the processes of one machine."""

from __future__ import annotations

import json
import os
import sqlite3

from customerio_tool.backends import sqlite_file
from customerio_tool.backends.ledger.entry import Entry, LedgerLost, Unit
from customerio_tool.backends.sqlite_file import Format, SqliteFile

BUSY_SECONDS = sqlite_file.BUSY_SECONDS
"""The longest wait for another process's write, in seconds. A claim waits at most until the
deadline of its call; `settle` and `release` wait even past it."""

FORGOTTEN_AT_ONCE = 50
"""How many entries that have expired one claim removes: each is on a page of its own."""

APPLICATION_ID = 0x43494F4C
"""Marks a file as a ledger ("CIOL"), in the `application_id` of SQLite."""

_FORMAT = Format(
    name="ledger",
    application_id=APPLICATION_ID,
    version=1,
    schema={
        "sends": """CREATE TABLE sends (
  key TEXT PRIMARY KEY,
  expires_at REAL NOT NULL,
  entry TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
        "sends_by_expiry": "CREATE INDEX sends_by_expiry ON sends (expires_at)",
    },
    lost=LedgerLost,
)


class SqliteLedger:
    """A ledger in one file, which stays open between uses.

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
        self._file = SqliteFile(path, _FORMAT)

    def let_go(self) -> None:
        """Close the file until its next use; a tool does that when it is closed."""
        self._file.let_go()

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Store the entry if the key is free, else return the entry that has it; see `Ledger`."""
        with self._file.transaction(min(BUSY_SECONDS, max(0.0, entry.ends_at - now))) as db:
            _forget(db, now)
            held = _held(db, key, now)
            if held:
                return Entry.from_json(held[0])
            _store(db, key, entry)
            return None

    def find(self, key: str, now: float) -> Entry | None:
        """Return the entry that holds the key, if there is one."""
        if not self._file.exists():
            return None
        with self._file.opened() as db:
            held = _held(db, key, now)
        return Entry.from_json(held[0]) if held else None

    def settle(self, key: str, entry: Entry, now: float) -> None:  # noqa: ARG002 - of the protocol
        """Store the final entry of a message."""
        with self._file.transaction() as db:
            _store(db, key, entry)

    def release(self, key: str) -> None:
        """Free the key of a message that was certainly not sent."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM sends WHERE key = ?", (key,))

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take a unit if its count has fewer than `allowed`; see `Ledger`."""
        rows = _rows_of(unit.count)
        with self._file.transaction() as db:
            _forget(db, now)
            is_taken = _held(db, _row(unit), now)
            if not is_taken and _taken(db, rows, now) >= allowed:
                return False
            put_off = (
                "UPDATE sends SET expires_at = max(expires_at, ?) "
                "WHERE key > ? AND key < ? AND expires_at > ?"
            )
            db.execute(put_off, (unit.expires_at, *rows, now))
            if not is_taken:
                row = (_row(unit), unit.expires_at)
                db.execute("INSERT OR REPLACE INTO sends VALUES (?, ?, '{}')", row)
        return True

    def taken(self, count: str, now: float) -> int:
        """Return how many units of a count are taken."""
        with self._file.opened() as db:
            return _taken(db, _rows_of(count), now)

    def give_back(self, unit: Unit) -> None:
        """Free a unit that certainly was not used."""
        self.release(_row(unit))


def _forget(db: sqlite3.Connection, now: float) -> None:
    """Forget some of what has expired: to forget a million would outlast the patience of others."""
    expired = "SELECT key FROM sends WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
    db.execute(f"DELETE FROM sends WHERE key IN ({expired})", (now, FORGOTTEN_AT_ONCE))  # noqa: S608 - fixed


def _held(db: sqlite3.Connection, key: str, now: float) -> tuple[str] | None:
    query = "SELECT entry FROM sends WHERE key = ? AND expires_at > ?"
    held: tuple[str] | None = db.execute(query, (key, now)).fetchone()
    return held


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
