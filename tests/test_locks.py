"""Promises of locks across a fork."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from customerio_tool.ledger import Entry, MemoryLedger
from tests.patience import PATIENCE

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

BEGUN = Entry("started", "f", 0.0, 20.0, 100.0)


def test_a_ledger_that_is_busy_at_a_fork_is_free_in_the_child_and_knows_what_was_sent() -> None:
    forking = multiprocessing.get_context("fork")
    told: multiprocessing.SimpleQueue[object] = forking.SimpleQueue()
    ledger = MemoryLedger()
    ledger.claim("key", BEGUN, 1.0)
    child = forking.Process(target=lambda: told.put(ledger.claim("key", BEGUN, 2.0)), daemon=True)

    with ledger._lock:
        child.start()
    child.join(PATIENCE)

    assert child.exitcode == 0
    assert told.get() == BEGUN
