"""The store of a workspace: one SQLite file, one writer at a time, a commit before each answer."""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from . import journal
from .schema import TABLES, TRIGGERS, VERSION

Row = sqlite3.Row

BUSY_SECONDS = 30.0
"""How long to wait for another process that writes to the file, such as the demo into a new one."""

ATTEMPTS = 100
"""How often to ask for WAL: up to so many other processes may open the same new file."""

UNNAMED = ""
"""SQLite's path for a nameless file: it vanishes with the process, even after SIGKILL."""

GENERATION = "[0-9a-f]{8}"
"""The pattern of a generation: random digits, new for each workspace that replaces another."""

IN_MEMORY = ":memory:"
"""SQLite's path for a database without a file."""


class StoreClosed(RuntimeError):
    """The sandbox is stopping: no more reads or writes."""

    def __init__(self) -> None:
        super().__init__("the sandbox was stopped")


def _temporary() -> str:
    """A nameless file, or memory if no temporary folder is writable.

    Python and SQLite look for one in the same folders.
    """
    try:
        tempfile.gettempdir()
    except OSError:
        return IN_MEMORY
    return UNNAMED


class Store:
    """A SQLite file, safe for many threads.

    Args:
        path: the file, in WAL mode, created if missing. ``None`` means a nameless temporary file,
            or memory if no temporary folder is writable, as in a read-only container.

    Raises:
        ValueError: the file cannot be created, is not the sandbox's, or is of another version.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = RLock()
        self._closed = False
        self._is_recorded = False
        self.generation = ""  # saved with the workspace, and new when all of it is replaced
        with self._sqlite_errors():
            self._connection = sqlite3.connect(
                path or _temporary(),
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        self._connection.row_factory = sqlite3.Row
        try:
            with self._sqlite_errors():
                self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _sqlite_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            where = self._path or "a temporary file"
            raise ValueError(f"db cannot keep a workspace in {where}: {error}") from None

    def _prepare(self) -> None:
        # OFF is safe when the process is killed, and unsafe only when the machine loses power.
        self._connection.execute("PRAGMA synchronous=OFF")
        if self._path is None:
            self._connection.execute("PRAGMA journal_mode=MEMORY")
            self._make_tables()
        else:
            self._open(self._path)

    def _open(self, path: Path) -> None:
        with self.transaction():  # of all processes that open a new file, one makes its tables
            version = self.scalar("PRAGMA user_version")
            if version not in (0, VERSION):
                raise ValueError(
                    f"{path.name} holds sandbox data of version {version}, this is {VERSION}: "
                    "use another file"
                )
            if version == 0:
                if self.scalar("SELECT count(*) FROM sqlite_master"):
                    raise ValueError(f"{path.name} is another program's database: use another file")
                self._make_tables()
            self.renew()
        self._write_ahead()

    def _make_tables(self) -> None:
        for statement in (*TABLES.split(";"), *TRIGGERS):
            self.execute(statement)
        self.execute(f"PRAGMA user_version={VERSION}")
        self._begin_generation()

    def _begin_generation(self) -> None:
        """Draw a new generation: what clients remember of the last one is no longer true."""
        self.generation = secrets.token_hex(4)
        self.execute("DELETE FROM generation")
        self.insert("generation", id=self.generation)

    def renew(self) -> None:
        """Read the generation again: another process on the file may have drawn a new one."""
        with self._lock:
            if not self._closed:
                self.generation = self.scalar("SELECT id FROM generation")

    def _write_ahead(self) -> None:
        """Change to WAL. SQLite does not wait for other writers here, it refuses at once."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if not attempts_left:
                    raise
            else:
                return
            with self.transaction():  # this waits for the other writer
                pass

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Lock out other writers; commit at the end, or roll back after an exception."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._connection.in_transaction:  # the outermost block commits
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if self._is_recorded:
                    journal.forget_unclaimed(self.execute)
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # on a full disk, SQLite rolls back itself
                    self._connection.execute("ROLLBACK")
                raise

    def record_changes(self) -> None:
        """Write down from now on what each request changes; a second call does nothing."""
        with self.transaction():
            if not self._is_recorded:
                journal.begin(self.execute)
                self._is_recorded = True  # before another thread is let in

    def _end_recording(self) -> None:
        """Forget what was recorded: the numbers of the request log begin anew."""
        if self._is_recorded:
            journal.end(self.execute)
        self._is_recorded = False

    def claim_changes(self, request: int) -> None:
        """Take the changes of this transaction so far as those of a request, by its number."""
        if self._is_recorded:
            journal.claim(self.execute, request)

    @contextmanager
    def savepoint(self, *, keep: bool = True) -> Iterator[None]:
        """Undo the writes of this block alone, after an exception or if ``keep`` is false."""
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            keep = False
            raise
        finally:
            if not keep:
                self.execute("ROLLBACK TO part")
            self.execute("RELEASE part")

    def copy(self) -> sqlite3.Connection:
        """A copy of the whole workspace in memory, for ``restore``."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            copied = sqlite3.connect(":memory:", check_same_thread=False)
            self._connection.backup(copied)
        return copied

    def restore(self, copied: sqlite3.Connection) -> None:
        """Replace the workspace by a copy, and end the recording. Not allowed in a transaction."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            self._end_recording()
            copied.backup(self._connection)
            with self.transaction():
                self._begin_generation()

    def execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Run one statement inside the current transaction."""
        return self._connection.execute(sql, tuple(values))

    def insert(self, table: str, **values: Any) -> int:
        """Insert one row; returns its rowid. Table and column names must never be input."""
        names, marks = ",".join(values), ",".join("?" * len(values))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - see above
        rowid = self._connection.execute(sql, tuple(values.values())).lastrowid
        return rowid or 0

    def one(self, sql: str, values: Iterable[Any] = ()) -> Row | None:
        """The first row, or ``None``."""
        row: Row | None = self._connection.execute(sql, tuple(values)).fetchone()
        return row

    def all(self, sql: str, values: Iterable[Any] = ()) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, tuple(values)).fetchall()

    def scalar(self, sql: str, values: Iterable[Any] = ()) -> Any:
        """The first column of the first row, or ``None``."""
        row = self._connection.execute(sql, tuple(values)).fetchone()
        return row[0] if row else None

    def is_empty(self) -> bool:
        """Whether nothing was written yet."""
        return not self.scalar("SELECT count(*) FROM sqlite_sequence")

    def clear(self) -> None:
        """Delete every row, restart every counter, begin a new generation, and end the recording.

        What comes after, such as a seed, is so not slowed down by the record of it.
        """
        with self.transaction():
            self._end_recording()
            for row in self.all("SELECT name FROM sqlite_master WHERE type='trigger'"):
                self.execute(f'DROP TRIGGER "{row["name"]}"')  # without one, a table goes at once
            for row in self.all("SELECT name FROM sqlite_master WHERE type='table'"):
                self.execute(f'DELETE FROM "{row["name"]}"')  # noqa: S608 - names of our own tables
            for statement in TRIGGERS:
                self.execute(statement)
            self._begin_generation()

    def close(self) -> None:
        """Wait for the current transaction, then close. A temporary file is gone then."""
        with self._lock:
            self._closed = True
            self._connection.close()
