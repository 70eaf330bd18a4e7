"""Keeps what a page shows again when it is loaded again, in bounded memory."""

from __future__ import annotations

from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """The newest values, each under its name; safe for threads, and nothing is written anywhere.

    Args:
        most: How many values to keep.
    """

    def __init__(self, most: int = 20) -> None:
        self._most = most
        self._values: dict[str, T] = {}  # the oldest first
        self._lock = Lock()

    def put(self, name: str, value: T) -> None:
        """Keep a value; one that has the name already stays."""
        with self._lock:
            self._values.setdefault(name, value)
            if len(self._values) > self._most:
                del self._values[next(iter(self._values))]

    def get(self, name: str) -> T | None:
        """Return the value of a name; None if there is none, or it is no longer kept."""
        with self._lock:
            return self._values.get(name)

    @property
    def newest(self) -> list[T]:
        """All values, the newest first."""
        with self._lock:
            return list(reversed(self._values.values()))
