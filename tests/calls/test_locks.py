"""Promises of locks across a fork, and when they are interrupted."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from customerio_tool import locks
from customerio_tool.backends.ledger.entry import Entry
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.locks import ForkSafeLock
from tests.support.forking import in_a_child
from tests.support.timeouts import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
on_forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

BEGUN = Entry("started", "f", 0.0, 20.0, 100.0)


@on_forks
def test_a_ledger_that_is_busy_at_a_fork_is_free_in_the_child_and_knows_what_was_sent() -> None:
    ledger = MemoryLedger()
    ledger.claim("key", BEGUN, 1.0)
    with ledger._lock:
        assert in_a_child(lambda: ledger.claim("key", BEGUN, 2.0)) == BEGUN


@on_forks
def test_two_threads_that_are_the_first_of_a_child_are_not_inside_at_once() -> None:
    lock, inside = ForkSafeLock(), threading.Event()

    def enter() -> None:
        with lock:
            inside.set()

    def both() -> bool:
        with lock:
            other = threading.Thread(target=enter)
            other.start()
            at_once = inside.wait(0.2)
        other.join(PATIENCE)
        return inside.is_set() and not at_once

    with lock:
        assert in_a_child(both)


@pytest.fixture
def seldom_collected() -> Iterator[None]:
    """Have the garbage collector run once in 20,000 new objects, beginning with none."""
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(20_000)
    yield
    gc.set_threshold(*before)


@on_forks
@pytest.mark.usefixtures("seldom_collected")
def test_garbage_that_is_collected_at_a_fork_leaves_every_lock_free() -> None:
    class Knot:
        def __init__(self) -> None:
            self.lock, self.itself = ForkSafeLock(), self

    many = [ForkSafeLock() for _ in range(30_000)]
    gc.collect()
    Knot()
    with many[-1]:
        assert in_a_child(lambda: all(lock.lock.acquire(timeout=1) for lock in many))


class Interrupted(Exception):
    """As a handler of a signal raises, wherever Python code happens to be."""


def test_an_interruption_on_the_way_in_or_out_leaves_the_lock_free() -> None:
    for step in itertools.count(1):
        lock = ForkSafeLock()
        is_interrupted = interrupted_at(step, lock)
        assert not lock._lock.locked()
        if not is_interrupted:
            break
    assert step > 3, "no step was interrupted"


def interrupted_at(step: int, lock: ForkSafeLock) -> bool:
    """Use a lock, and raise at this step that Python takes in its module, if it takes so many."""
    steps = itertools.count(1)

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != locks.__file__:
            return None
        if next(steps) == step:
            raise Interrupted
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with lock:
            pass
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return False
