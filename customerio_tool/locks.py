"""A lock that survives a fork, as hosts make which start their workers by forking."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class ForkSafeLock:
    """A lock for `with`; a child process begins with a free one, whoever held it at the fork."""

    def __init__(self) -> None:
        self._of_process: dict[int, threading.Lock] = {}

    def __enter__(self) -> None:
        """Wait for the lock."""
        self._here().acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        self._here().release()

    def _here(self) -> threading.Lock:
        pid, locks = os.getpid(), self._of_process
        # One step, so that the first threads of a child process get the same.
        return locks.get(pid) or locks.setdefault(pid, threading.Lock())
