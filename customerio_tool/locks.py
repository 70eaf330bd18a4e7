"""A lock that is free in a forked child, for hosts that start their workers by forking."""

from __future__ import annotations

import threading
from collections.abc import Callable

from customerio_tool.forks import renew_in_child


class ForkSafeLock:
    """A lock for `with`; a forked child begins with a free one, whoever held it at the fork.

    `with` finds the methods of a plain lock here. Methods in Python around them could be left by a
    signal handler that raises, with the lock still held.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        renew_in_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def __enter__(self) -> Callable[..., bool]:
        """The method that waits for the lock."""
        return self._lock.__enter__

    @property
    def __exit__(self) -> Callable[..., None]:  # noqa: PLE0302 - `with` reads the property, then calls
        """The method that lets go of the lock."""
        return self._lock.__exit__
