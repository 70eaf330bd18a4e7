"""A file of SQLite that the processes of one machine share, for one kind of store alone."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from customerio_tool.locks import ForkSafeLock, close_before_fork

BUSY_SECONDS = 5.0
"""The longest wait for another process's write, in seconds; a write takes milliseconds."""


@dataclass(frozen=True)
class Format:
    """What makes a file that of one kind of store.

    Args:
        name: What errors call the file, such as "ledger".
        application_id: Marks the file, in the `application_id` of SQLite.
        version: The version of the schema, in the `user_version` of SQLite.
        schema: The statement that creates each object of the file, by name; SQLite keeps it in
            this form.
        lost: What to raise if the file cannot be used; its text contains no path.
        is_wiped: Whether each write also empties the log, which holds what was there before.
    """

    name: str
    application_id: int
    version: int
    schema: Mapping[str, str]
    lost: type[Exception]
    is_wiped: bool = False


_Place: TypeAlias = tuple[int, int]
"""The device and inode of a file: another file under the same name has others."""

_LOG_PAGES = 250
"""The pages of 4 KiB in the log after which it is written back: one write takes so much longer."""

_KEPT = 8
"""The most connections that a file keeps open between uses; a use of each further thread makes one
of its own."""


class SqliteFile:
    """A file of one format, on connections that stay open between uses.

    To open it costs five times as much as to write. A fork closes it, and each of both processes
    opens it anew. It is also closed by `let_go`, with this object, and when the process ends. Until
    then its logs, `-wal` and `-shm`, stay beside it.

    The file must be on a local disk: a WAL database does not work on a network file system
    (https://www.sqlite.org/wal.html). SQLite 3.37 or later is needed, for strict tables. What is
    deleted is overwritten with zeros, once the log is written back: at the latest when all
    processes have closed the file. The first use checks that the file is not damaged. The file of
    another program is not changed, nor are its logs.

    Args:
        path: The file, or an empty one. If it is missing, the first use creates it with mode 0600;
            its directory must exist.
        form: The format.
    """

    def __init__(self, path: str | os.PathLike[str], form: Format) -> None:
        # Absolute, as SQLite gives names such as ":memory:" a meaning of their own.
        self._path = Path(path).absolute()
        self._form = form
        self._is_sound = False
        self._idle: list[tuple[_Place, sqlite3.Connection]] = []
        self._writing = ForkSafeLock()
        weakref.finalize(self, _close_all, self._idle)
        close_before_fork(self)

    def let_go(self) -> None:
        """Close the file until its next use; a use under way goes on."""
        _close_all(self._idle)

    def exists(self) -> bool:
        """Whether there is a file; raises the format's `lost` if that cannot be told."""
        with self._errors_as_lost():
            return self._path.exists()

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """Open the file for one write.

        Args:
            patience: The longest wait for another process's write, in seconds; by default
                `BUSY_SECONDS`.
        """
        timeout = BUSY_SECONDS if patience is None else patience
        with self._turn(timeout) as left, self.opened(left) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
            if self._form.is_wiped:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _turn(self, patience: float) -> Iterator[float]:
        """Wait for the writes of other threads; yields the patience that is left.

        SQLite asks again and again, in which a thread that waits may lose to those that write.
        """
        lock, began = self._writing.lock, monotonic()
        has_turn = lock.acquire(blocking=False)
        if not has_turn:
            has_turn = lock.acquire(timeout=patience)
            patience = max(0.0, patience - (monotonic() - began))
        try:
            yield patience
        finally:
            if has_turn:
                lock.release()

    @contextmanager
    def opened(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """Take a connection for one use.

        Args:
            patience: The longest wait for another process's write, in seconds; by default
                `BUSY_SECONDS`.
        """
        timeout = BUSY_SECONDS if patience is None else patience
        with self._errors_as_lost():
            place, db = self._kept(timeout) or self._opened_anew(timeout)
            try:
                yield db
            except BaseException:
                db.close()  # which undoes what was not committed
                raise
            self._put_back(place, db)

    def _kept(self, timeout: float) -> tuple[_Place, sqlite3.Connection] | None:
        """Return a connection to this very file that is open already."""
        with suppress(IndexError):  # `pop` is atomic: no two threads get the same
            while self._idle:
                place, db = self._idle.pop()
                if self._path.exists() and place == _place_of(self._path):
                    db.execute(f"PRAGMA busy_timeout = {round(1000 * timeout)}")
                    return place, db
                db.close()  # its file was removed, or replaced
                self._is_sound = False
        return None

    def _put_back(self, place: _Place, db: sqlite3.Connection) -> None:
        if len(self._idle) < _KEPT:
            self._idle.append((place, db))
        else:
            db.close()

    def _opened_anew(self, timeout: float) -> tuple[_Place, sqlite3.Connection]:
        if not self._path.exists():
            self._refuse_log_alone()
            self._create()
        if not self._path.is_file():
            raise self._lost("the path is not that of a file")
        self._leave_logs_alone(self._path.resolve())
        place = _place_of(self._path)  # before it is opened: if replaced since, it is left alone
        db = self._connected(self._path, timeout)
        try:
            if not self._is_sound:
                self._check(db)
                self._is_sound = True
        except BaseException:
            db.close()
            raise
        return place, db

    def _refuse_log_alone(self) -> None:
        """Refuse to make a file beside another's log, which SQLite would write into it."""
        log = self._path.with_name(f"{self._path.name}-wal")
        if log.exists() and not self._path.exists():
            raise self._lost(f"the file was removed without its log: remove {log.name} as well")

    def _lost(self, cause: str) -> Exception:
        return self._form.lost(f"SQLite: {cause}")

    def _is_anothers(self) -> Exception:
        return self._lost(f"the file is not a {self._form.name} of this version")

    @contextmanager
    def _errors_as_lost(self) -> Iterator[None]:
        """Raise the format's `lost` for each failure of the file, without its path."""
        try:
            yield
        except sqlite3.Error as error:
            cause = str(error)
        except OSError as error:
            cause = str(error.strerror)
        except ValueError:
            cause = "the path is not that of a file"  # such as one with a NUL character
        else:
            return
        raise self._lost(cause)

    def _create(self) -> None:
        """Create the file under a temporary name, then link it: no process sees it unfinished."""
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
        os.close(handle)
        try:
            self._connected(Path(name), BUSY_SECONDS).close()
            with suppress(FileExistsError):
                os.link(name, self._path)
        finally:
            Path(name).unlink()

    def _leave_logs_alone(self, path: Path) -> None:
        """Refuse another program's file with a log beside it, which SQLite would write into it."""
        if not any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal")):
            return
        header = _header_of(path)
        if header and header[68:] != self._form.application_id.to_bytes(4, "big"):
            raise self._is_anothers()

    def _connected(self, path: Path, timeout: float) -> sqlite3.Connection:
        # PRAGMA synchronous stays FULL, the default: after a power cut no write may be missing.
        db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
        try:
            if not self._is_ours_at_once(db):
                self._make(db)
            db.execute("PRAGMA secure_delete = ON")
            db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        except BaseException:
            db.close()
            raise
        return db

    def _is_ours_at_once(self, db: sqlite3.Connection) -> bool:
        """Return `_is_ours` of one moment: another process may be making the file meanwhile."""
        db.execute("BEGIN")
        try:
            return self._is_ours(db)
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    def _is_ours(self, db: sqlite3.Connection) -> bool:
        """Whether the file is of the format; raises `lost` if it is another's or of a later one."""
        form = self._form
        (marked,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if (marked, version) == (form.application_id, form.version):
            return True
        objects = db.execute("SELECT name, sql FROM sqlite_master").fetchall()
        # Version 0 without a mark: an empty file, or that of a release that did not mark it.
        is_ours = marked == form.application_id or (marked, version) == (0, 0)
        is_known = all(form.schema.get(name) == sql for name, sql in objects)
        if is_ours and version < form.version and is_known:
            return False
        raise self._is_anothers()

    def _make(self, db: sqlite3.Connection) -> None:
        """Create what a new or older file lacks, and mark it in the file itself, not in a log."""
        form = self._form
        db.execute("BEGIN IMMEDIATE")
        if not self._is_ours(db):  # another process may have made it meanwhile
            present = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            for name, statement in form.schema.items():
                if name not in present:
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {form.application_id}")
            db.execute(f"PRAGMA user_version = {form.version}")
        db.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # another process uses it already, without a log
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA wal_checkpoint")

    def _check(self, db: sqlite3.Connection) -> None:
        """Refuse a damaged file, in which SQLite may find no row where there was one."""
        if db.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
            raise self._lost("the file is damaged")


def _place_of(path: Path) -> _Place:
    there = path.stat()
    return there.st_dev, there.st_ino


def _close_all(idle: list[tuple[_Place, sqlite3.Connection]]) -> None:
    with suppress(IndexError):
        while idle:
            idle.pop()[1].close()


_HEADER = 72
"""The bytes of a file up to the end of its `application_id`
(https://www.sqlite.org/fileformat2.html#the_database_header)."""

_read: dict[_Place, int] = {}
"""The files whose header was read, by device and inode. They stay open: to close one would drop
the locks that this process has on it (https://www.sqlite.org/howtocorrupt.html, section 2.2)."""

_reading = ForkSafeLock()


def _header_of(path: Path) -> bytes:
    place = _place_of(path)
    with _reading:
        if place not in _read:
            _read[place] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        os.lseek(_read[place], 0, os.SEEK_SET)
        return os.read(_read[place], _HEADER)
