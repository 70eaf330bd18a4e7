"""Promises of six processes on one limit, while the Redis they share is killed and restarted."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field

import pytest

from customerio_tool.connection import Connection
from customerio_tool.pacing import LocalLimiter, bucket_of
from customerio_tool.redis_pacing import RedisLimiter
from customerio_tool.sandbox import Sandbox
from customerio_tool.spec import Pace
from tests.pacing_workers import WORKERS, Crew, Work, most_in
from tests.redis_server import RedisServer
from tests.requirements import requires

pytestmark = requires("redis-server")

RUN_SECONDS = 60.0 if os.environ.get("FULL") == "1" else 10.0
"""How long six processes run; `FULL=1` in the environment asks for the whole minute."""

PAUSE_SECONDS = 0.8


@dataclass
class Run:
    """One run of six processes, by the machine-wide monotonic clock."""

    begin: float
    paused_at: float = 0.0
    arrived: int = 0
    work: list[Work] = field(default_factory=list)

    def at(self, part: float) -> float:
        return self.begin + part * RUN_SECONDS

    @property
    def times(self) -> list[float]:
        return [t for work in self.work for t in work.times]

    def rate(self, begin: float, end: float) -> float:
        """Requests per second between two moments."""
        return sum(begin <= t < end for t in self.times) / (end - begin)


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


@pytest.fixture(scope="module")
def run() -> Run:
    """Redis is killed at two fifths of the time, back at three, and all pause at four."""
    with RedisServer() as server, Sandbox() as sandbox:
        saved = sandbox.connection()
        bucket = bucket_of(Connection.load(saved).workspace_key, Pace.APP)
        with Crew("tests.pacing_workers", server.url, json.dumps(saved)) as crew:
            run = Run(crew.begin(RUN_SECONDS))
            sleep_until(run.at(0.4))
            server.kill()
            sleep_until(run.at(0.6))
            server.start()
            sleep_until(run.at(0.85))
            RedisLimiter(server.url, fallback=LocalLimiter()).pause(bucket, Pace.APP, PAUSE_SECONDS)
            run.paused_at = time.monotonic()
            run.work = crew.finish()
        run.arrived = len(sandbox.requests())
    return run


class TestSixProcesses:
    def test_no_second_holds_more_than_the_limit_and_one(self, run: Run) -> None:
        assert most_in(run.times, 1.0) <= Pace.APP.permits + 1

    def test_every_worker_gets_its_share(self, run: Run) -> None:
        mean = len(run.times) / WORKERS
        for work in run.work:
            assert abs(len(work.times) - mean) <= max(1.0, 0.25 * mean)

    def test_an_outage_costs_no_call_and_one_warning_in_each_process(self, run: Run) -> None:
        assert {status for work in run.work for status in work.statuses} == {200}
        assert [len(work.warnings) for work in run.work] == [1] * WORKERS

    def test_every_slot_was_one_request(self, run: Run) -> None:
        assert run.arrived == len(run.times)

    def test_the_limit_is_used_with_redis_and_half_of_it_without(self, run: Run) -> None:
        assert run.rate(run.begin, run.at(0.4)) > 0.8 * Pace.APP.permits
        assert run.rate(run.at(0.4), run.at(0.6)) > 0.3 * Pace.APP.permits
        assert run.rate(run.paused_at + PAUSE_SECONDS, run.at(1.0)) > 0.5 * Pace.APP.permits

    def test_a_pause_holds_all_processes(self, run: Run) -> None:
        noticed = run.paused_at + 0.05  # for who had just been let through
        assert not [t for t in run.times if noticed < t < run.paused_at + PAUSE_SECONDS - 0.05]
