"""A worker whom Redis does not answer as it should paces itself by what it knows."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import redis

from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.redis import ACTIVE_SECONDS, PROBE_SECONDS, RedisLimiter
from customerio_tool.backends.pacing.slots import MANY_BUCKETS, bucket_of, rhythm_of
from customerio_tool.subtools.declare import Pace
from tests.backends.pacing.test_local import Time

BUCKET = bucket_of("5eed", Pace.APP)
INTERVAL = rhythm_of(Pace.APP).interval


class Answering(redis.Redis):
    """A client of a Redis whose script answers what the test says; None: it is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.reply: Any = None
        self.asked = 0
        self.expected_life: Any = None
        self.meanwhile: Callable[[], object] = list

    def evalsha(self, *given: Any) -> Any:
        self.asked += 1
        self.expected_life = given[-1]
        meanwhile, self.meanwhile = self.meanwhile, list
        meanwhile()
        if self.reply is None:
            raise redis.ConnectionError from ConnectionRefusedError()
        return self.reply

    def eval(self, *_: Any) -> Any:
        raise redis.ConnectionError from ConnectionRefusedError()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def client() -> Answering:
    return Answering()


@pytest.fixture
def limiter(client: Answering, time: Time) -> RedisLimiter:
    fallback = LocalLimiter(monotonic=time.monotonic)
    return RedisLimiter(client, fallback=fallback, monotonic=time.monotonic)


def waits(limiter: RedisLimiter, count: int, bucket: str = BUCKET) -> list[float]:
    slots = [limiter.reserve(bucket, Pace.APP, 60) for _ in range(count)]
    assert not any(slot.shared for slot in slots if slot)
    return [slot.seconds for slot in slots if slot]


def told(workers: int = 1, wait: float = 0) -> list[Any]:
    """Return a reply of the script that reserves a slot."""
    return [1, wait, 1_800_000_000_000_000 + wait, workers, b"life"]


def test_one_that_never_reached_redis_takes_all_of_the_limit(limiter: RedisLimiter) -> None:
    assert waits(limiter, 3) == [pytest.approx(n * INTERVAL) for n in (1, 2, 3)]


def test_a_new_bucket_is_shared_among_as_many_as_the_others(
    limiter: RedisLimiter, client: Answering
) -> None:
    for number, workers in enumerate((2, 5, 3)):
        client.reply = told(workers)
        assert limiter.reserve(f"{number}:app", Pace.APP, 60)
    client.reply = None
    share = rhythm_of(Pace.APP, 5).interval
    assert waits(limiter, 2) == [pytest.approx(n * share) for n in (1, 2)]


def test_the_shortest_wait_is_that_of_the_next_slot_of_ones_share(
    limiter: RedisLimiter, client: Answering
) -> None:
    client.reply = told(5)
    assert limiter.reserve("5eed:send", Pace.SEND, 60)
    client.reply = None
    for _ in range(5):
        wait = limiter.shortest_wait("5eed:send", Pace.SEND)
        slot = limiter.reserve("5eed:send", Pace.SEND, 60)
        assert slot is not None
        assert wait == pytest.approx(slot.seconds)


def test_no_slot_is_further_away_than_the_patience(limiter: RedisLimiter) -> None:
    for patience in (0.0, INTERVAL / 2):
        assert limiter.reserve(BUCKET, Pace.APP, patience) is None
    assert waits(limiter, 1) == [pytest.approx(INTERVAL)]


@pytest.mark.parametrize(
    "reply",
    [
        [1, 0.5, 1, 1, b"life"],
        [1, "0", 1, 1, b"life"],
        [True, 0, 1, 1, b"life"],
        [1, 0, 1, None, b"life"],
        [1, -1, 1, 1, b"life"],
        [1, 10**13, 1, 1, b"life"],
        [1, 0, 1, 1, 7],
        [1, 0, 1, 1],
        b"OK",
        7,
    ],
)
def test_what_is_no_reply_of_the_script_is_a_lost_redis(
    limiter: RedisLimiter, client: Answering, reply: Any
) -> None:
    client.reply = reply
    assert waits(limiter, 2) == [pytest.approx(n * INTERVAL) for n in (1, 2)]
    assert client.asked == 1, "it is not asked again at once"


def test_a_slot_of_the_script_is_as_far_away_as_it_says(
    limiter: RedisLimiter, client: Answering
) -> None:
    client.reply = told(wait=2_500_000)
    slot = limiter.reserve(BUCKET, Pace.APP, 60)
    assert slot is not None
    assert (slot.seconds, slot.at, slot.shared) == (2.5, 1_800_000_002.5, True)
    client.reply = [0, *client.reply[1:]]
    assert limiter.reserve(BUCKET, Pace.APP, 60) is None
    assert limiter.shortest_wait(BUCKET, Pace.APP) == 2.5


def test_a_bucket_that_is_used_again_displaces_none(
    limiter: RedisLimiter, client: Answering
) -> None:
    for number in range(MANY_BUCKETS):
        client.reply = told(9 if number == 0 else 1)
        limiter.reserve(f"{number}:app", Pace.APP, 60)
    limiter.reserve("1:app", Pace.APP, 60)
    client.reply = None
    share = rhythm_of(Pace.APP, 9).interval
    assert waits(limiter, 1, "0:app") == [pytest.approx(share)]


def test_a_lost_redis_is_asked_again_after_a_while_and_by_one_call(
    limiter: RedisLimiter, client: Answering, time: Time
) -> None:
    for seconds, asked in ((0, 1), (PROBE_SECONDS / 2, 1), (PROBE_SECONDS / 2, 2), (0, 2)):
        time.now += seconds
        limiter.shortest_wait(BUCKET, Pace.APP)
        assert client.asked == asked


def test_while_one_call_asks_a_lost_redis_no_other_does(
    limiter: RedisLimiter, client: Answering, time: Time
) -> None:
    waits(limiter, 1)
    time.now += PROBE_SECONDS
    meanwhile: list[float] = []
    client.meanwhile = lambda: meanwhile.extend(waits(limiter, 2))
    waits(limiter, 1)
    assert (len(meanwhile), client.asked) == (2, 2)


def test_what_was_reserved_is_waited_for_though_one_only_asked_since(
    limiter: RedisLimiter, client: Answering
) -> None:
    client.reply = told(wait=2_500_000)
    limiter.reserve(BUCKET, Pace.APP, 60)
    client.reply = [0, *client.reply[1:]]
    limiter.shortest_wait(BUCKET, Pace.APP)
    client.reply = None
    assert waits(limiter, 1) == [pytest.approx(2.5 + INTERVAL)]


@pytest.mark.parametrize(
    ("idle", "expected"),
    [(0, b"life"), (ACTIVE_SECONDS / 2 - 1, b"life"), (ACTIVE_SECONDS / 2, ""), (1e6, "")],
)
def test_only_one_that_used_redis_lately_minds_that_it_lost_its_memory(
    limiter: RedisLimiter, client: Answering, time: Time, idle: float, expected: object
) -> None:
    client.reply = told()
    limiter.reserve(BUCKET, Pace.APP, 60)
    assert client.expected_life == "", "it knows of none before"
    time.now += idle
    limiter.reserve(BUCKET, Pace.APP, 60)
    assert client.expected_life == expected


def test_a_slot_is_asked_for_once_as_the_script_may_have_run_already() -> None:
    calls: list[socket.socket] = []

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                caller, _ = server.accept()
                caller.close()
                calls.append(caller)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, daemon=True).start()
        assert waits(RedisLimiter(f"redis://127.0.0.1:{server.getsockname()[1]}"), 1)
    assert len(calls) == 1


def test_an_outage_is_one_warning_that_says_what_happens_now(
    limiter: RedisLimiter, caplog: pytest.LogCaptureFixture
) -> None:
    waits(limiter, 3)
    assert caplog.messages == [
        (
            "Redis is lost (ConnectionError): this process now keeps to its own share of "
            "Customer.io's limits, and tries Redis again until it is back."
        )
    ]


def test_a_check_says_why_redis_cannot_be_used(limiter: RedisLimiter) -> None:
    assert limiter.problem() == (
        "Redis cannot be used (ConnectionError: it refuses connections), so that each worker "
        "paces itself."
    )
