"""A forked process, and what it finds."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

from tests.support.timeouts import PATIENCE

FORKING = multiprocessing.get_context("fork") if hasattr(os, "fork") else None


def in_a_child(work: Any) -> Any:
    """Return what a forked process finds; it may be forked where there are locks held."""
    assert FORKING is not None
    told: multiprocessing.SimpleQueue[Any] = FORKING.SimpleQueue()
    child = FORKING.Process(target=lambda: told.put(work()), daemon=True)
    child.start()
    child.join(PATIENCE)
    exitcode = child.exitcode
    child.kill()
    assert exitcode == 0
    return told.get()
