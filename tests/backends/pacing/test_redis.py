"""Promises of pacing that many workers share through a real Redis."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import redis

from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.redis import PROBE_SECONDS, RedisLimiter
from customerio_tool.backends.pacing.slots import MANY_BUCKETS, Slot, bucket_of, rhythm_of
from customerio_tool.subtools.declare import Pace
from tests.support.pacing_workers import most_in
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.timeouts import PATIENCE

pytestmark = requires("redis-server")

BUCKET = bucket_of("5eed", Pace.APP)
INTERVAL = rhythm_of(Pace.APP).interval


class Clock:
    """A clock of the process that stands still until moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def worker(server: RedisServer, clock: Clock | None = None, url: str = "") -> RedisLimiter:
    clock = clock or Clock()
    fallback = LocalLimiter(monotonic=clock)
    return RedisLimiter(url or server.patient_url, fallback=fallback, monotonic=clock)


def put_ahead(server: RedisServer) -> None:
    """Put all slots into the future, where they are one interval apart however late one asks."""
    worker(server).pause(BUCKET, Pace.APP, 30.0)


def reserved(limiter: RedisLimiter, bucket: str = BUCKET, max_wait: float = 60.0) -> Slot:
    slot = limiter.reserve(bucket, Pace.APP, max_wait)
    assert slot is not None
    return slot


def gaps(slots: list[Slot]) -> list[Any]:
    """What lies between slots, to be compared with intervals up to microseconds."""
    return [pytest.approx(b.at - a.at, abs=3e-6) for a, b in pairwise(slots)]


class TestShared:
    def test_workers_take_turns_one_interval_apart(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        put_ahead(server)
        workers = [worker(server) for _ in range(3)]
        slots = [reserved(one) for _ in range(4) for one in workers]
        assert gaps(slots) == [INTERVAL] * 11

    def test_each_class_and_workspace_has_slots_of_its_own(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        limiter = worker(server)
        for workspace in ("5eed", "0dd5"):
            for pace in Pace:
                slot = limiter.reserve(bucket_of(workspace, pace), pace, 0)
                assert slot is not None

    def test_a_send_after_idleness_may_be_one_of_ten_at_once(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        limiter = worker(server)
        bucket = bucket_of("5eed", Pace.SEND)
        slots = [limiter.reserve(bucket, Pace.SEND, 60) for _ in range(200)]
        given = [slot for slot in slots if slot]
        assert len(given) == 200
        assert most_in([slot.at for slot in given], 1.0) <= Pace.SEND.permits
        assert sum(slot.seconds < 1e-5 for slot in given) >= 10

    def test_a_slot_too_far_away_is_refused_and_not_reserved(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        limiter = worker(server)
        put_ahead(server)
        slot = reserved(limiter)
        for _ in range(50):
            assert limiter.reserve(BUCKET, Pace.APP, 0.0) is None
        assert limiter.shortest_wait(BUCKET, Pace.APP) <= slot.seconds + INTERVAL
        assert gaps([slot, reserved(limiter)]) == [INTERVAL]

    def test_a_pause_that_one_asks_for_holds_all(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        one, other = worker(server), worker(server)
        reserved(one)
        waiting = reserved(other)
        assert other.is_valid(BUCKET, waiting)
        one.pause(BUCKET, Pace.APP, 30.0)
        assert not other.is_valid(BUCKET, waiting)
        again = [reserved(other), reserved(one), reserved(other)]
        assert 1 < again[0].seconds <= 30.0
        assert gaps(again) == [INTERVAL] * 2  # and no burst when it is over
        assert all(other.is_valid(BUCKET, slot) for slot in again)

    def test_a_clock_of_the_server_that_is_set_back_keeps_nobody_waiting(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        limiter = worker(server)
        reserved(limiter)
        key = f"cio:{{{BUCKET}}}:schedule"
        for member in ("tail", "held", "born", "seen"):
            client.hincrby(key, member, 3_600_000_000)  # as if written an hour later
        assert reserved(limiter).seconds <= INTERVAL

    def test_keys_stay_in_one_slot_of_a_cluster_and_pass_away(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        reserved(worker(server))
        names = [f"cio:{{{BUCKET}}}:schedule", f"cio:{{{BUCKET}}}:workers"]
        assert sorted(client.scan_iter()) == [name.encode() for name in names]
        for name in names:
            assert 0 < int(client.pttl(name)) <= 60_000

    def test_a_slot_costs_one_command(self, client: redis.Redis, server: RedisServer) -> None:
        limiter = worker(server)
        reserved(limiter)
        client.config_resetstat()
        for _ in range(20):
            reserved(limiter)
        calls = {name: told["calls"] for name, told in client.info("commandstats").items()}
        assert calls["cmdstat_evalsha"] == 20
        assert "cmdstat_eval" not in calls

    def test_threads_of_one_worker_get_slots_of_their_own(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        put_ahead(server)
        limiter = worker(server)
        with ThreadPoolExecutor(8) as pool:
            slots = list(pool.map(lambda _: reserved(limiter), range(80)))
        assert gaps(sorted(slots, key=lambda slot: slot.at)) == [INTERVAL] * 79
        assert client.zcard(f"cio:{{{BUCKET}}}:workers") == 1  # whoever paused asked for no slot

    def test_what_a_worker_remembers_of_buckets_is_bounded(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        limiter = worker(server)
        for number in range(MANY_BUCKETS + 10):
            limiter.shortest_wait(f"{number}:app", Pace.APP)
        assert len(limiter._process.buckets) == MANY_BUCKETS

    def test_endless_patience_is_no_error(self, client: redis.Redis, server: RedisServer) -> None:
        assert reserved(worker(server), max_wait=math.inf).shared

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_process_is_a_worker_of_its_own(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        limiter = worker(server)
        first = reserved(limiter)
        forking = multiprocessing.get_context("fork")
        told: multiprocessing.SimpleQueue[float] = forking.SimpleQueue()
        child = forking.Process(target=lambda: told.put(reserved(limiter).at), daemon=True)
        child.start()
        child.join(PATIENCE)
        assert child.exitcode == 0
        second = told.get()
        third = reserved(limiter)
        assert client.zcard(f"cio:{{{BUCKET}}}:workers") == 2
        assert second - first.at >= INTERVAL - 1e-6
        assert third.at - second >= INTERVAL - 1e-6


class TestOutage:
    def test_a_worker_without_redis_keeps_to_its_share_and_warns_once(
        self, mortal: RedisServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = Clock()
        limiter = worker(mortal, clock)
        for _ in range(4):
            reserved(worker(mortal))
        last = reserved(limiter)
        mortal.kill()
        slots = [reserved(limiter) for _ in range(3)]
        share = rhythm_of(Pace.APP, workers=5).interval
        assert slots[0].seconds == pytest.approx(last.seconds + share)
        assert gaps(slots) == [share] * 2
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "Redis is lost (ConnectionError)" in caplog.text
        assert str(mortal.port) not in caplog.text

    def test_the_wait_without_redis_is_that_of_the_next_slot_of_ones_own(
        self, mortal: RedisServer
    ) -> None:
        limiter = worker(mortal)
        reserved(limiter)
        mortal.kill()
        wait = limiter.shortest_wait(BUCKET, Pace.APP)
        assert reserved(limiter).seconds == pytest.approx(wait)
        assert wait >= INTERVAL - 1e-6

    def test_a_wait_that_was_only_asked_for_is_no_slot_to_wait_behind(
        self, mortal: RedisServer
    ) -> None:
        limiter = worker(mortal)
        put_ahead(mortal)
        assert limiter.shortest_wait(BUCKET, Pace.APP) > 20
        mortal.kill()
        assert reserved(limiter).seconds == pytest.approx(INTERVAL)

    def test_redis_is_tried_again_now_and_then_and_not_by_every_call(
        self, mortal: RedisServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = Clock()
        limiter = worker(mortal, clock)
        mortal.kill()
        reserved(limiter)
        mortal.start()
        assert not reserved(limiter).shared
        clock.now += PROBE_SECONDS
        with caplog.at_level("INFO"):
            assert reserved(limiter).shared
        assert caplog.messages[-1] == "Redis is back: Customer.io's limits are shared again."
        assert reserved(limiter).shared, "each call asks it again"

    def test_a_slot_of_ones_own_is_given_up_when_redis_is_back(self, mortal: RedisServer) -> None:
        clock = Clock()
        limiter = worker(mortal, clock)
        mortal.kill()
        slot = reserved(limiter)
        assert limiter.is_valid(BUCKET, slot)
        mortal.start()
        clock.now += PROBE_SECONDS
        assert not limiter.is_valid(BUCKET, slot)

    def test_a_shared_slot_is_used_though_redis_was_lost_meanwhile(
        self, mortal: RedisServer
    ) -> None:
        limiter = worker(mortal)
        slot = reserved(limiter)
        mortal.kill()
        assert limiter.is_valid(BUCKET, slot)

    def test_a_redis_that_lost_its_memory_begins_slowly(self, mortal: RedisServer) -> None:
        one = worker(mortal)
        reserved(one)
        mortal.kill()
        mortal.start()  # before anybody missed it, so that slots from before may still be used
        slot = reserved(one)
        assert 1 < slot.seconds / Pace.APP.period_seconds <= 2
        assert reserved(worker(mortal)).at - slot.at >= INTERVAL - 1e-6

    def test_a_call_refused_while_redis_begins_slowly_is_not_refused_for_ever(
        self, mortal: RedisServer
    ) -> None:
        limiter = worker(mortal)
        reserved(limiter)
        mortal.kill()
        mortal.start()
        assert limiter.reserve(BUCKET, Pace.APP, 0.0) is None
        waits = [limiter.shortest_wait(BUCKET, Pace.APP) for _ in range(5)]
        assert waits == sorted(waits, reverse=True)

    def test_a_redis_that_kept_its_memory_goes_on_where_it_was(self, mortal: RedisServer) -> None:
        clock = Clock()
        soon_lost = f"{mortal.url}?socket_timeout=2&socket_connect_timeout=2"
        cut_off, other = worker(mortal, clock, soon_lost), worker(mortal)
        put_ahead(mortal)
        before = reserved(cut_off)
        with mortal.hanging():
            assert not reserved(cut_off).shared
        clock.now += PROBE_SECONDS
        first = reserved(other)  # behind what cut_off asked for in vain, and Redis did later
        assert gaps([before, first, reserved(cut_off)]) == [2 * INTERVAL, INTERVAL]

    def test_a_pause_during_an_outage_is_told_to_redis_when_it_is_back(
        self, mortal: RedisServer
    ) -> None:
        clock = Clock()
        limiter = worker(mortal, clock)
        mortal.kill()
        reserved(limiter)
        limiter.pause(BUCKET, Pace.APP, 30.0)
        mortal.start()
        clock.now += PROBE_SECONDS
        reserved(limiter)
        assert worker(mortal).shortest_wait(BUCKET, Pace.APP) > 20

    def test_a_pause_outlives_the_redis_that_was_told_of_it(self, mortal: RedisServer) -> None:
        limiter = worker(mortal)
        slot = reserved(limiter)
        limiter.pause(BUCKET, Pace.APP, 30.0)
        mortal.kill()
        assert not limiter.is_valid(BUCKET, slot)
        assert limiter.shortest_wait(BUCKET, Pace.APP) >= 30

    def test_a_redis_that_hangs_does_not_hang_a_call(self, mortal: RedisServer) -> None:
        limiter = RedisLimiter(mortal.url, fallback=LocalLimiter())
        reserved(limiter)
        with mortal.hanging():
            begin = time.monotonic()
            assert not reserved(limiter).shared
            assert time.monotonic() - begin < 10  # 0.25 s where nothing else is to be done

    def test_a_full_redis_is_a_lost_one(self, mortal: RedisServer) -> None:
        limiter = worker(mortal)
        with redis.Redis.from_url(mortal.patient_url) as client:
            client.config_set("maxmemory", "1")
        assert not reserved(limiter).shared


class TestCheck:
    def test_a_redis_that_keeps_what_it_is_told_is_usable(
        self, client: redis.Redis, server: RedisServer
    ) -> None:
        assert worker(server).problem() == ""
        found: Any = client.keys()
        (key,) = found
        assert key.startswith(b"cio:check:")
        assert client.get(key) == key.removeprefix(b"cio:check:")
        assert 0 < client.pttl(key) <= 1000

    def test_what_repeats_not_what_it_was_told_is_another_program(
        self, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "eval", lambda *_: b"OK")
        problem = RedisLimiter(client).problem()
        assert problem == "What answers in place of Redis is another program."

    def test_a_lost_redis_is_told_with_what_happens_without_it(self, mortal: RedisServer) -> None:
        limiter = worker(mortal)
        mortal.kill()
        assert limiter.problem().startswith("Redis cannot be used (")
        assert limiter.problem().endswith("), so that each worker paces itself.")
        assert str(mortal.port) not in limiter.problem()
