"""Named copies of the whole workspace to return to. They live as long as the process."""

from __future__ import annotations

import sqlite3
from threading import Lock

from .store import Store


class Snapshots:
    """The snapshots by name. One holds the workspace and the request log, but not the clock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: dict[str, sqlite3.Connection] = {}

    def take(self, name: str) -> None:
        """Take a snapshot; it replaces the one of the same name."""
        copied = self._store.copy()
        with self._lock:
            before, self._kept[name] = self._kept.get(name), copied
        if before is not None:
            before.close()

    def restore(self, name: str) -> None:
        """Return the workspace to a snapshot.

        Raises:
            KeyError: there is no snapshot of this name.
        """
        with self._lock:
            self._check(name)
            self._store.restore(self._kept[name])

    def drop(self, name: str) -> None:
        """Delete a snapshot.

        Raises:
            KeyError: there is no snapshot of this name.
        """
        with self._lock:
            self._check(name)
            self._kept.pop(name).close()

    def _check(self, name: str) -> None:
        if name not in self._kept:
            kept = ", ".join(self._kept) or "none"
            raise KeyError(f"there is no snapshot {name!r}; there are: {kept}")

    def names(self) -> list[str]:
        """The names of all snapshots, oldest first."""
        with self._lock:
            return list(self._kept)

    def clear(self) -> None:
        """Delete all snapshots."""
        with self._lock:
            for copied in self._kept.values():
                copied.close()
            self._kept.clear()
