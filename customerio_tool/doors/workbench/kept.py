"""The file of the connections that a person keeps on this machine, keys included."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import typer

from customerio_tool.connection import Connection
from customerio_tool.doors.credentials import apis_meant
from customerio_tool.secret import Secret
from customerio_tool.version import DISTRIBUTION

_FORMAT = 1
_NOBODY_ELSE = stat.S_IRWXG | stat.S_IRWXO
_TO_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""It waits for no writer, as it would at a named pipe."""

_LARGEST = 1_000_000
"""Bytes of the file that are read: some thousand connections."""


class KeptUnusable(Exception):
    """The file cannot be used; the text says why, and holds nothing of it."""


_KEY = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True)
class KeptConnection:
    """A connection in the file.

    Args:
        title: Its name for a person.
        fields: Its fields as they were given.
    """

    title: str
    fields: Secret[Mapping[str, str]] = field(repr=False)

    def load(self) -> Connection:
        """Return the connection.

        Raises:
            ConnectionInvalid: Its fields cannot be used any more.
        """
        return Connection.load(self.fields.reveal(), apis=apis_meant(self.fields.reveal()))


class KeptConnections:
    """Reads and writes the file. Only its owner may read it, or it is not used.

    A change is written to a new file beside it, which then takes its place: a reader sees the one
    or the other. Threads of one process take turns. Of two processes that change it at the same
    moment, the later one may undo the change of the earlier one.

    Args:
        file: The file; it need not exist.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = Lock()
        self._unwritten = ""

    @classmethod
    def of_user(cls) -> KeptConnections:
        """Return the file in the folder where this user's programs keep their settings."""
        return cls(Path(typer.get_app_dir(DISTRIBUTION)) / "connections.json")

    def all(self) -> dict[str, KeptConnection]:
        """Return the kept connections by key, the oldest first.

        Raises:
            KeptUnusable: The file is a link, belongs to or is readable by others, or is no such
                file.
        """
        return {
            key: KeptConnection(each["title"], Secret(each["connection"]))
            for key, each in self._read().reveal().items()
        }

    def problem(self) -> str:
        """Return why the file cannot be used, or why the last change of it failed; else ""."""
        try:
            self._read()
        except KeptUnusable as unusable:
            return str(unusable)
        return self._unwritten

    def keep(self, key: str, title: str, fields: Secret[Mapping[str, str]]) -> None:
        """Add a connection, or replace the one of this key.

        Raises:
            KeptUnusable: As `all`, or the file cannot be written.
        """
        entry = Secret({"title": title, "connection": dict(fields.reveal())})
        with self._lock:
            kept = self._read()
            self._write(Secret({**kept.reveal(), key: entry.reveal()}))

    def forget(self, key: str) -> None:
        """Remove a connection; of one that is not kept, there is nothing to remove.

        Raises:
            KeptUnusable: As `keep`.
        """
        with self._lock:
            kept = self._read()
            if key in kept.reveal():
                rest = {name: each for name, each in kept.reveal().items() if name != key}
                self._write(Secret(rest))

    def _read(self) -> Secret[dict[str, Any]]:
        text = self._text()
        if text is None:
            return Secret({})
        try:
            whole = Secret(json.loads(text.reveal()))
            if _is_sound(whole.reveal()):
                return Secret(whole.reveal()["connections"])
        except (ValueError, RecursionError):
            pass
        raise KeptUnusable(f"{self.file} is no file of kept connections; move it away.") from None

    def _text(self) -> Secret[bytes] | None:
        """Return what is in the file; None if there is none."""
        if self.file.is_symlink():  # asked first, for systems that have no O_NOFOLLOW
            raise KeptUnusable(f"{self.file} is a link; put the file itself there.")
        try:
            opened = os.open(self.file, _TO_READ)
        except FileNotFoundError:
            return None
        except OSError as error:
            words = f"{self.file} cannot be opened: {error.strerror}. {_elsewhere()}"
            raise KeptUnusable(words.strip()) from None
        with os.fdopen(opened, "rb") as stream:
            self._refuse_foreign(os.fstat(stream.fileno()))
            return Secret(stream.read(_LARGEST))

    def _refuse_foreign(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise KeptUnusable(f"{self.file} is no plain file; move it away.")
        if os.name == "nt":  # there the folder of the user's settings is closed to others
            return
        if found.st_uid != os.geteuid():
            raise KeptUnusable(f"{self.file} belongs to another user; move it away.")
        if found.st_mode & _NOBODY_ELSE:
            words = f"{self.file} can be read by others; run chmod 600 on it, or change the keys."
            raise KeptUnusable(words)

    def _write(self, kept: Secret[dict[str, Any]]) -> None:
        whole = Secret({"format": _FORMAT, "connections": kept.reveal()})
        text = Secret(json.dumps(whole.reveal(), indent=2).encode())
        if len(text.reveal()) >= _LARGEST:
            raise KeptUnusable(f"{self.file} would be too large to be read again.")
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened, name = tempfile.mkstemp(dir=self.file.parent, prefix=".connections-")
            try:
                with os.fdopen(opened, "wb") as stream:
                    stream.write(text.reveal())
                    stream.flush()
                    os.fsync(stream.fileno())
                Path(name).replace(self.file)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            words = f"{self.file} could not be written: {error.strerror}."
            self._unwritten = f"{words} {_elsewhere()}".strip()
            raise KeptUnusable(self._unwritten) from None
        self._unwritten = ""


def _elsewhere() -> str:
    """Return how a person moves the folder of their settings; "" where the system has no way."""
    if sys.platform in ("win32", "darwin"):
        return ""
    return "XDG_CONFIG_HOME names another folder for it: set it to one that you may write."


def _is_sound(whole: object) -> bool:
    """Whether a file holds connections, each with a title and fields of text."""
    kept = whole.get("connections") if isinstance(whole, dict) else None
    if not isinstance(kept, dict) or not isinstance(whole, dict) or whole.get("format") != _FORMAT:
        return False
    return all(
        _KEY.fullmatch(key)  # no other workspace has such a key
        and isinstance(each, dict)
        and isinstance(each.get("title"), str)
        and isinstance(each.get("connection"), dict)
        and all(isinstance(value, str) for value in each["connection"].values())
        for key, each in kept.items()
    )
