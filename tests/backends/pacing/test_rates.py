"""An operator may set other limits than the vendor's; nothing else may."""

from __future__ import annotations

import pytest

from customerio_tool import Backends, LocalLimiter, RedisLimiter
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.pacing.slots import rhythm_of
from customerio_tool.deadline import Clock
from customerio_tool.errors import ConnectionInvalid, RateLimited
from customerio_tool.subtools.declare import Pace
from tests.backends.pacing.test_local import Time
from tests.support.pacing_workers import most_in

NAMES = {pace.name.lower(): pace for pace in Pace}


def times_of(limiter: LocalLimiter, time: Time, pace: Pace, count: int) -> list[float]:
    """When that many requests may be sent, one after another."""
    times = []
    for _ in range(count):
        slot = limiter.reserve("b", pace, 1e9)
        assert slot is not None
        times.append(time.now + slot.seconds)
    return times


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("permits", [1, 3, 7, 60, 4000])
def test_no_period_has_more_than_the_operator_permits(name: str, permits: int) -> None:
    time, pace = Time(), NAMES[name]
    limiter = LocalLimiter(rates={name: permits}, monotonic=time.monotonic)
    times = times_of(limiter, time, pace, 3 * permits)
    assert most_in(times, pace.period_seconds) <= permits
    average = (len(times) - 1) / (times[-1] - times[0])
    assert average > 0.6 * permits / pace.period_seconds


def test_a_rate_that_is_not_named_is_the_vendors() -> None:
    limiter = LocalLimiter(rates={"app": 20})
    assert limiter.permits == {**{pace: pace.permits for pace in Pace}, Pace.APP: 20}
    for pace in (Pace.TRACK, Pace.SEND, Pace.BROADCAST):
        assert limiter.rhythm_of(pace) == rhythm_of(pace)


@pytest.mark.parametrize(
    "rates", [{"apps": 5}, {"app": 0}, {"app": -1}, {"app": 2.5}, {"app": True}, {"app": "5"}]
)
def test_what_is_no_rate_is_refused(rates: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="track, app, send, broadcast"):
        LocalLimiter(rates=rates)


@pytest.mark.parametrize(
    ("rates", "words"),
    [({"app": 2}, "This tool is set to 2 requests per second"), ({}, "Customer.io allows 10")],
)
def test_a_wait_tells_whose_limit_it_is(rates: dict[str, int], words: str) -> None:
    time = Time()
    clock = Clock(sleep=time.sleep, monotonic=time.monotonic)
    pacer = Pacer(LocalLimiter(rates=rates, monotonic=time.monotonic), clock)
    pacer.wait("b", Pace.APP, 0)
    with pytest.raises(RateLimited, match=words):
        pacer.wait("b", Pace.APP, 0)


def test_redis_shares_the_rates_of_its_fallback() -> None:
    pytest.importorskip("redis")
    shared = RedisLimiter("redis://127.0.0.1:1", fallback=LocalLimiter(rates={"send": 5}))
    assert shared.permits[Pace.SEND] == 5


def test_the_environment_sets_rates_for_all_tools_of_the_process() -> None:
    environ = {"CUSTOMERIO_RATES": " app = 5, SEND=200 "}
    first, second = Backends.from_env(environ), Backends.from_env(environ)
    assert isinstance(first.limiter, LocalLimiter)
    assert first.limiter is second.limiter
    assert (first.limiter.permits[Pace.APP], first.limiter.permits[Pace.SEND]) == (5, 200)
    assert Backends.from_env({"CUSTOMERIO_RATES": " "}).limiter is Backends.of_process().limiter


@pytest.mark.parametrize("text", ["apple", "app=", "app=0", "app=fast", "reads=5", "app=5;send=6"])
def test_a_wrong_variable_is_named_without_its_value(text: str) -> None:
    with pytest.raises(ConnectionInvalid) as refused:
        Backends.from_env({"CUSTOMERIO_RATES": text})
    assert [each.path for each in refused.value.fields] == ["CUSTOMERIO_RATES"]
    assert text not in str(refused.value).replace("app=5,send=200", "")
