"""Whatever ails a Redis, a send that needs it is refused, and a call that it paces goes on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customerio_tool.backends.ledger.redis import PREFIX, RedisLedger
from customerio_tool.backends.pacing.redis import RedisLimiter
from customerio_tool.sandbox import Sandbox
from tests.support.broken_stores import EVENT, RUN, posts, send, speaker, tool_on
from tests.support.clients import EMAIL, AnyPace, code_of
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires

Trouble = tuple[Callable[[redis.Redis], Any], Callable[[redis.Redis], Any]]


def setting(name: str, bad: str, good: str) -> Trouble:
    return lambda client: client.config_set(name, bad), lambda client: client.config_set(name, good)


def user(bad: str, good: str) -> Trouble:
    def may(rules: str) -> Callable[[Any], Any]:
        return lambda client: client.execute_command("ACL", "SETUSER", "default", *rules.split())

    return may(bad), may(good)


TROUBLES: dict[str, Trouble] = {
    "out of memory": setting("maxmemory", "1", "0"),
    "too few replicas": setting("min-replicas-to-write", "1", "0"),
    "a replica": (
        lambda client: client.replicaof("127.0.0.1", "1"),
        lambda client: client.replicaof("NO", "ONE"),
    ),
    "no scripts": user("-eval -evalsha", "+@all"),
    "no keys": user("resetkeys", "allkeys"),
}


@contextmanager
def trouble(server: RedisServer, name: str) -> Iterator[None]:
    begin, end = TROUBLES[name]
    with redis.Redis.from_url(server.patient_url) as client:
        begin(client)
        try:
            yield
        finally:
            end(client)


def assert_refused(sandbox: Sandbox, ledger: RedisLedger) -> None:
    """Use a ledger that is lost in each way in which a call does."""
    assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
    with tool_on(sandbox, {"send_budget": 1}, ledger=ledger, limiter=AnyPace()) as tool:
        result = tool.call("send_transactional_email", EMAIL, context=RUN)
        assert code_of(result) == "ledger_unavailable"
    assert posts(sandbox) == 0


@requires("redis-server")
@pytest.mark.parametrize("name", TROUBLES)
def test_a_redis_in_trouble_sends_nothing(
    sandbox: Sandbox, redis_server: RedisServer, name: str
) -> None:
    with trouble(redis_server, name), closing(RedisLedger(redis_server.patient_url)) as ledger:
        assert_refused(sandbox, ledger)
        with tool_on(sandbox, ledger=ledger, limiter=AnyPace()) as tool:
            assert tool.call("track_event", EVENT, context=RUN)["ok"]
    with closing(RedisLedger(redis_server.patient_url)) as ledger:
        assert send(sandbox, ledger=ledger)["ok"], "the trouble is over"


@requires("redis-server")
@pytest.mark.parametrize("name", TROUBLES)
def test_a_redis_in_trouble_fails_no_call_that_it_paces(
    sandbox: Sandbox, redis_server: RedisServer, name: str
) -> None:
    with trouble(redis_server, name):
        assert send(sandbox, limiter=RedisLimiter(redis_server.patient_url))["ok"]


@requires("redis-server")
def test_a_redis_in_trouble_after_a_send_leaves_its_outcome_unknown(
    sandbox: Sandbox, redis_server: RedisServer
) -> None:
    with closing(RedisLedger(redis_server.patient_url)) as ledger, contextlib.ExitStack() as stop:
        in_trouble = replace(
            RUN, on_exchange=lambda _: stop.enter_context(trouble(redis_server, "out of memory"))
        )
        with tool_on(sandbox, ledger=ledger, limiter=AnyPace()) as tool:
            first = tool.call("send_transactional_email", EMAIL, context=in_trouble)
        stop.close()
        sandbox.clock.advance(60)
        again = send(sandbox, ledger=ledger)
    assert first["ok"]
    assert code_of(again) == "outcome_unknown"
    assert posts(sandbox) == 1


SPOILERS: dict[str, Callable[[redis.Redis, bytes], Any]] = {
    "list": lambda client, key: client.rpush(key, "x"),
    "hash": lambda client, key: client.hset(key, "x", "y"),
    "set": lambda client, key: client.sadd(key, "x"),
    "sorted set": lambda client, key: client.zadd(key, {"x": 1e18}),
    "huge": lambda client, key: client.set(key, b'{"a": "' + b"x" * 5_000_000 + b'"}'),
    "binary": lambda client, key: client.set(key, b"\xff\xfe\x00"),
    "empty": lambda client, key: client.set(key, b""),
}


@requires("redis-server")
@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_a_key_of_another_program_sends_nothing_twice(
    sandbox: Sandbox, redis_server: RedisServer, spoil: Callable[[redis.Redis, bytes], Any]
) -> None:
    sandbox.fault(operation="track", action="reset_after_applying", times=3)
    with (
        closing(RedisLedger(redis_server.patient_url)) as ledger,
        redis.Redis.from_url(redis_server.patient_url) as client,
        tool_on(sandbox, {"send_budget": 5}, ledger=ledger, limiter=AnyPace()) as tool,
    ):
        assert tool.call("send_transactional_email", EMAIL, context=RUN)["ok"]
        assert not tool.call("track_event", EVENT, context=RUN)["ok"]
        before = posts(sandbox)
        keys = client.keys(PREFIX + "*")
        assert len(keys) == 5, "a message, its two addressees, a count and an event"
        for key in keys:
            client.delete(key)
            spoil(client, key)
        results = [
            tool.call("send_transactional_email", EMAIL, context=RUN),
            tool.call("track_event", EVENT, context=RUN),
        ]
    assert [code_of(each) for each in results] == ["ledger_unavailable"] * 2
    assert posts(sandbox) == before


# Something that is not Redis


@contextmanager
def closing_at_once() -> Iterator[str]:
    """Yield the URL of a server that takes connections and closes them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://127.0.0.1:{port}/0"
        listener.shutdown(socket.SHUT_RDWR)


def test_a_server_that_closes_at_once_sends_nothing_and_paces_nothing(sandbox: Sandbox) -> None:
    with closing_at_once() as url:
        with closing(RedisLedger(url)) as ledger:
            assert_refused(sandbox, ledger)
        assert send(sandbox, limiter=RedisLimiter(url))["ok"]


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.binary(min_size=1, max_size=40)
    | st.from_regex(rb"\A(\*[0-9]\r\n|:-?[0-9]{1,20}\r\n|\+[a-z]*\r\n|\$1\r\nx\r\n){1,7}\Z")
)
def test_whatever_a_stranger_says_sends_nothing(sandbox: Sandbox, reply: bytes) -> None:
    with speaker(reply) as url, closing(RedisLedger(url.replace("0.2", "0.05"))) as ledger:
        assert code_of(send(sandbox, ledger=ledger)) == "ledger_unavailable"
    assert posts(sandbox) == 0


@pytest.mark.parametrize("reply", [b"+OK\r\n", b"$-1\r\n", b":1\r\n"], ids=str)
def test_an_event_whose_id_a_stranger_pretends_to_keep_is_told_to_name_it(
    sandbox: Sandbox, reply: bytes
) -> None:
    sandbox.fault(operation="track", action="reset_after_applying", times=3)
    with (
        speaker(reply) as url,
        closing(RedisLedger(url)) as ledger,
        tool_on(sandbox, ledger=ledger, limiter=AnyPace()) as tool,
    ):
        lost = tool.call("track_event", EVENT, context=RUN)
        assert "event_id" in lost["summary"]
        assert tool.call("track_event", EVENT, context=RUN)["event_id"] == lost["event_id"]
    assert len({each["json"]["id"] for each in sandbox.requests() if each["json"]}) == 1
