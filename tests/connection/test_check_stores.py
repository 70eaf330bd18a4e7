"""The test of a connection also tests Redis and the ledger, each by its name."""

from __future__ import annotations

import socketserver
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import (
    Backends,
    CustomerIoTool,
    MemoryLedger,
    RedisLedger,
    RedisLimiter,
    Sandbox,
    SqliteLedger,
)
from tests.support.loopback import Loopback, nobody_listening, says
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires


def checked(sandbox: Sandbox, **parts: Any) -> dict[str, Any]:
    with CustomerIoTool(sandbox.connection(), backends=Backends(**parts)) as tool:
        return tool.test_connection()


def test_a_tool_without_shared_stores_says_nothing_of_them(sandbox: Sandbox) -> None:
    result = checked(sandbox, ledger=MemoryLedger())

    assert result["ok"]
    assert not {"redis", "ledger"} & result.keys()


def test_a_ledger_file_that_works_is_ok_and_keeps_no_trace(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "sends.sqlite"

    result = checked(sandbox, ledger=SqliteLedger(path))

    assert result["ok"]
    assert result["ledger"] == {"ok": True}
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM sends").fetchone() == (0,)


def _foreign(folder: Path) -> Path:
    path = folder / "other.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE orders (id)")
    return path


def _no_database(folder: Path) -> Path:
    path = folder / "text"
    path.write_text("no database at all " * 100)
    return path


@pytest.mark.parametrize(
    "make", [_foreign, _no_database, lambda folder: folder, lambda folder: folder / "no" / "file"]
)
def test_a_ledger_file_that_cannot_be_used_is_a_problem(
    sandbox: Sandbox, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)

    result = checked(sandbox, ledger=SqliteLedger(path))

    assert not result["ok"]
    assert result["track"]["ok"]
    assert result["ledger"]["ok"] is False
    assert result["ledger"]["problem"] in result["summary"]
    assert str(tmp_path) not in str(result)


@requires("redis-server")
def test_a_redis_that_works_is_ok(sandbox: Sandbox, redis_server: RedisServer) -> None:
    url = redis_server.patient_url

    result = checked(sandbox, ledger=RedisLedger(url), limiter=RedisLimiter(url))

    assert (result["ok"], result["redis"], result["ledger"]) == (True, {"ok": True}, {"ok": True})


@requires("redis-server")
def test_a_redis_that_takes_no_writes_is_a_problem(
    sandbox: Sandbox, redis_server: RedisServer
) -> None:
    import redis

    client = redis.Redis.from_url(redis_server.patient_url)
    client.replicaof("127.0.0.1", "1")
    try:
        result = checked(
            sandbox,
            ledger=RedisLedger(redis_server.patient_url),
            limiter=RedisLimiter(redis_server.patient_url),
        )
    finally:
        client.replicaof("NO", "ONE")
        client.close()

    assert not result["ok"]
    assert not result["redis"]["ok"]
    assert not result["ledger"]["ok"]


def test_a_redis_that_is_gone_is_a_problem_of_both_without_its_password(sandbox: Sandbox) -> None:
    with nobody_listening() as gone:
        url = gone.replace("http://", "redis://me:pass-4711@")
        result = checked(sandbox, ledger=RedisLedger(url), limiter=RedisLimiter(url))

    assert not result["ok"]
    for store in ("redis", "ledger"):
        assert "ConnectionError: it refuses connections" in result[store]["problem"]
    assert "pass-4711" not in str(result)


@contextmanager
def another_program(answer: bytes) -> Iterator[int]:
    """Give the port of a program that gives one answer to whatever it is sent first."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("redis://me:pass-4711@nowhere.invalid", "DNS knows no address"),
        ("redis://me:pass-4711@127.0.0.1:{port}", "it does not answer as Redis does"),
        ("rediss://me:pass-4711@127.0.0.1:{port}", "it does not speak TLS"),
    ],
)
def test_a_redis_that_cannot_be_reached_is_told_with_the_cause(
    sandbox: Sandbox, url: str, cause: str
) -> None:
    with another_program(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        url = url.format(port=port)
        result = checked(sandbox, ledger=RedisLedger(url), limiter=RedisLimiter(url))

    for store in ("redis", "ledger"):
        assert cause in result[store]["problem"]
    assert "pass-4711" not in str(result)


def test_a_wrong_password_of_redis_is_told(sandbox: Sandbox) -> None:
    refusal = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
    with another_program(refusal) as port:
        url = f"redis://me:pass-4711@127.0.0.1:{port}"
        result = checked(sandbox, ledger=RedisLedger(url), limiter=RedisLimiter(url))

    assert "it rejects the user name or the password" in result["summary"]
    assert "pass-4711" not in str(result)


def test_another_program_on_the_port_of_redis_is_a_problem(sandbox: Sandbox) -> None:
    with Loopback([says(b"+OK\r\n")] * 9) as other:
        url = other.url.replace("http://", "redis://")
        result = checked(sandbox, ledger=RedisLedger(url), limiter=RedisLimiter(url))

    assert not result["redis"]["ok"]
    assert not result["ledger"]["ok"]


class _Broken:
    def claim(self, *_: Any) -> None:
        raise RuntimeError("secret-4711")

    find = release = settle = take = taken = give_back = claim


class _Empty:
    def claim(self, *_: Any) -> None:
        return None

    find = release = settle = take = taken = give_back = claim


@pytest.mark.parametrize("ledger", [_Broken(), _Empty()])
def test_a_ledger_of_the_host_that_keeps_nothing_is_a_problem(
    sandbox: Sandbox, ledger: Any
) -> None:
    result = checked(sandbox, ledger=ledger)

    assert not result["ledger"]["ok"]
    assert "4711" not in str(result)
