"""Promises of locks across a fork."""

from __future__ import annotations

import multiprocessing
import os
import threading

import pytest

from customerio_tool.ledger import Entry, MemoryLedger
from customerio_tool.locks import ForkSafeLock
from tests.support.timeouts import PATIENCE

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


class Held(Exception):
    """A second thread would wait here."""


def test_two_threads_that_are_the_first_of_a_child_are_not_inside_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock, make = ForkSafeLock(), threading.Lock
    made: list[threading.Lock] = []

    class Impatient:
        def __init__(self) -> None:
            self._lock = make()
            made.append(self._lock)
            if len(made) == 1:  # here the other thread has its turn, and goes in
                lock.__enter__()

        def acquire(self) -> None:
            if not self._lock.acquire(blocking=False):
                raise Held

    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr(threading, "Lock", Impatient)
    with pytest.raises(Held):
        lock.__enter__()
