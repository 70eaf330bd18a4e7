"""One tool serves many threads at once, while Customer.io fails at random, and mixes nothing up.

`STRESS_SECONDS` says for how long, by default 2.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.connection.transport import POOL_SIZE
from customerio_tool.deadline import Clock, Timeouts
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace
from tests.support.timeouts import PATIENCE

THREADS = 64
SECONDS = float(os.environ.get("STRESS_SECONDS", "2"))
MOST_CALLS = int(40 * max(SECONDS, 1))
"""Calls of one thread, so that a fast machine ends early and the log stays small."""
LEAST_CALLS = 10
"""Calls of one thread, so that a slow machine meets every fault as well."""

CLOSED: dict[str, Any] = {"probability": 0.03, "seed": 3, "action": "close_idle"}
FAULTS: list[dict[str, Any]] = [
    {"probability": 0.03, "seed": 1, "action": "reset_before_applying"},
    {"probability": 0.03, "seed": 2, "action": "reset_after_applying"},
    CLOSED,
    {"probability": 0.03, "seed": 4, "action": "cut_body"},
    {"probability": 0.02, "seed": 5, "action": "malformed_json"},
    {"probability": 0.04, "seed": 6, "status": 503},
    {"probability": 0.02, "seed": 7, "status": 500, "apply": True},
    {"probability": 0.03, "seed": 8, "status": 429, "retry_after": 0},
    {"probability": 0.02, "seed": 9, "delay": 0.05},
    {"probability": 0.02, "seed": 10, "status": 400},
]


class Tally:
    """Counts what it is told, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.fates: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.open = 0

    def started(self, call: CallStart) -> None:
        with self._lock:
            self.open += 1

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        with self._lock:
            self.fates[attempt.fate] += 1

    def ended(self, call: CallStart, end: CallEnd) -> None:
        with self._lock:
            self.open -= 1
            self.outcomes[end.outcome] += 1


@dataclass
class Worker:
    """One thread: it makes calls about its own person, and keeps what it was told."""

    number: int
    tool: CustomerIoTool
    stop_at: float
    results: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    mistaken: list[Any] = field(default_factory=list)

    def __call__(self) -> None:
        chance = random.Random(self.number)  # noqa: S311 - to be repeated, not a secret
        for turn in range(MOST_CALLS):
            if turn >= LEAST_CALLS and time.monotonic() > self.stop_at:
                return
            chance.choice((self.read, self.record, self.send))(f"{self.number}-{turn}")

    def read(self, _: str) -> None:
        person = f"p{self.number}"
        result = self.tool.call("get_customer_attributes", {"customer_id": person, "id_type": "id"})
        if result["ok"]:
            told = result["customer"]["attributes"].get("marker")
            if told != f"marker of {person}":
                self.mistaken.append(result)

    def record(self, mark: str) -> None:
        arguments = {"customer_id": f"p{self.number}", "name": mark, "data": {"marker": mark}}
        self.results["event", mark] = self.tool.call("track_event", arguments)

    def send(self, mark: str) -> None:
        arguments = {
            "to": f"p{self.number}@example.com",
            "customer_id": f"p{self.number}",
            "subject": mark,
            "body": "x",
            "from_address": "ada@acme.example",
        }
        self.results["email", mark] = self.tool.call("send_transactional_email", arguments)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    people = [
        {
            "id": f"p{number}",
            "email": f"p{number}@example.com",
            "attributes": {"marker": f"marker of p{number}"},
        }
        for number in range(THREADS)
    ]
    with Sandbox(seed={"people": people}) as running:
        yield running


def effects_of(sandbox: Sandbox) -> Counter[tuple[str, str]]:
    """Return how often each marked event and e-mail took effect."""
    state = sandbox.state()
    events = [("event", event["name"]) for one in state["people"] for event in one["events"]]
    emails = [("email", delivery["subject"]) for delivery in state["deliveries"]]
    return Counter([*events, *emails])


def barely(seconds: float) -> None:
    """Wait, and no longer than it takes to let others go on."""
    time.sleep(min(seconds, 0.01))


def settled(count: Callable[[], int], most: int) -> int:
    """Return a count once it is small enough, or when patience ends."""
    give_up = time.monotonic() + PATIENCE
    while count() > most and time.monotonic() < give_up:
        barely(0.01)
    return count()


def assert_counts_agree(sandbox: Sandbox, tally: Tally, closed: int) -> None:
    """Check that each request in the log is an attempt, and each attempt one in the log.

    A request is lost before it is logged where it rides a connection that was just closed.
    """
    log = sandbox.requests()
    lost = sum(tally.fates.values()) - len(log)
    assert tally.open == 0
    assert tally.fates["not_sent"] == 0
    assert 0 <= lost <= closed
    assert tally.fates["lost"] >= lost
    statuses = Counter(request["status"] for request in log)
    assert statuses[429] == tally.fates["limited"]
    assert statuses[500] + statuses[503] == tally.fates["failed"]
    assert sum(tally.outcomes.values()) >= THREADS
    sends = [each for each in log if each["operation"] == "send_email" and each["applied"]]
    assert len(sends) == len(sandbox.state()["deliveries"])


def test_64_threads_get_their_own_answers_and_leave_nothing_behind(sandbox: Sandbox) -> None:
    before = set(threading.enumerate())
    server = sandbox._running()
    tally = Tally()
    tool = CustomerIoTool(
        sandbox.connection(),
        backends=Backends(limiter=AnyPace(), telemetry=[tally]),
        clock=Clock(sleep=barely),
        timeouts=Timeouts(connect=10.0, read=10.0),
    )
    sandbox.faults.set(FAULTS)
    stop_at = time.monotonic() + SECONDS
    workers = [Worker(number, tool, stop_at) for number in range(THREADS)]
    threads = [threading.Thread(target=worker, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=max(0.0, stop_at + 5 * PATIENCE - time.monotonic()))

    assert not [thread for thread in threads if thread.is_alive()], "deadlock"
    assert [worker.mistaken for worker in workers if worker.mistaken] == []

    closed = next(each["fired"] for each in sandbox.faults.shown() if each["rule"] == CLOSED)
    sandbox.faults.clear()
    results = {mark: told for worker in workers for mark, told in worker.results.items()}
    effects = effects_of(sandbox)
    assert not effects.keys() - results.keys()
    for mark, result in results.items():
        assert effects[mark] <= 1
        if result["ok"]:
            assert effects[mark] == 1
        elif result["error"]["took_effect"] == "no":
            assert effects[mark] == 0
    assert {told["error"]["took_effect"] for told in results.values() if not told["ok"]} == {
        "no",
        "unknown",
    }

    assert_counts_agree(sandbox, tally, closed)

    assert settled(lambda: len(server._live), POOL_SIZE) <= POOL_SIZE
    tool.close()
    assert settled(lambda: len(server._live), 0) == 0
    assert settled(lambda: len(set(threading.enumerate()) - before), 0) == 0


def test_a_closed_tool_leaves_no_connection_to_a_server_of_its_own(sandbox: Sandbox) -> None:
    """The session is shared and stays; a local server that ends would leave dead ones in it."""
    server = sandbox._running()
    tool, other = (CustomerIoTool(sandbox.connection()) for _ in range(2))
    tool.call("list_segments", {})
    assert len(server._live) == 1

    tool.close()

    assert settled(lambda: len(server._live), 0) == 0
    assert other.call("list_segments", {})["ok"]
