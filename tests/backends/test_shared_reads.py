"""Equal reads at once are one request, and nobody is given what was true before a write."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.shared_reads import SharedReads
from customerio_tool.deadline import Deadline
from customerio_tool.errors import Cancelled, NotFound, Unreachable
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED_US, AnyPace, code_of
from tests.support.loopback import Loopback, answer, says
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
        """Return the time; each caller looks at it as it begins, and as it reads or waits."""
        self._waits.release()
        return time.monotonic()

    def all_have_asked(self, callers: int) -> None:
        """Wait until one reads and the others wait."""
        assert self._began.acquire(timeout=PATIENCE)
        for _ in range(callers + callers):
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
    reading = Reading(SharedReads(), later="two")
    with asking(reading) as asked:
        reading.attempts[0].set_exception(NotFound("It is gone."))
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


def test_nobody_joins_a_read_whose_deadline_has_passed() -> None:
    """What made it may be dead: a host kills threads, and a signal may raise anywhere."""
    reads, never = SharedReads(), Future[str]()
    clock = SkippingClock()

    def read(make: Callable[[], str]) -> str:
        deadline = Deadline(10, clock.monotonic)
        return reads.read("workspace", "list", make, deadline, clock.monotonic)

    with ThreadPoolExecutor(1) as threads:
        began = threading.Event()

        def hang() -> str:
            began.set()
            return never.result(PATIENCE)

        hanging = threads.submit(read, hang)
        assert began.wait(PATIENCE)
        clock.skip(11)
        assert read(lambda: "mine") == "mine"
        never.set_result("late")
        assert hanging.result(PATIENCE) == "late"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError(), Cancelled("It was.")])
def test_a_read_that_breaks_off_in_any_way_holds_up_nobody(error: BaseException) -> None:
    reads = SharedReads(keep_seconds=60)

    def broken() -> str:
        raise error

    with pytest.raises(type(error)):
        reads.read("workspace", "list", broken, Deadline(1), lambda: 0.0)
    assert reads.read("workspace", "list", lambda: "mine", Deadline(1), lambda: 0.0) == "mine"


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


def test_no_tool_is_given_what_was_read_with_the_key_of_another(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace(), reads=SharedReads(keep_seconds=60))
    saved = sandbox.connection()
    with (
        CustomerIoTool(saved, backends=backends) as one,
        CustomerIoTool({**saved, "app_api_key": "app-of-nobody"}, backends=backends) as other,
    ):
        assert one.call(*LIST_CALL)["ok"]
        assert code_of(other.call(*LIST_CALL)) == "credentials_rejected"


def test_no_tool_is_given_what_another_host_answered(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace(), reads=SharedReads(keep_seconds=60))
    with (
        Sandbox(seed=False) as another,
        CustomerIoTool(sandbox.connection(), backends=backends) as one,
        CustomerIoTool(another.connection(), backends=backends) as other,
    ):
        assert one.call(*LIST_CALL)["segments"]
        assert not other.call(*LIST_CALL)["segments"]


def test_each_policy_hides_its_own_from_an_answer_that_lives_on() -> None:
    """The tool takes whatever has a `cio_id` for a person, where none was to be expected too."""
    backends = Backends(limiter=AnyPace(), reads=SharedReads(keep_seconds=60))
    reply = answer(b'{"segments": [{"id": 1, "cio_id": "a1", "phone": "555"}]}')
    whole = ("list_segments", {"full": True})
    with Loopback([says(reply), says(reply)]) as server:
        saved = {**SAVED_US, "app_url": server.url, "track_url": server.url}
        with (
            CustomerIoTool(saved, backends=backends) as sees,
            CustomerIoTool(
                saved, backends=backends, policy={"hidden_attributes": ["phone"]}
            ) as hides,
        ):
            assert "555" in str(sees.call(*whole))
            assert "555" not in str(hides.call(*whole))


def test_what_one_caller_does_to_its_result_is_not_seen_by_the_next(sandbox: Sandbox) -> None:
    backends = Backends(limiter=AnyPace(), reads=SharedReads(keep_seconds=60))
    with CustomerIoTool(sandbox.connection(), backends=backends) as tool:
        first = tool.call(*LIST_CALL)
        told = json.dumps(first)
        for each in first["segments"]:
            each.clear()
        first["segments"].clear()
        assert json.dumps(tool.call(*LIST_CALL)) == told
