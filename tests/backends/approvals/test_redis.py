"""What waiting calls in Redis promise: expiry, lost answers, outages, and what others wrote."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
import redis

from customerio_tool.backends.approvals import redis as approvals_redis
from customerio_tool.backends.approvals.redis import PREFIX, RedisApprovals
from customerio_tool.backends.approvals.waiting import ApprovalsLost
from tests.backends.ledger.test_broken_stores import STRANGERS
from tests.backends.ledger.test_redis import losing_an_answer
from tests.backends.ledger.test_redis_in_trouble import TROUBLES, trouble
from tests.support.approval_stores import NOW, STORES, WAITING, Shared, like, spoil
from tests.support.broken_stores import speaker
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires

W = "workspace"
pytestmark = requires("redis-server")


@pytest.fixture
def store(redis_server: RedisServer) -> Iterator[RedisApprovals]:
    with closing(RedisApprovals(redis_server.patient_url)) as store:
        yield store


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Any]:
    with redis.Redis.from_url(redis_server.patient_url) as client:
        yield client


def keep(store: RedisApprovals, key: str = "key", **changed: Any) -> str:
    return store.keep(W, like(key, **changed), NOW, os.urandom)


def uses(store: RedisApprovals) -> list[Callable[[], object]]:
    some = "1-" + "0" * 16
    return [
        lambda: store.keep(W, WAITING, NOW, os.urandom),
        lambda: store.find(W, some, NOW),
        lambda: store.take(W, some, NOW),
        lambda: store.waiting(W, NOW),
    ]


def assert_lost(store: RedisApprovals) -> None:
    for use in uses(store):
        with pytest.raises(ApprovalsLost):
            use()


def test_everything_but_the_last_number_expires(store: RedisApprovals, client: Any) -> None:
    kept = keep(store)
    keep(store, "other")
    store.take(W, kept, NOW)
    keys = {key.decode() for key in client.scan_iter()}
    assert all(key.startswith(PREFIX) for key in keys)
    lives = {key: client.pttl(key) for key in keys}
    assert lives.pop(f"{PREFIX}number") == -1
    assert all(0 < life <= 600_000 for life in lives.values()), lives


def test_a_call_that_redis_let_expire_is_gone_and_asked_anew(
    store: RedisApprovals, client: Any
) -> None:
    kept = keep(store)
    client.delete(f"{PREFIX}call:{kept}")  # as its end does
    assert store.find(W, kept, NOW) is None
    assert store.take(W, kept, NOW) is None
    assert store.waiting(W, NOW) == {}
    again = keep(store)
    assert list(store.waiting(W, NOW)) == [again]
    assert int(client.get(f"{PREFIX}size")) == WAITING.size, "it takes room once"


def test_room_that_evicted_calls_took_is_free_again(client: Any) -> None:
    store = RedisApprovals(client, max_bytes=5 * WAITING.size)
    for number in range(5):
        client.delete(f"{PREFIX}call:{keep(store, f'k{number}')}")
    client.delete(f"{PREFIX}facts", f"{PREFIX}ends")
    ids = [keep(store, f"other{number}") for number in range(5)]
    assert list(store.waiting(W, NOW)) == ids


def test_stores_with_different_prefixes_know_nothing_of_each_other(client: Any) -> None:
    one, other = RedisApprovals(client), RedisApprovals(client, prefix="other:")
    kept = keep(one)
    assert other.find(W, kept, NOW) is None
    assert other.waiting(W, NOW) == {}


def test_a_client_that_decodes_text_is_as_good(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.patient_url, decode_responses=True) as client:
        store = RedisApprovals(client)
        binary = like("binary", content=bytes(range(256)))
        kept = store.keep(W, binary, NOW, os.urandom)
        assert store.waiting(W, NOW) == {kept: binary}
        assert store.take(W, kept, NOW) == binary
        store.close()
        assert client.ping()


def test_a_call_that_is_kept_again_after_a_lost_answer_is_one(
    redis_server: RedisServer, store: RedisApprovals
) -> None:
    url, near = redis_server.patient_url, str(redis_server.port)
    with (
        losing_an_answer(redis_server.port) as port,
        closing(RedisApprovals(url.replace(near, str(port)))) as unlucky,
    ):
        kept = keep(unlucky)
    assert store.waiting(W, NOW) == {kept: WAITING}


def test_a_take_whose_answer_is_lost_has_taken_the_call(
    redis_server: RedisServer, store: RedisApprovals, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, run = keep(store), store._redis.eval

    def twice(script: str, *given: Any) -> Any:
        run(script, *given)  # its answer is lost, so that redis-py asks again
        return run(script, *given)

    monkeypatch.setattr(store._redis, "eval", twice)
    assert store.take(W, kept, NOW) == WAITING
    assert store.take(W, kept, NOW) is None


def test_a_redis_that_restarted_has_no_calls_and_takes_new_ones(
    store: RedisApprovals, redis_server: RedisServer
) -> None:
    kept = keep(store)
    redis_server.kill()
    assert_lost(store)
    redis_server.start()
    assert store.find(W, kept, NOW) is None
    assert store.take(W, kept, NOW) is None
    again = keep(store)
    assert again != kept
    assert store.take(W, again, NOW) == WAITING


def test_a_redis_that_hangs_is_a_lost_store(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals_redis, "TIMEOUT_SECONDS", 0.05)
    with closing(RedisApprovals(redis_server.url)) as store, redis_server.hanging():
        assert_lost(store)


@pytest.mark.parametrize("reply", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_on_the_port_of_redis_is_a_lost_store(reply: bytes | None) -> None:
    with (
        speaker(reply) as url,
        closing(RedisApprovals(url.replace("0.2", "0.05"))) as store,
    ):
        assert_lost(store)


@pytest.mark.parametrize("name", TROUBLES)
def test_a_redis_in_trouble_keeps_no_call(redis_server: RedisServer, name: str) -> None:
    with closing(RedisApprovals(redis_server.patient_url)) as store:
        with trouble(redis_server, name), pytest.raises(ApprovalsLost):
            keep(store)
        assert store.take(W, keep(store), NOW) == WAITING, "the trouble is over"


# What another program wrote


SPOILERS: dict[str, Callable[[Any, str], Any]] = {
    "list": lambda client, key: client.rpush(key, "x"),
    "hash": lambda client, key: client.hset(key, "x", "y"),
    "sorted set": lambda client, key: client.zadd(key, {"x": 1e18}),
    "text": lambda client, key: client.set(key, "hello"),
    "binary": lambda client, key: client.set(key, b"\xff\xfe\x00"),
    "empty": lambda client, key: client.set(key, b""),
    "deep": lambda client, key: client.set(key, "[" * 100_000 + "]" * 100_000),
    "number": lambda client, key: client.set(key, "7"),
    "no content": lambda client, key: client.set(key, '{"workspace": "workspace"}'),
}


@pytest.mark.parametrize("write", SPOILERS.values(), ids=SPOILERS)
def test_a_spoilt_call_waits_no_more_and_is_asked_anew(
    store: RedisApprovals, client: Any, write: Callable[[Any, str], Any]
) -> None:
    kept, other = keep(store), keep(store, "other")
    client.delete(f"{PREFIX}call:{kept}")
    write(client, f"{PREFIX}call:{kept}")
    assert list(store.waiting(W, NOW)) == [other]
    assert store.take(W, kept, NOW) is None
    again = keep(store)
    assert again != kept
    assert store.take(W, again, NOW) == WAITING


KEYS = ["number", "facts", "ends", "runs", "size", "same:*", "of:*", "run:*", "call:*"]


@pytest.mark.parametrize("write", SPOILERS.values(), ids=SPOILERS)
@pytest.mark.parametrize("name", KEYS)
def test_a_spoilt_index_runs_no_call_twice_and_raises_nothing_else(
    redis_server: RedisServer, client: Any, name: str, write: Callable[[Any, str], Any]
) -> None:
    store = RedisApprovals(client, max_bytes=3 * WAITING.size)
    ids = [keep(store, f"k{number}") for number in range(2)]
    (key,) = list(client.scan_iter(PREFIX + name))[:1]
    client.delete(key)
    write(client, key.decode())
    for number in range(4):
        with suppress(ApprovalsLost):
            ids.append(keep(store, f"later{number}"))
    for use in uses(store):
        with suppress(ApprovalsLost):
            use()
    taken = []
    for each in [*ids, *ids]:
        with suppress(ApprovalsLost):
            taken.append(store.take(W, each, NOW) and each)
    found = [each for each in taken if each]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("workspace", ["another", None, 7, [], {"a": 1}])
def test_an_entry_that_names_another_workspace_is_nobodys(
    redis_server: RedisServer, store: RedisApprovals, workspace: Any
) -> None:
    url, kind = redis_server.patient_url, STORES["redis"]
    assert kind.outside is not None
    kept = keep(store)
    spoil(Shared("redis", kind, kind.outside, url), kept, workspace=workspace)
    assert store.find(W, kept, NOW) is None
    assert store.take(W, kept, NOW) is None
    assert store.take(W, keep(store), NOW) == WAITING


# How it is made


def test_a_url_that_cannot_be_read_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="redis://localhost:6379/0") as caught:
        RedisApprovals("redis://:hunter2#@[host:6379/0")
    assert "hunter2" not in str(caught.value)


def test_without_the_package_redis_the_way_to_install_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"customerio-tool\[redis\]"):
        RedisApprovals("redis://127.0.0.1:1/0")
