"""The newest calls are kept in bounded memory, whatever becomes of the calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import responses

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.backends.telemetry.recent import RecentCalls
from tests.support.forking import FORKING, in_a_child
from tests.support.telemetry import ADA, PERSON, made

END = CallEnd("accepted", ok=True, attempts=1, seconds=0.1)


def start(name: str) -> CallStart:
    return CallStart(name, "track_event", "record", "track", 1.0)


def attempt(number: int = 1) -> Attempt:
    path = "/api/v1/customers/{customer_id}/events"
    return Attempt(number, "POST", path, "https://track.customer.io", 200, "answered", 1.0, 0.1)


def played(recent: RecentCalls, name: str) -> None:
    call = start(name)
    recent.started(call)
    recent.attempted(call, attempt())
    recent.ended(call, END)


def test_the_newest_call_is_first_with_its_attempts(net: responses.RequestsMock) -> None:
    net.put(PERSON, json={})
    recent = RecentCalls()
    with made(recent) as tool:
        tool.call("identify_customer", ADA)
        tool.call("identify_customer", {})
    refused, done = recent.calls()
    assert (done.number, done.end.outcome, len(done.attempts)) == (1, "accepted", 1)
    assert (refused.number, refused.end.outcome, refused.attempts) == (2, "arguments_invalid", ())
    assert "ada" not in repr(recent.calls())


def test_only_so_many_calls_are_kept_and_all_are_counted() -> None:
    recent = RecentCalls(newest=3)
    for number in range(10):
        played(recent, f"call{number}")
    assert [each.start.call_id for each in recent.calls()] == ["call9", "call8", "call7"]
    assert (recent.count, [each.number for each in recent.calls(after=9)]) == (10, [10])


def test_calls_that_never_end_take_no_more_and_more_memory() -> None:
    recent = RecentCalls(under_way=5)
    for number in range(100):
        recent.started(start(f"lost{number}"))
        recent.attempted(start(f"lost{number}"), attempt())
    assert recent.under_way == 5


def test_an_attempt_of_a_call_that_was_dropped_brings_it_not_back() -> None:
    recent = RecentCalls(under_way=1)
    recent.started(start("first"))
    recent.started(start("second"))
    recent.attempted(start("first"), attempt())
    assert recent.under_way == 1
    recent.ended(start("first"), END)
    assert [each.attempts for each in recent.calls()] == [()]


def test_calls_of_many_threads_keep_their_own_attempts() -> None:
    recent = RecentCalls(newest=1_000)

    def many(thread: int) -> None:
        for number in range(100):
            call = start(f"{thread}-{number}")
            recent.started(call)
            for each in range(thread + 1):
                recent.attempted(call, attempt(each + 1))
            recent.ended(call, END)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(many, range(8)))
    calls = recent.calls()
    assert sorted(each.number for each in calls) == list(range(1, 801))
    assert all(len(e.attempts) == int(e.start.call_id.split("-")[0]) + 1 for e in calls)
    assert recent.under_way == 0


@pytest.mark.skipif(FORKING is None, reason="this system has no fork")
def test_a_child_that_was_forked_in_the_middle_of_a_call_keeps_its_own() -> None:
    recent = RecentCalls()

    def ended() -> int:
        played(recent, "of the child")
        return recent.count

    with recent._lock:
        assert in_a_child(ended) == 1
    assert recent.count == 0
