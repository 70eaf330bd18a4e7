"""The calls that wait for a person, in an SQLite file, for all the processes of one machine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

from customerio_tool.backends.approvals.waiting import (
    CONFIRMATION_ID,
    MAX_BYTES,
    OVERHEAD_BYTES,
    RANDOM_BYTES,
    ApprovalsLost,
    Waiting,
)
from customerio_tool.backends.sqlite_file import Format, SqliteFile

APPLICATION_ID = 0x43494F41
"""Marks a file as one of waiting calls ("CIOA"), in the `application_id` of SQLite."""

_FORMAT = Format(
    name="file of waiting calls",
    application_id=APPLICATION_ID,
    version=1,
    schema={
        # AUTOINCREMENT: no number is given twice, whatever was removed.
        "waiting": """CREATE TABLE waiting (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  random TEXT NOT NULL,
  workspace TEXT NOT NULL,
  subtool TEXT NOT NULL,
  content BLOB NOT NULL,
  key TEXT NOT NULL,
  run TEXT NOT NULL,
  asked_at REAL NOT NULL,
  ends_at REAL NOT NULL
) STRICT""",
        "waiting_by_key": "CREATE INDEX waiting_by_key ON waiting (workspace, key)",
    },
    lost=ApprovalsLost,
    is_wiped=True,
)
_MEMBERS = ("subtool", "content", "key", "run", "asked_at", "ends_at")
_SELECT = f"SELECT number, random, {', '.join(_MEMBERS)} FROM waiting WHERE workspace = ?"  # noqa: S608 - constant
_TAKEN = f"SELECT total(length(content) + {OVERHEAD_BYTES}) FROM waiting"  # noqa: S608 - constant
_LARGEST = f"""SELECT workspace, run FROM waiting GROUP BY workspace, run
ORDER BY total(length(content) + {OVERHEAD_BYTES}) DESC, min(number) LIMIT 1"""  # noqa: S608 - constant


class SqliteApprovals:
    """Keeps waiting calls in one file, which stays open between uses.

    The file is one of its own, not that of a ledger; `SqliteFile` says what it needs. The call
    itself is sealed in it; the name of the subtool, the times and digests are not. What was decided
    is overwritten.

    Args:
        path: The file, or an empty one. If it is missing, the first call that waits creates it with
            mode 0600; its directory must exist.
        max_bytes: The most bytes of all waiting calls, see `MAX_BYTES`.
    """

    is_shared = True

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> None:
        self._file = SqliteFile(path, _FORMAT)
        self._max_bytes = max_bytes

    def let_go(self) -> None:
        """Close the file until its next use."""
        self._file.let_go()

    def keep(
        self, workspace: str, waiting: Waiting, now: float, entropy: Callable[[int], bytes]
    ) -> str:
        """Keep a call and return its confirmation id; see `Approvals`."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM waiting WHERE ends_at <= ?", (now,))
            same = db.execute(f"{_SELECT} AND key = ?", (workspace, waiting.key)).fetchall()
            for confirmation_id in _calls_in(same):
                return confirmation_id
            db.execute(
                "DELETE FROM waiting WHERE workspace = ? AND key = ?", (workspace, waiting.key)
            )
            number, random = _store(db, workspace, waiting, entropy(RANDOM_BYTES).hex())
            self._make_room(db, number)
        return f"{number}-{random}"

    def find(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Return the call that waits under this id, if there is one."""
        if not CONFIRMATION_ID.fullmatch(confirmation_id) or not self._file.exists():
            return None
        with self._file.opened() as db:
            return _found(db, workspace, confirmation_id, now)

    def take(self, workspace: str, confirmation_id: str, now: float) -> Waiting | None:
        """Remove the call that waits under this id and return it."""
        if not CONFIRMATION_ID.fullmatch(confirmation_id) or not self._file.exists():
            return None
        with self._file.transaction() as db:
            waiting = _found(db, workspace, confirmation_id, now)
            if waiting:
                number, _, _ = confirmation_id.partition("-")
                db.execute("DELETE FROM waiting WHERE number = ?", (int(number),))
        return waiting

    def waiting(self, workspace: str, now: float) -> dict[str, Waiting]:
        """Return the calls that wait, by confirmation id, the oldest first."""
        if not self._file.exists():
            return {}
        with self._file.opened() as db:
            query = f"{_SELECT} AND ends_at > ? ORDER BY number"
            return _calls_in(db.execute(query, (workspace, now)).fetchall())

    def _make_room(self, db: sqlite3.Connection, newest: int) -> None:
        """Drop calls of the run whose calls take most, until all together take `max_bytes`."""
        while db.execute(_TAKEN).fetchone()[0] > self._max_bytes:
            largest = db.execute(_LARGEST).fetchone()
            query = "SELECT min(number) FROM waiting WHERE workspace = ? AND run = ?"
            (oldest,) = db.execute(query, largest).fetchone()
            if oldest == newest:
                return
            db.execute("DELETE FROM waiting WHERE number = ?", (oldest,))


def _store(
    db: sqlite3.Connection, workspace: str, waiting: Waiting, random: str
) -> tuple[int, str]:
    """Store a call, and return its number and the random part of its id."""
    row = (random, workspace, *(getattr(waiting, name) for name in _MEMBERS))
    names = f"random, workspace, {', '.join(_MEMBERS)}"
    added = db.execute(f"INSERT INTO waiting ({names}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - constant
    return int(added.lastrowid or 0), random


def _found(
    db: sqlite3.Connection, workspace: str, confirmation_id: str, now: float
) -> Waiting | None:
    number, _, random = confirmation_id.partition("-")
    query = f"{_SELECT} AND number = ? AND random = ? AND ends_at > ?"
    rows = db.execute(query, (workspace, int(number), random, now)).fetchall()
    return _calls_in(rows).get(confirmation_id)


def _calls_in(rows: list[tuple[object, ...]]) -> dict[str, Waiting]:
    """Return the calls of rows by confirmation id, without those that another program spoilt."""
    calls: dict[str, Waiting] = {}
    for number, random, *members in rows:
        waiting = Waiting.of(dict(zip(_MEMBERS, members, strict=True)))
        confirmation_id = f"{number}-{random}"
        if waiting and CONFIRMATION_ID.fullmatch(confirmation_id):
            calls[confirmation_id] = waiting
    return calls
