"""What a ledger in Redis promises: expiry, lost answers, outages, and the clients it takes."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import redis

from customerio_tool.backends.ledger import redis as ledger_redis
from customerio_tool.backends.ledger.entry import LedgerLost
from customerio_tool.backends.ledger.redis import PREFIX, RedisLedger
from customerio_tool.calls.message_keys import DAY
from tests.support.ledger_calls import START, Clock, Sender
from tests.support.ledger_stores import ENTRY
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires


@contextmanager
def losing_an_answer(port: int) -> Iterator[int]:
    """Pass on connections to a Redis; the first to run a script breaks before its answer."""
    lost: list[bytes] = []

    def pass_on(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            while asked := near.recv(65_536):
                far.sendall(asked)
                answer = far.recv(65_536)
                if b"EVAL" in asked and not lost:
                    lost.append(answer)
                    return
                near.sendall(answer)

    def serve() -> None:
        for _ in range(2):
            pass_on(relay.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as relay:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield relay.getsockname()[1]
        thread.join()
    assert lost


@pytest.fixture
def redis_ledger(redis_server: RedisServer) -> Iterator[RedisLedger]:
    with closing(RedisLedger(redis_server.patient_url)) as ledger:
        yield ledger


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.patient_url) as client:
        yield client


@requires("redis-server")
class TestRedis:
    def test_everything_expires(self, redis_ledger: RedisLedger, client: redis.Redis) -> None:
        Sender(redis_ledger, Clock()).call(idempotency_key="invoice-17")
        keys = list(client.scan_iter())
        assert all(key.startswith(PREFIX.encode()) for key in keys)
        of_message, *of_addressees, of_callers_key = sorted(client.ttl(key) for key in keys)
        assert 0 < of_message <= 600
        assert len(of_addressees) == 2
        assert max(of_addressees) <= 620
        assert 7 * DAY - 60 < of_callers_key <= 7 * DAY

    def test_ledgers_with_different_prefixes_know_nothing_of_each_other(
        self, redis_ledger: RedisLedger, client: redis.Redis
    ) -> None:
        assert redis_ledger.claim("k", ENTRY, START) is None
        assert RedisLedger(client, prefix="other:").claim("k", ENTRY, START) is None

    def test_a_client_that_decodes_text_is_as_good(self, redis_server: RedisServer) -> None:
        with redis.Redis.from_url(redis_server.patient_url, decode_responses=True) as client:
            ledger = RedisLedger(client)
            assert ledger.claim("k", ENTRY, START) is None
            assert ledger.claim("k", ENTRY, START) == ENTRY
            ledger.close()
            assert client.ping()

    def test_a_claim_whose_answer_is_lost_is_asked_for_again_and_found_its_own(
        self, redis_server: RedisServer, client: redis.Redis
    ) -> None:
        client.config_resetstat()
        url, near = redis_server.patient_url, str(redis_server.port)
        with losing_an_answer(redis_server.port) as port:
            ledger = RedisLedger(url.replace(near, str(port)))
            with closing(ledger):
                assert ledger.claim("k", ENTRY, START) is None
                assert ledger.claim("k", ENTRY, START) == ENTRY
        assert client.info("commandstats")["cmdstat_eval"]["calls"] == 3

    def test_a_redis_that_is_gone_is_a_lost_ledger_and_its_return_is_noticed(
        self, redis_ledger: RedisLedger, redis_server: RedisServer
    ) -> None:
        redis_ledger.claim("k", ENTRY, START)
        redis_server.kill()
        with pytest.raises(LedgerLost):
            redis_ledger.claim("k", ENTRY, START)
        redis_server.start()
        assert redis_ledger.claim("k", ENTRY, START) is None

    def test_a_redis_that_restarted_between_two_sends_is_not_lost(
        self, redis_ledger: RedisLedger, redis_server: RedisServer
    ) -> None:
        redis_ledger.claim("k", ENTRY, START)
        redis_server.kill()
        redis_server.start()
        assert redis_ledger.claim("k", ENTRY, START) is None

    def test_what_another_program_wrote_is_never_taken_for_free(
        self, redis_ledger: RedisLedger, client: redis.Redis
    ) -> None:
        client.set(PREFIX + "text", "hello")
        client.lpush(PREFIX + "list", "hello")
        for key in ("text", "list"):
            with pytest.raises(LedgerLost):
                redis_ledger.claim(key, ENTRY, START)


@pytest.mark.parametrize("host", ["a..b", "a" * 80])
def test_a_host_whose_name_cannot_be_looked_up_is_a_lost_ledger(host: str) -> None:
    with closing(RedisLedger(f"redis://{host}:1/0")) as ledger, pytest.raises(LedgerLost):
        ledger.claim("key", ENTRY, START)


def test_a_redis_that_hangs_is_a_lost_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_redis, "TIMEOUT_SECONDS", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ledger = RedisLedger(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with closing(ledger), pytest.raises(LedgerLost, match="TimeoutError"):
            ledger.claim("k", ENTRY, START)


def test_redis_has_a_second_to_connect_and_a_second_to_answer() -> None:
    options = RedisLedger("redis://127.0.0.1:1/0")._redis.connection_pool.connection_kwargs
    assert (options["socket_connect_timeout"], options["socket_timeout"]) == (1, 1)


def test_a_url_that_cannot_be_read_is_refused_without_being_shown() -> None:
    for url in ("redis://:hunter2#@[host:6379/0", "http://hunter2@host", "redis://h:hunter2"):
        with pytest.raises(ValueError, match="redis://localhost:6379/0") as caught:
            RedisLedger(url)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__context__ is None


def test_without_the_package_redis_the_way_to_install_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"customerio-tool\[redis\]"):
        RedisLedger("redis://127.0.0.1:1/0")
