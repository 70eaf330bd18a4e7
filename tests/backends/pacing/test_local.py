"""Promises of pacing in one process: by a clock that the test moves, without a sleep."""

from __future__ import annotations

import multiprocessing
import os
import threading
from itertools import pairwise
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.pacing.slots import (
    BURSTS,
    MANY_BUCKETS,
    Limiter,
    Slot,
    bucket_of,
    rhythm_of,
)
from customerio_tool.deadline import Clock
from customerio_tool.errors import RateLimited
from customerio_tool.subtools.declare import Pace
from tests.support.pacing_workers import most_in
from tests.support.timeouts import PATIENCE

BUCKET = bucket_of("5eed", Pace.APP)
INTERVAL = rhythm_of(Pace.APP).interval


class Time:
    """A clock that only sleeping moves; `after_sleep` happens while one sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.meanwhile: list[tuple[Limiter, float]] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.meanwhile:
            limiter, pause = self.meanwhile.pop()
            limiter.pause(BUCKET, Pace.APP, pause)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def limiter(time: Time) -> LocalLimiter:
    return LocalLimiter(monotonic=time.monotonic)


@pytest.fixture
def pacer(time: Time, limiter: LocalLimiter) -> Pacer:
    return Pacer(limiter, Clock(sleep=time.sleep, monotonic=time.monotonic))


class TestRhythm:
    @given(
        pace=st.sampled_from(Pace),
        idle=st.lists(st.floats(0, 30), min_size=1, max_size=12),
        calls=st.integers(1, 250),
    )
    def test_no_period_ever_holds_more_requests_than_the_limit(
        self, pace: Pace, idle: list[float], calls: int
    ) -> None:
        time = Time()
        limiter = LocalLimiter(monotonic=time.monotonic)
        slots = []
        for seconds in idle:
            time.now += seconds
            slots += [limiter.reserve("b", pace, 1e9) for _ in range(calls)]
        times = [slot.at for slot in slots if slot]
        assert len(times) == len(idle) * calls
        assert most_in(times, pace.period_seconds) <= pace.permits

    @given(pace=st.sampled_from(Pace), workers=st.integers(1, 100), data=st.data())
    def test_workers_that_pace_themselves_apart_stay_within_the_limit_together(
        self, pace: Pace, workers: int, data: st.DataObject
    ) -> None:
        workers = min(workers, pace.permits)
        times = []
        for _ in range(workers):
            time = Time()
            time.now += data.draw(st.floats(0, 2 * pace.period_seconds))
            limiter = LocalLimiter(monotonic=time.monotonic)
            many = 2 + 2 * pace.permits // workers
            slots = [limiter.reserve("b", pace, 1e9, workers=workers) for _ in range(many)]
            times += [slot.at for slot in slots if slot]
        assert most_in(times, pace.period_seconds) <= pace.permits

    @pytest.mark.parametrize("workers", [11, 60])
    def test_more_workers_than_permits_keep_the_average(self, workers: int) -> None:
        rate = workers / rhythm_of(Pace.APP, workers).interval
        assert 0.9 * Pace.APP.permits < rate < Pace.APP.permits

    @pytest.mark.parametrize("pace", Pace)
    def test_an_idle_class_lets_its_burst_through_at_once_and_paces_the_rest(
        self, pace: Pace, limiter: LocalLimiter
    ) -> None:
        slots = [limiter.reserve("b", pace, 1e9) for _ in range(BURSTS[pace] + 3)]
        waits = [slot.seconds for slot in slots if slot]
        assert sum(wait < 1e-9 for wait in waits) == BURSTS[pace]
        interval = rhythm_of(pace).interval
        assert waits[BURSTS[pace] - 1 :] == [pytest.approx(n * interval) for n in range(4)]

    @pytest.mark.parametrize("pace", Pace)
    def test_idle_time_saves_up_no_more_than_a_burst(
        self, pace: Pace, limiter: LocalLimiter, time: Time
    ) -> None:
        for _ in range(3):
            time.now += 1000
            slots = [limiter.reserve("b", pace, 1e9) for _ in range(BURSTS[pace] + 3)]
            waits = [slot.seconds for slot in slots if slot]
            assert [slot.at for slot in slots if slot] == [time.now + wait for wait in waits]
            assert waits[: BURSTS[pace]] == [pytest.approx(0, abs=1e-9)] * BURSTS[pace]
            assert min(waits) >= 0
            assert waits[-1] == pytest.approx(3 * rhythm_of(pace).interval)

    @pytest.mark.parametrize("workers", [3, 4, 6])
    def test_a_share_of_the_burst_is_a_whole_number(
        self, limiter: LocalLimiter, workers: int
    ) -> None:
        burst, interval = 10 // workers, rhythm_of(Pace.SEND, workers).interval
        slots = [limiter.reserve("b", Pace.SEND, 1e9, workers=workers) for _ in range(burst + 2)]
        waits = [*[0.0] * burst, interval, 2 * interval]
        assert [slot.seconds for slot in slots if slot] == pytest.approx(waits, abs=1e-9)

    @pytest.mark.parametrize("workers", [3, 4, 6, 7])
    def test_a_share_of_the_limit_is_a_whole_number(
        self, limiter: LocalLimiter, workers: int
    ) -> None:
        slots = [limiter.reserve("b", Pace.APP, 1e9, workers=workers) for _ in range(50)]
        most = most_in([slot.at for slot in slots if slot], Pace.APP.period_seconds)
        assert most == Pace.APP.permits // workers


class TestLocalLimiter:
    def test_slots_are_given_in_the_order_of_asking(self, limiter: LocalLimiter) -> None:
        slots = [limiter.reserve(BUCKET, Pace.APP, 60) for _ in range(5)]
        times = [slot.at for slot in slots if slot]
        assert [b - a for a, b in pairwise(times)] == [pytest.approx(INTERVAL)] * 4

    def test_a_slot_too_far_away_is_not_reserved(self, limiter: LocalLimiter) -> None:
        limiter.reserve(BUCKET, Pace.APP, 0)
        for _ in range(3):
            assert limiter.reserve(BUCKET, Pace.APP, INTERVAL / 2) is None
        assert limiter.shortest_wait(BUCKET, Pace.APP) == pytest.approx(INTERVAL)

    @pytest.mark.parametrize("pace", Pace)
    @pytest.mark.parametrize("share", [{}, {"workers": 3}])
    def test_the_shortest_wait_is_that_of_the_next_slot(
        self, limiter: LocalLimiter, pace: Pace, share: dict[str, int]
    ) -> None:
        for _ in range(BURSTS[pace] + 3):
            limiter.reserve("b", pace, 1e9, **share)
        wait = limiter.shortest_wait("b", pace, **share)
        slot = limiter.reserve("b", pace, 1e9, **share)
        assert slot is not None
        assert wait == pytest.approx(slot.seconds)

    @pytest.mark.parametrize("workers", [1, 10])
    def test_a_share_that_starts_later_starts_then(
        self, limiter: LocalLimiter, workers: int
    ) -> None:
        limiter.start_after("b", Pace.SEND, 5.0, workers=workers)
        slots = [limiter.reserve("b", Pace.SEND, 60, workers=workers) for _ in range(2)]
        interval = rhythm_of(Pace.SEND, workers).interval
        assert [slot.seconds for slot in slots if slot] == [
            pytest.approx(5.0),
            pytest.approx(5.0 + interval),
        ]

    def test_the_name_of_a_bucket_stays_as_workers_of_other_versions_share_it(self) -> None:
        assert [bucket_of("5eed", pace) for pace in Pace] == [
            "5eed:track",
            "5eed:app",
            "5eed:send",
            "5eed:broadcast",
        ]

    def test_buckets_do_not_wait_for_each_other(self, limiter: LocalLimiter) -> None:
        for workspace in ("5eed", "0dd5"):
            for pace in Pace:
                assert limiter.reserve(bucket_of(workspace, pace), pace, 0) is not None

    def test_a_pause_voids_the_slots_it_covers_and_ends_without_a_burst(
        self, limiter: LocalLimiter, time: Time
    ) -> None:
        bucket = bucket_of("5eed", Pace.SEND)
        slot = limiter.reserve(bucket, Pace.SEND, 0)
        assert slot is not None
        limiter.pause(bucket, Pace.SEND, 3.0)
        assert not limiter.is_valid(bucket, slot)
        waits = [limiter.reserve(bucket, Pace.SEND, 60) for _ in range(3)]
        interval = rhythm_of(Pace.SEND).interval
        assert [slot.seconds for slot in waits if slot] == [
            pytest.approx(3.0 + n * interval) for n in range(3)
        ]
        time.now += 3.0
        assert limiter.is_valid(bucket, slot)

    def test_a_pause_of_a_moment_voids_slots_until_it_ends(
        self, limiter: LocalLimiter, time: Time
    ) -> None:
        slot = limiter.reserve(BUCKET, Pace.APP, 0)
        assert slot is not None
        limiter.pause(BUCKET, Pace.APP, 0.25)
        for seconds, is_valid in ((0, False), (0.125, False), (0.125, True)):
            time.now += seconds
            assert limiter.is_valid(BUCKET, slot) is is_valid

    def test_a_shorter_pause_does_not_end_a_longer_one(self, limiter: LocalLimiter) -> None:
        limiter.pause(BUCKET, Pace.APP, 9.0)
        limiter.pause(BUCKET, Pace.APP, 1.0)
        assert limiter.pause_left(BUCKET) == pytest.approx(9.0)

    def test_threads_share_the_slots_and_none_is_given_twice(self, limiter: LocalLimiter) -> None:
        times: list[float] = []

        def reserve() -> None:
            for _ in range(100):
                slot = limiter.reserve(BUCKET, Pace.APP, 1e9)
                assert slot is not None
                times.append(slot.at)

        threads = [threading.Thread(target=reserve) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(times) == 800
        assert min(b - a for a, b in pairwise(sorted(times))) > 0.99 * INTERVAL

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_fork_while_a_thread_reserves_does_not_block_the_child(
        self, limiter: LocalLimiter
    ) -> None:
        forking = multiprocessing.get_context("fork")
        told: multiprocessing.SimpleQueue[float] = forking.SimpleQueue()
        limiter.reserve(BUCKET, Pace.APP, 0)
        child = forking.Process(
            target=lambda: told.put(limiter.shortest_wait(BUCKET, Pace.APP)), daemon=True
        )
        with limiter._lock:
            child.start()
        child.join(PATIENCE)
        assert child.exitcode == 0
        assert told.get() == pytest.approx(INTERVAL)

    def test_buckets_that_are_idle_are_forgotten_and_busy_ones_are_not(
        self, limiter: LocalLimiter, time: Time
    ) -> None:
        for number in range(MANY_BUCKETS - 1):
            limiter.reserve(f"{number}:app", Pace.APP, 0)
        time.now += 60
        limiter.pause(BUCKET, Pace.APP, 30)
        limiter.reserve("one more", Pace.APP, 0)
        assert len(limiter._schedules) == 2
        assert limiter.pause_left(BUCKET) == 30

    def test_buckets_that_were_only_asked_about_are_idle(self, limiter: LocalLimiter) -> None:
        for number in range(MANY_BUCKETS + 1):
            limiter.shortest_wait(f"{number}:app", Pace.APP)
        assert len(limiter._schedules) == 1


class TestPacer:
    def test_the_first_call_does_not_wait_and_the_next_waits_an_interval(
        self, pacer: Pacer, time: Time
    ) -> None:
        pacer.wait(BUCKET, Pace.APP, 5)
        pacer.wait(BUCKET, Pace.APP, 5)
        assert time.slept == [pytest.approx(INTERVAL)]

    def test_a_call_that_would_wait_too_long_is_refused_with_the_wait(
        self, pacer: Pacer, limiter: LocalLimiter
    ) -> None:
        bucket = bucket_of("5eed", Pace.BROADCAST)
        pacer.wait(bucket, Pace.BROADCAST, 5)
        with pytest.raises(RateLimited) as refusal:
            pacer.wait(bucket, Pace.BROADCAST, 5)
        assert refusal.value.as_result() == {
            "ok": False,
            "summary": "Customer.io allows 1 request per 10 seconds, and calls already under way "
            "use that up: the next free moment is in 10.3 s. Nothing was sent; repeat the call "
            "then.",
            "error": {
                "code": "rate_limited",
                "next_step": "wait",
                "took_effect": "no",
                "retry_after_seconds": 10.3,
            },
        }
        assert limiter.shortest_wait(bucket, Pace.BROADCAST) == pytest.approx(10.3)

    def test_a_pause_that_comes_while_waiting_is_waited_for(
        self, pacer: Pacer, limiter: LocalLimiter, time: Time
    ) -> None:
        pacer.wait(BUCKET, Pace.APP, 5)
        time.meanwhile = [(limiter, 2.0)]
        pacer.wait(BUCKET, Pace.APP, 5)
        assert time.slept == [pytest.approx(INTERVAL), pytest.approx(2.0 - INTERVAL)]

    def test_a_pause_that_comes_while_waiting_and_is_too_long_refuses_the_call(
        self, pacer: Pacer, limiter: LocalLimiter, time: Time
    ) -> None:
        pacer.wait(BUCKET, Pace.APP, 5)
        time.meanwhile = [(limiter, 8.0)]
        with pytest.raises(RateLimited) as refusal:
            pacer.wait(BUCKET, Pace.APP, 5)
        assert refusal.value.retry_after_seconds == pytest.approx(8.0 - INTERVAL, abs=0.1)
        assert time.slept == [pytest.approx(INTERVAL)]

    def test_pausing_holds_everybody_and_refusals_say_for_how_long(self, pacer: Pacer) -> None:
        pacer.pause(BUCKET, Pace.APP, 7.5)
        with pytest.raises(RateLimited) as refusal:
            pacer.wait(BUCKET, Pace.APP, 5)
        assert refusal.value.retry_after_seconds == 7.5

    @pytest.mark.parametrize(
        ("asked", "held"), [(1e9, 60), (float("inf"), 60), (float("nan"), 0), (-5.0, 0)]
    )
    def test_no_pause_is_longer_than_a_minute(
        self, pacer: Pacer, limiter: LocalLimiter, asked: float, held: float
    ) -> None:
        pacer.pause(BUCKET, Pace.APP, asked)
        assert limiter.pause_left(BUCKET) == pytest.approx(held)

    def test_a_wait_worth_noticing_has_a_reason_and_a_short_one_has_none(
        self, pacer: Pacer, time: Time
    ) -> None:
        reasons: list[str] = []

        def sleep(seconds: float, reason: str) -> None:
            reasons.append(reason)
            time.sleep(seconds)

        pacer.wait(BUCKET, Pace.APP, 5, sleep)
        pacer.wait(BUCKET, Pace.APP, 5, sleep)
        assert not any(reasons)
        pacer.pause(BUCKET, Pace.APP, 3.0)
        pacer.wait(BUCKET, Pace.APP, 5, sleep)
        assert reasons[-1:] == ["Waiting 3 s: Customer.io allows 10 requests per second."]

    @pytest.mark.parametrize(("pause", "is_told"), [(1.0, True), (0.75, False)])
    def test_a_wait_of_a_second_is_worth_noticing(
        self, pacer: Pacer, time: Time, pause: float, is_told: bool
    ) -> None:
        reasons: list[str] = []

        def sleep(seconds: float, reason: str) -> None:
            reasons.append(reason)
            time.sleep(seconds)

        pacer.pause(BUCKET, Pace.APP, pause)
        pacer.wait(BUCKET, Pace.APP, 5, sleep)
        assert (time.slept, list(map(bool, reasons))) == ([pause], [is_told])

    def test_where_a_limiter_tells_no_rates_a_refusal_tells_the_vendors(
        self,
    ) -> None:
        bare = Mock(spec=["reserve", "shortest_wait"])
        bare.reserve.return_value, bare.shortest_wait.return_value = None, 2.0
        with pytest.raises(RateLimited, match=r"^Customer.io allows 10 requests per second"):
            Pacer(bare).wait(BUCKET, Pace.APP, 1)

    def test_a_slot_is_used_once_its_limiter_says_that_it_is_valid(self, time: Time) -> None:
        slots = [Slot(2.0, 102.0), Slot(3.0, 105.0)]
        limiter = Mock(spec=["reserve", "is_valid"])
        limiter.reserve.side_effect = slots
        limiter.is_valid.side_effect = lambda bucket, slot: (bucket, slot) == (BUCKET, slots[1])
        Pacer(limiter, Clock(sleep=time.sleep, monotonic=time.monotonic)).wait(BUCKET, Pace.APP, 9)
        assert time.slept == [2.0, 3.0]

    @pytest.mark.parametrize("max_wait", [0, -1.0])
    def test_no_patience_takes_a_free_slot_and_no_other(
        self, pacer: Pacer, time: Time, max_wait: float
    ) -> None:
        pacer.wait(BUCKET, Pace.APP, max_wait)
        with pytest.raises(RateLimited):
            pacer.wait(BUCKET, Pace.APP, max_wait)
        assert time.slept == []
