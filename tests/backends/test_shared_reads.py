"""Equal reads at once are one request, and nobody is given what was true before a write."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.shared_reads import SharedReads
from customerio_tool.deadline import Deadline
from customerio_tool.errors import Cancelled, NotFound, Unreachable
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace
from tests.support.retries import CREATE_CALL, LIST_CALL, SkippingClock
from tests.support.timeouts import PATIENCE

CALLERS = 5


class Reading:
    """A read of several threads: each attempt ends when a test lets it end.

    Args:
        reads: What shares the answers.
        later: The answer of every attempt after the first; None waits for the test there too.
    """

    def __init__(self, reads: SharedReads, later: str | None = None) -> None:
        self._reads = reads
        self._later = later
        self._began = threading.Semaphore(0)
        self._waits = threading.Semaphore(0)
        self.attempts: list[Future[str]] = []

    def read(self) -> str:
        """Ask for the answer, as a call does."""
        deadline = Deadline(PATIENCE, self._noticed)
        return self._reads.read("workspace", "list", self._made, deadline, lambda: 0.0)

    def _made(self) -> str:
        attempt: Future[str] = Future()
        self.attempts.append(attempt)
        if self._later and len(self.attempts) > 1:
            attempt.set_result(self._later)
        self._began.release()
        return attempt.result(PATIENCE)

    def _noticed(self) -> float:
        """Return the time; who makes the read itself looks at it once, who waits more often."""
        self._waits.release()
        return time.monotonic()

    def all_have_asked(self, callers: int) -> None:
        """Wait until one reads and the others wait."""
        assert self._began.acquire(timeout=PATIENCE)
        for _ in range(callers + callers - 1):
            assert self._waits.acquire(timeout=PATIENCE)


@contextmanager
def asking(reading: Reading) -> Iterator[list[Future[str]]]:
    """Have several threads ask at once."""
    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(reading.read) for _ in range(CALLERS)]
        reading.all_have_asked(CALLERS)
        yield asked


def test_all_who_ask_while_one_reads_have_its_answer() -> None:
    reading = Reading(SharedReads())
    with asking(reading) as asked:
        reading.attempts[0].set_result("one")
        assert [each.result(PATIENCE) for each in asked] == ["one"] * CALLERS
    assert len(reading.attempts) == 1


def test_a_failure_is_that_of_one_and_the_next_reads_for_itself() -> None:
    reading = Reading(SharedReads())
    with asking(reading) as asked:
        reading.attempts[0].set_exception(NotFound("It is gone."))
        assert reading._began.acquire(timeout=PATIENCE)
        reading.attempts[1].set_result("two")
        failed = [each for each in asked if each.exception(PATIENCE)]
    assert len(failed) == 1
    assert {each.result() for each in asked if each not in failed} == {"two"}


def test_whoever_asks_after_a_write_is_not_given_what_was_before() -> None:
    reads = SharedReads()
    before = Reading(reads)
    with asking(before) as asked:
        reads.forget("another workspace")
        reads.forget("workspace")
        new = reads.read("workspace", "list", lambda: "new", Deadline(PATIENCE), lambda: 0.0)
        assert new == "new"
        before.attempts[0].set_result("old")
        assert {each.result(PATIENCE) for each in asked} == {"old"}, "they asked before"


@pytest.mark.parametrize(
    ("seconds", "is_cancelled", "error"),
    [(0.0, False, Unreachable), (PATIENCE, True, Cancelled)],
    ids=["its deadline comes", "its host cancels it"],
)
def test_who_waits_for_another_ends_when(
    seconds: float, is_cancelled: bool, error: type[Exception]
) -> None:
    reads = SharedReads()
    reading = Reading(reads)
    with asking(reading):
        deadline = Deadline(seconds, cancelled=lambda: is_cancelled)
        with pytest.raises(error):
            reads.read("workspace", "list", lambda: "mine", deadline, lambda: 0.0)
        reading.attempts[0].set_result("one")


def test_an_answer_lives_on_for_as_long_as_was_chosen() -> None:
    reads, made = SharedReads(keep_seconds=10), []

    def read(what: str, now: float) -> int:
        def make() -> int:
            made.append(what)
            return len(made)

        return reads.read("workspace", what, make, Deadline(1, lambda: now), lambda: now)

    assert [read("list", now) for now in (0.0, 9.9, 10.0, 19.9)] == [1, 1, 2, 2]
    assert read("another", 19.9) == 3
    reads.forget("workspace")
    assert read("list", 19.9) == 4
    for number in range(1000):
        read(str(number), 19.9)
    assert read("0", 19.9) > 1000, "not all are kept"


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_a_life_that_never_ends_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="keep_seconds"):
        SharedReads(keep_seconds=seconds)


# A tool


def test_a_tool_sees_what_it_wrote_although_answers_live_on(sandbox: Sandbox) -> None:
    clock = SkippingClock()
    backends = Backends(limiter=AnyPace(), reads=SharedReads(keep_seconds=60))
    with CustomerIoTool(sandbox.connection(), backends=backends, clock=clock.whole()) as tool:
        first = [tool.call(*LIST_CALL) for _ in range(3)]
        assert first[0]["segments"] == first[1]["segments"] == first[2]["segments"]
        reads = [each for each in sandbox.requests() if each["operation"] == "list_segments"]
        assert len(reads) == 1
        assert tool.call(*CREATE_CALL)["ok"]
        names = [each["name"] for each in tool.call(*LIST_CALL)["segments"]]
    assert CREATE_CALL[1]["name"] in names


def test_what_is_about_a_person_is_never_shared(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace(), reads=SharedReads(keep_seconds=60))
    with CustomerIoTool(sandbox.connection(), backends=backends) as tool:
        for _ in range(2):
            assert tool.call("get_customer_attributes", {"customer_id": "u1"})["ok"]
            assert tool.call("list_messages", {})["ok"]
    assert len(sandbox.requests()) == 4
