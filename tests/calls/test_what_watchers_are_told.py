"""Whoever watches is told of each call from start to end, and what they raise harms none."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import requests
import responses

from customerio_tool import Backends, CallContext, CustomerIoTool
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart, Telemetry
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.calls.watch import keyed_hash
from customerio_tool.connection import Connection
from tests.support.clients import SAVED_US, US, AnyPace
from tests.support.retries import LIST_CALL, NOW, PERSON_CALL, SkippingClock

URL = f"{US}/api/v1/customers/u1"
KEY = Connection.load(SAVED_US).digest.encode()
ULID = "01M844E6AR0000000000000000"
RUN = CallContext(run_id="r", door="a door")


def started() -> CallStart:
    """Return the start of the call about a person, seven seconds after the clock began."""
    return CallStart(
        call_id=ULID,
        subtool="identify_customer",
        effect="overwrite",
        api="track",
        started_at=NOW + 7,
        run_id="r",
        id_type="id",
        person=keyed_hash(KEY, "u1"),
        door="a door",
    )


class Told:
    """A telemetry that writes down, in their order, all that it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def started(self, call: CallStart) -> None:
        self.events.append(("started", call))

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        self.events.append(("attempted", call, attempt))

    def ended(self, call: CallStart, end: CallEnd) -> None:
        self.events.append(("ended", call, end))


class Raises:
    """A telemetry that fails whatever it is told."""

    def started(self, call: CallStart) -> None:
        raise RuntimeError("ada@example.com")

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        raise KeyError("ada@example.com")

    def ended(self, call: CallStart, end: CallEnd) -> None:
        raise ValueError("ada@example.com")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def make(clock: SkippingClock) -> Iterator[Callable[..., CustomerIoTool]]:
    """Make a tool that such watchers watch."""
    made: list[CustomerIoTool] = []

    def make(*watchers: Telemetry) -> CustomerIoTool:
        backends = Backends(telemetry=watchers, limiter=AnyPace())
        made.append(CustomerIoTool(SAVED_US, backends=backends, clock=clock.whole()))
        return made[-1]

    yield make
    for tool in made:
        tool.close()


Make = Callable[..., CustomerIoTool]


def attempt(number: int, status: int | None, fate: str, at: float, took: float = 1.0) -> Attempt:
    """Return an attempt of the call about a person."""
    template = "/api/v1/customers/{customer_id}"
    return Attempt(number, "PUT", template, US, status, fate, NOW + at, took)


def slowly(
    clock: SkippingClock, *statuses: int
) -> Callable[[Any], tuple[int, dict[str, str], str]]:
    """Return a server that answers each request after a second, and asks to wait 2 s."""
    left = list(statuses)

    def answer(_: object) -> Any:
        clock.skip(1)
        return left.pop(0), {"Retry-After": "2"}, "{}"

    return answer


def test_a_call_is_told_from_its_start_to_its_end(
    net: responses.RequestsMock, make: Make, told: Told, clock: SkippingClock
) -> None:
    net.add_callback("PUT", URL, callback=slowly(clock, 429, 503, 200))
    clock.skip(7)
    assert make(told).call(*PERSON_CALL, context=RUN)["outcome"] == "accepted"
    begun = started()
    assert told.events == [
        ("started", begun),
        ("attempted", begun, attempt(1, 429, "limited", 7)),
        ("attempted", begun, attempt(2, 503, "failed", 10)),
        ("attempted", begun, attempt(3, 200, "answered", 13)),
        ("ended", begun, CallEnd("accepted", True, 3, 7.0)),
    ]


@pytest.mark.parametrize("status", [200, 422])
def test_the_problem_of_an_earlier_attempt_is_no_problem_of_the_call(
    net: responses.RequestsMock, make: Make, told: Told, status: int
) -> None:
    net.put(URL, body=requests.ConnectTimeout())
    net.put(URL, status=status, json={})
    make(told).call(*PERSON_CALL)
    *_, first, second, end = (event[-1] for event in told.events)
    assert (first.fate, first.status) == ("not_sent", None)
    assert first.problem
    assert (second.fate, second.problem) == ("answered", "")
    assert (end.ok, end.attempts, end.problem) == (status == 200, 2, "")


def test_why_the_last_attempt_got_no_reply_is_told_at_the_end(
    net: responses.RequestsMock, make: Make, told: Told
) -> None:
    net.put(URL, body=requests.ConnectTimeout())
    assert make(told).call(*PERSON_CALL)["error"]["code"] == "unreachable"
    *_, last, end = (event[-1] for event in told.events)
    assert last.number == 3
    assert end.problem == last.problem
    assert end == CallEnd("unreachable", False, 3, end.seconds, last.problem)


@pytest.mark.parametrize(
    ("call", "outcome", "id_type"),
    [
        (("identify_customer", {"customer_id": 7.5}), "arguments_invalid", None),
        (("identify_customer", {"customer_id": "ada@example.com"}), "interrupted", "email"),
        (LIST_CALL, "interrupted", None),
    ],
    ids=["refused", "of a person", "of nobody"],
)
def test_a_call_that_was_refused_or_interrupted_ends_for_its_watchers_too(
    net: responses.RequestsMock,
    make: Make,
    told: Told,
    call: Any,
    outcome: str,
    id_type: str | None,
) -> None:
    def interrupt(_: object) -> Any:
        raise KeyboardInterrupt

    for method in ("PUT", "GET"):
        net.add_callback(method, re.compile("https://"), callback=interrupt)
    with pytest.raises(KeyboardInterrupt) if outcome == "interrupted" else nullcontext():
        make(told).call(*call)
    (_, started), *attempts, (what, ended, end) = told.events
    assert (what, attempts, ended) == ("ended", [], started)
    assert (started.id_type, started.door, started.run_id) == (id_type, "python", None)
    assert started.person == (id_type and keyed_hash(KEY, "ada@example.com"))
    assert end == CallEnd(outcome, False, 0, 0.0)


def test_one_that_raises_keeps_no_other_from_being_told(
    net: responses.RequestsMock, make: Make, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    net.put(URL, json={})
    assert make(Raises(), told).call(*PERSON_CALL)["ok"]
    assert [event[0] for event in told.events] == ["started", "attempted", "ended"]
    assert [(each.name, each.levelno, each.getMessage()) for each in caplog.records] == [
        ("customerio_tool", logging.WARNING, f"Raises raised {error}")
        for error in ("RuntimeError", "KeyError", "ValueError")
    ]


def test_a_person_is_told_to_hosts_and_not_to_the_log(
    net: responses.RequestsMock, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    net.put(URL, json={})
    caplog.set_level(logging.DEBUG)
    assert make(LogTelemetry()).call(*PERSON_CALL)["ok"]
    assert caplog.records
    for secret in ("u1", keyed_hash(KEY, "u1")):
        assert all(secret not in str(vars(each)) for each in caplog.records)


def test_the_hash_of_an_identifier_needs_its_key() -> None:
    assert keyed_hash(b"key", "ada@example.com") == "20caa94149b865c2"
    assert keyed_hash(b"key", "zoë@example.com") != keyed_hash(b"another", "zoë@example.com")
