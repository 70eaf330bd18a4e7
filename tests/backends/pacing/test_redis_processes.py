"""Promises of six processes on one limit, while the Redis they share is killed and restarted.

What is promised of a limit holds for the slots that the processes are given, on a machine however
busy. When a request leaves, and how many do, a busy machine decides as well: it is only late. Where
none was late all is held strictly; where one was, as far as a starved process allows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import redis

from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.redis import RedisLimiter
from customerio_tool.backends.pacing.slots import Slot, bucket_of
from customerio_tool.connection import Connection
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare import Pace
from tests.support.pacing_workers import WORKERS, Crew, Work, most_in
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.timeouts import PATIENCE

pytestmark = requires("redis-server")

FULL = os.environ.get("FULL") == "1"
"""`FULL=1` in the environment asks for a whole minute, on a machine with nothing else to do."""

RUN_SECONDS = 60.0 if FULL else 10.0
FARTHEST_SHARE, FARTHEST_SHARE_IF_LATE = 0.25, 0.75
LEAST_USE_IF_LATE = 0.05
"""Of the rates that an idle machine reaches."""

LATE_SECONDS = 0.05
"""Half of the time between two slots: who loses no more to a busy machine keeps its turns."""

PAUSE_SECONDS = 0.8
CLOCKS_SECONDS = 0.01
"""What two clocks of one machine may differ by."""


def ahead() -> float:
    """Return what the clock of Redis, the wall's, is ahead of the monotonic one."""
    looks = []
    for _ in range(100):
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
        looks.append((after - before, wall - before))
    return min(looks)[1]


@dataclass
class Run:
    """One run of six processes, by the machine-wide monotonic clock."""

    begin: float
    ahead: float = field(default_factory=ahead)
    killed_at: float = 0.0
    back_at: float = 0.0
    pause_asked_at: float = 0.0
    paused_at: float = 0.0
    end: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    work: list[Work] = field(default_factory=list)

    @property
    def is_strict(self) -> bool:
        """Whether the machine kept up with every process all the time, or had to."""
        return FULL or max(each for work in self.work for each in work.delays) < LATE_SECONDS

    def sleep_until(self, part: float) -> None:
        time.sleep(max(0.0, self.begin + part * RUN_SECONDS - time.monotonic()))

    @property
    def times(self) -> list[float]:
        return [t for work in self.work for t in work.times]

    @property
    def slots(self) -> list[float]:
        return [self.at(slot) for work in self.work for slot in work.slots]

    def at(self, slot: Slot) -> float:
        return slot.at - self.ahead if slot.shared else slot.at

    def rate(self, begin: float, end: float) -> float:
        """Requests per second between two moments."""
        return sum(begin <= t < end for t in self.times) / (end - begin)


def wait_until(met: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < give_up_at, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.02)


def wait_until_all_take_turns(server: RedisServer, bucket: str) -> None:
    """Return once every worker has had a slot after all were there, so that it knows of all."""

    def slots() -> list[float]:
        found = client.zrange(f"cio:{{{bucket}}}:workers", 0, -1, withscores=True)
        return [at for _, at in found]

    with redis.Redis.from_url(server.patient_url) as client:
        wait_until(lambda: len(slots()) == WORKERS, "all workers share the limit")
        seen = max(slots())
        wait_until(lambda: min(slots()) > seen, "all workers had another slot")


@pytest.fixture(scope="module")
def run() -> Run:
    """Redis is killed at two fifths of the time, back at three, and all pause near the end."""
    with RedisServer() as server, Sandbox() as sandbox:
        saved = sandbox.connection()
        bucket = bucket_of(Connection.load(saved).workspace_key, Pace.APP)
        with Crew("tests.support.pacing_workers", server.patient_url, json.dumps(saved)) as crew:
            run = Run(crew.begin(RUN_SECONDS))
            run.sleep_until(0.4)
            wait_until_all_take_turns(server, bucket)
            server.kill()
            run.killed_at = time.monotonic()
            sandbox.wait_for(2 * WORKERS, after=len(sandbox.requests()), timeout=PATIENCE)
            run.sleep_until(0.6)
            run.back_at = time.monotonic()
            server.start()
            run.sleep_until(0.85)
            wait_until_all_take_turns(server, bucket)
            with redis.Redis.from_url(server.patient_url) as client:
                run.pause_asked_at = time.monotonic()
                RedisLimiter(client, fallback=LocalLimiter()).pause(bucket, Pace.APP, PAUSE_SECONDS)
                run.paused_at = time.monotonic()
            time.sleep(PAUSE_SECONDS)
            sandbox.wait_for(WORKERS, after=len(sandbox.requests()), timeout=PATIENCE)
            run.sleep_until(1.0)
            run.end = time.monotonic()
            run.work = crew.finish()
        run.arrivals = [each["time"] for each in sandbox.requests()]
    return run


class TestSixProcesses:
    def test_no_second_holds_more_than_the_limit_and_one(self, run: Run) -> None:
        assert most_in(run.slots, 1.0) <= Pace.APP.permits + 1
        if run.is_strict:
            assert most_in(run.arrivals, 1.0) <= Pace.APP.permits + 1

    def test_every_slot_was_one_request_and_none_left_before_its_slot(self, run: Run) -> None:
        assert len(run.arrivals) == len(run.times) == len(run.slots)
        early = min(t - slot for t, slot in zip(run.times, run.slots, strict=True))
        assert early > -CLOCKS_SECONDS

    def test_every_worker_gets_its_share(self, run: Run) -> None:
        mean = len(run.times) / WORKERS
        farthest = FARTHEST_SHARE if run.is_strict else FARTHEST_SHARE_IF_LATE
        for work in run.work:
            assert abs(len(work.times) - mean) <= max(1.0, farthest * mean)

    def test_an_outage_costs_no_call_and_one_warning_in_each_process(self, run: Run) -> None:
        assert {status for work in run.work for status in work.statuses} == {200}
        warnings = [len(work.warnings) for work in run.work]
        assert max(warnings) == 1
        if run.is_strict:  # a starved process may have slept through it
            assert min(warnings) == 1

    def test_the_limit_is_used_with_redis_and_half_of_it_without(self, run: Run) -> None:
        rates = [
            run.rate(run.begin, run.killed_at) / 0.8,
            run.rate(run.killed_at, run.back_at) / 0.3,
            run.rate(run.paused_at + PAUSE_SECONDS, run.end) / 0.5,
        ]
        least = 1.0 if run.is_strict else LEAST_USE_IF_LATE
        assert min(rates) > least * Pace.APP.permits

    def test_a_pause_holds_all_processes(self, run: Run) -> None:
        begin = run.paused_at + CLOCKS_SECONDS
        end = run.pause_asked_at + PAUSE_SECONDS - CLOCKS_SECONDS
        assert not [at for at in run.slots if begin < at < end]
