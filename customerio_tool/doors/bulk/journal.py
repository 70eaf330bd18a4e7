"""The journal of a job: an SQLite file beside the input, which one process at a time writes.

It keeps the number up to which all rows are settled, and each row beyond it or not done. So it
stays small, and a killed process loses only what it had not yet kept, which goes again under the
same ids.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from customerio_tool.backends.sqlite_file import Format, SqliteFile
from customerio_tool.doors.bulk.job import JobBusy, JournalLost
from customerio_tool.doors.bulk.rows import Outcome, Row
from customerio_tool.doors.bulk.work import Counts

APPLICATION_ID = 0x43494F42
"""Marks a file as a journal ("CIOB"), in the `application_id` of SQLite."""


class _Lost(Exception):
    """The file cannot be used; the text has no path."""


_FORMAT = Format(
    name="journal",
    application_id=APPLICATION_ID,
    version=1,
    schema={
        "jobs": """CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  base TEXT NOT NULL,
  subtool TEXT NOT NULL,
  total INTEGER NOT NULL,
  upto INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  unknown INTEGER NOT NULL DEFAULT 0,
  agreed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  shared INTEGER NOT NULL DEFAULT 0,
  began_at REAL NOT NULL,
  worked_at REAL NOT NULL
) STRICT, WITHOUT ROWID""",
        "rows": """CREATE TABLE rows (
  job TEXT NOT NULL,
  row INTEGER NOT NULL,
  state TEXT NOT NULL,
  again INTEGER NOT NULL DEFAULT 0,
  kept TEXT,
  PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID""",
    },
    lost=_Lost,
)
_COUNTED = ("done", "rejected", "unknown")


@dataclass(frozen=True)
class Kept:
    """What the journal keeps of a job.

    Args:
        id: The id of the job.
        base: The id that the input and the options have; another one was made with `new`.
        subtool: The name of the subtool.
        counts: Its rows by state.
        upto: The number of the row up to which all are settled.
        has_agreed: Whether a person agreed to it.
        is_cancelled: Whether somebody cancelled it.
        is_shared: Whether Redis has its rows, so that the counts here are not its counts.
        began_at: When it began, in Unix seconds.
        worked_at: When it was last worked on, in Unix seconds.
    """

    id: str
    base: str
    subtool: str
    counts: Counts
    upto: int
    has_agreed: bool
    is_cancelled: bool
    is_shared: bool
    began_at: float
    worked_at: float


class Journal:
    """The journal of the jobs on one input; open until it is closed, and of one thread.

    Args:
        path: The file; it is created if it is missing, in a folder that exists.

    Raises:
        JournalLost: It cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        with _as_journal_lost():
            self._db = self._stack.enter_context(SqliteFile(path, _FORMAT).opened())

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _as_journal_lost():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _read(self, query: str, *given: object) -> list[Any]:
        with _as_journal_lost():
            return self._db.execute(query, given).fetchall()

    def jobs(self) -> list[Kept]:
        """Return all jobs, the newest first."""
        return [_kept(row) for row in self._read(f"{_JOB} ORDER BY began_at DESC")]

    def job(self, job: str) -> Kept | None:
        """Return a job by its id; None if there is none."""
        found = self._read(f"{_JOB} WHERE id = ?", job)
        return _kept(found[0]) if found else None

    def add(self, job: Kept) -> None:
        """Add a job."""
        given = (job.id, job.base, job.subtool, job.counts.total, job.is_shared)
        with self._writing() as db:
            db.execute(
                "INSERT INTO jobs (id, base, subtool, total, shared, began_at, worked_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*given, job.began_at, job.worked_at),
            )

    def agree(self, job: str) -> None:
        """Keep that a person agreed to a job."""
        with self._writing() as db:
            db.execute("UPDATE jobs SET agreed = 1 WHERE id = ?", (job,))

    def cancel(self, job: str, *, is_cancelled: bool = True) -> None:
        """Cancel a job, or take that back."""
        with self._writing() as db:
            db.execute("UPDATE jobs SET cancelled = ? WHERE id = ?", (is_cancelled, job))

    def begin(self, job: str, rows: Sequence[int]) -> None:
        """Note that rows may be applied from now on."""
        with self._writing() as db:
            db.executemany(
                "INSERT INTO rows (job, row, state) VALUES (?, ?, 'began') ON CONFLICT DO NOTHING",
                [(job, row) for row in rows],
            )

    def settle(self, job: str, outcomes: Sequence[Outcome], upto: int, now: float) -> None:
        """Keep what became of rows, and up to which number all are settled."""
        added = [sum(each.state == state for each in outcomes) for state in _COUNTED]
        with self._writing() as db:
            db.executemany(
                "INSERT OR REPLACE INTO rows (job, row, state, again, kept) VALUES (?, ?, ?, ?, ?)",
                [_settled(job, each) for each in outcomes],
            )
            db.execute(
                "DELETE FROM rows WHERE job = ? AND row <= ? AND state = 'done'", (job, upto)
            )
            db.execute(
                "UPDATE jobs SET done = done + ?, rejected = rejected + ?, unknown = unknown + ?, "
                "upto = max(upto, ?), worked_at = ? WHERE id = ?",
                (*added, upto, now, job),
            )

    def send_again(self, job: str) -> None:
        """Let all rows whose outcome is unknown go again."""
        with self._writing() as db:
            changed = db.execute(
                "UPDATE rows SET state = 'again', again = again + 1 "
                "WHERE job = ? AND state = 'unknown'",
                (job,),
            ).rowcount
            db.execute("UPDATE jobs SET unknown = unknown - ? WHERE id = ?", (changed, job))

    def again(self, job: str, after: int, most: int) -> list[Row]:
        """Return some of the rows that go again, after a number."""
        found = self._read(
            "SELECT row, again, kept FROM rows WHERE job = ? AND state = 'again' AND row > ? "
            "ORDER BY row LIMIT ?",
            *(job, after, most),
        )
        return [
            Row(number, json.loads(kept).get("arguments", {}), again=again, is_repeat=True)
            for number, again, kept in found
        ]

    def state_of(self, job: str, row: int) -> str | None:
        """Return the state of a row beyond `upto`; None if nothing is kept of it."""
        found = self._read("SELECT state FROM rows WHERE job = ? AND row = ?", job, row)
        return found[0][0] if found else None

    def last(self, job: str) -> int:
        """Return the highest number of a row of which something is kept."""
        return self._read("SELECT coalesce(max(row), 0) FROM rows WHERE job = ?", job)[0][0] or 0

    def in_state(self, job: str, state: str) -> Iterator[dict[str, Any]]:
        """Yield what is kept of the rows in a state, in order, a page at a time."""
        after = 0
        while page := self._read(
            "SELECT row, kept FROM rows WHERE job = ? AND state = ? AND row > ? "
            "ORDER BY row LIMIT 200",
            *(job, state, after),
        ):
            yield from (json.loads(kept) for _, kept in page)
            after = page[-1][0]


_JOB = (
    "SELECT id, base, subtool, total, done, rejected, unknown, upto, agreed, cancelled, shared, "
    "began_at, worked_at FROM jobs"
)


def _kept(row: Sequence[Any]) -> Kept:
    job, base, subtool, *numbers, upto, agreed, cancelled, shared, began_at, worked_at = row
    flags = bool(agreed), bool(cancelled), bool(shared)
    return Kept(job, base, subtool, Counts(*numbers), upto, *flags, began_at, worked_at)


def _settled(job: str, outcome: Outcome) -> tuple[Any, ...]:
    row, kept = outcome.row, None if outcome.state == "done" else json.dumps(outcome.kept())
    return job, row.number, outcome.state, row.again, kept


@contextmanager
def _as_journal_lost() -> Iterator[None]:
    try:
        yield
    except (_Lost, sqlite3.Error) as error:
        cause = str(error)
    else:
        return
    raise JournalLost(
        f"The journal of the job cannot be used ({cause}), so that the work stopped. Mend that and "
        "run the same command: it goes on where this ended, and applies no row twice."
    )


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that works with a file of this name; the lock ends with the process.

    Raises:
        JobBusy: Another process works with it.
        JournalLost: The file cannot be made.
    """
    is_busy, cause = False, ""
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        lock, cause = None, str(error)
    try:
        if lock:
            lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        is_busy, cause = "locked" in str(error), str(error)
    try:
        if is_busy:
            raise JobBusy(
                "Another process works on this job. Wait for it; to share a job among processes, "
                "run each of them with --redis URL."
            )
        if cause:
            raise JournalLost(f"The folder of the job cannot be used ({cause}).")
        yield
    finally:
        if lock:
            lock.close()
