"""How the workspace is kept: one SQLite file, one writer at a time, committed before any answer."""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from .schema import TABLES, VERSION

Row = sqlite3.Row

BUSY_SECONDS = 30.0
"""How long to wait for another process that writes the same file: filling a new one is a write."""

ATTEMPTS = 100
"""How often to ask for WAL: as many others may be opening the same new file."""

UNNAMED = ""
"""SQLite's word for a file without a name on disk: nothing of it is left, even after SIGKILL."""

GENERATION = "[0-9a-f]{8}"
"""The pattern of what tells a workspace from those that were in the store before it."""

IN_MEMORY = ":memory:"
"""SQLite's word for no file at all."""


class StoreClosed(RuntimeError):
    """The sandbox is stopping: no more reads or writes."""

    def __init__(self) -> None:
        super().__init__("the sandbox was stopped")


def _nowhere() -> str:
    """Where SQLite keeps what has no file: Python looks in the same folders for a writable one."""
    try:
        tempfile.gettempdir()
    except OSError:
        return IN_MEMORY
    return UNNAMED


class Store:
    """A SQLite file, safe for many threads.

    Args:
        path: the file to keep, in WAL mode, created if missing; ``None`` means one without a name
            in SQLite's temporary folder, gone with the process, or memory where no such folder can
            be written, as in a read-only container.

    Raises:
        ValueError: the file cannot be made, is none of the sandbox's, or of another version.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = RLock()
        self._closed = False
        self.generation = ""  # kept with the workspace; new when everything is replaced
        with self._usable():
            self._connection = sqlite3.connect(
                path or _nowhere(),
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        self._connection.row_factory = sqlite3.Row
        try:
            with self._usable():
                self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            where = self._path or "a temporary file"
            raise ValueError(f"db cannot keep a workspace in {where}: {error}") from None

    def _prepare(self) -> None:
        # Off loses nothing when the process is killed, only when the machine loses power.
        self._connection.execute("PRAGMA synchronous=OFF")
        if self._path is None:
            self._connection.execute("PRAGMA journal_mode=MEMORY")
            self._make_tables()
        else:
            self._open(self._path)

    def _open(self, path: Path) -> None:
        with self.transaction():  # of those that open a new file at once, one makes its tables
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
        for statement in TABLES.split(";"):
            self.execute(statement)
        self.execute(f"PRAGMA user_version={VERSION}")
        self._begin()

    def _begin(self) -> None:
        """Draw another generation: what anybody remembers of the one before is not true of it."""
        self.generation = secrets.token_hex(4)
        self.execute("DELETE FROM generation")
        self.insert("generation", id=self.generation)

    def renew(self) -> None:
        """Read the generation again: another process on the file may have drawn another."""
        with self._lock:
            if not self._closed:
                self.generation = self.scalar("SELECT id FROM generation")

    def _write_ahead(self) -> None:
        """Change to WAL. SQLite refuses that at once, without waiting, while another writes."""
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if not attempts_left:
                    raise
            else:
                return
            with self.transaction():  # waits for the end of that write
                pass

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the one writer; commit at the end, roll back when an exception leaves the block."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            if self._connection.in_transaction:  # nested: the outermost block decides
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself rolls back on a full disk
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def savepoint(self, *, keep: bool = True) -> Iterator[None]:
        """Take back only what this block wrote: when an exception leaves it, or not ``keep``."""
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
        """A copy of everything, in memory; for ``restore``."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            copied = sqlite3.connect(":memory:", check_same_thread=False)
            self._connection.backup(copied)
        return copied

    def restore(self, copied: sqlite3.Connection) -> None:
        """Put everything back as it was when ``copied`` was made; not inside a transaction."""
        with self._lock:
            if self._closed:
                raise StoreClosed
            copied.backup(self._connection)
            with self.transaction():
                self._begin()

    def execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Run one statement inside the current transaction."""
        return self._connection.execute(sql, tuple(values))

    def insert(self, table: str, **values: Any) -> int:
        """Insert one row; returns its rowid. Table and column names come from our code only."""
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
        """Whether nothing was ever written."""
        return not self.scalar("SELECT count(*) FROM sqlite_sequence")

    def clear(self) -> None:
        """Delete every row and restart every counter: another generation begins."""
        with self.transaction():
            for row in self.all("SELECT name FROM sqlite_master WHERE type='table'"):
                self.execute(f'DELETE FROM "{row["name"]}"')  # noqa: S608 - names of our own tables
            self._begin()

    def close(self) -> None:
        """Wait for the current transaction, then close; a file without a name is gone."""
        with self._lock:
            self._closed = True
            self._connection.close()
