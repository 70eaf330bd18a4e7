"""What each store promises beyond the rules: races, crashes, permissions, outages, privacy."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from customerio_tool.backends.ledger import redis as ledger_redis
from customerio_tool.backends.ledger import sqlite
from customerio_tool.backends.ledger.entry import Entry, LedgerLost
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.ledger.redis import PREFIX, RedisLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.calls.send_once import DAY
from customerio_tool.errors import OutcomeUnknown, SendInProgress
from tests.support.ledger_calls import SECONDS, START, Clock, Sender
from tests.support.project import ROOT
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires

KEYS = 200
ENTRY = Entry("started", "f", START, START + SECONDS, START + DAY)
FORKING = """
import os, sys
from tests.backends.ledger.test_stores import ENTRY, START, SqliteLedger
ledger = SqliteLedger(sys.argv[1])
assert ledger.claim("parent", ENTRY, START) is None
if (child := os.fork()) == 0:
    assert ledger.claim("parent", ENTRY, START) == ENTRY
    assert ledger.claim("child", ENTRY, START) is None
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert ledger.claim("child", ENTRY, START) == ENTRY
"""
with_redis = requires("redis-server")


@contextmanager
def worker(job: str, store: str, place: str, count: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Run a worker process which is ready for its line."""
    command = [sys.executable, "-m", "tests.support.ledger_worker", job, store, place, str(count)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            assert said(process) == "ready"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


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
def file(tmp_path: Path) -> Path:
    return tmp_path / "sends.db"


@pytest.fixture
def redis_ledger(redis_server: RedisServer) -> Iterator[RedisLedger]:
    with closing(RedisLedger(redis_server.patient_url)) as ledger:
        yield ledger


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.patient_url) as client:
        yield client


@pytest.mark.parametrize("store", ["sqlite", pytest.param("redis", marks=with_redis)])
def test_two_racing_processes_send_each_message_once(
    store: str, file: Path, request: pytest.FixtureRequest
) -> None:
    place = str(file) if store == "sqlite" else request.getfixturevalue("redis_server").patient_url
    with worker("race", store, place, KEYS) as one, worker("race", store, place, KEYS) as other:
        go(one)
        go(other)
        shares = int(said(one)), int(said(other))
    assert sum(shares) == KEYS


def test_racing_threads_send_each_message_once() -> None:
    ledger = MemoryLedger()
    senders = [Sender(ledger, Clock()) for _ in range(8)]
    barrier = threading.Barrier(len(senders))

    def race(sender: Sender) -> None:
        barrier.wait()
        for number in range(KEYS):
            with suppress(SendInProgress):
                sender.call(customer_id=f"u{number}")

    threads = [threading.Thread(target=race, args=[sender]) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sender.sent for sender in senders) == KEYS


def test_a_process_killed_between_send_and_answer_leaves_an_unknown_outcome(file: Path) -> None:
    with worker("hang", "sqlite", str(file)) as process:
        go(process)
        assert said(process) == "sending"
        process.send_signal(signal.SIGKILL)
        process.wait()
    survivor = Sender(SqliteLedger(file), Clock())
    with pytest.raises(SendInProgress):
        survivor.call()
    survivor.clock.now = START + SECONDS
    with pytest.raises(OutcomeUnknown):
        survivor.call()
    assert survivor.sent == 0


class TestSqlite:
    def test_the_file_is_its_owners_alone_whatever_the_umask(self, file: Path) -> None:
        before = os.umask(0)
        try:
            SqliteLedger(file).claim("k", ENTRY, START)
        finally:
            os.umask(before)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [path.name for path in file.parent.iterdir()] == [file.name]

    def test_the_file_has_a_strict_table_and_a_write_ahead_log(self, file: Path) -> None:
        SqliteLedger(file).claim("k", ENTRY, START)
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert db.execute("SELECT strict FROM pragma_table_list('sends')").fetchone() == (1,)

    def test_an_empty_file_made_beforehand_is_used_as_it_is(self, file: Path) -> None:
        file.touch(0o640)
        assert SqliteLedger(file).claim("k", ENTRY, START) is None
        assert SqliteLedger(file).claim("k", ENTRY, START) == ENTRY
        assert stat.S_IMODE(file.stat().st_mode) == 0o640

    def test_nothing_personal_is_in_the_file(self, file: Path) -> None:
        Sender(SqliteLedger(file), Clock()).call(idempotency_key="invoice-17", run_id="monday")
        content = file.read_bytes()
        assert b"delivery-1" in content
        for text in (b"ada", b"example.com", b"u1", b"danke", b"invoice-17", b"monday"):
            assert text not in content

    def test_expired_rows_are_removed_by_the_next_claim(self, file: Path) -> None:
        ledger = SqliteLedger(file)
        for number in range(10):
            ledger.claim(f"k{number}", ENTRY, START)
        ledger.claim("late", ENTRY, START + DAY)
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("SELECT count(*) FROM sends").fetchone() == (1,)

    def test_another_process_that_never_finishes_a_write_is_a_lost_ledger(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
        ledger = SqliteLedger(file)
        ledger.release("k")
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerLost, match="locked"):
                ledger.claim("k", ENTRY, START)

    @pytest.mark.parametrize(("left", "patience"), [(20.0, 5.0), (0.5, 0.5), (0.0, 0.0), (-1, 0.0)])
    def test_a_claim_waits_no_longer_than_its_call_may_take(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, left: float, patience: float
    ) -> None:
        ledger, connect = SqliteLedger(file), sqlite3.connect
        waits: list[float] = []
        ledger.release("k")

        def noted(path: Path, *, timeout: float, isolation_level: None) -> sqlite3.Connection:
            waits.append(timeout)
            return connect(path, timeout=timeout, isolation_level=isolation_level)

        monkeypatch.setattr("customerio_tool.backends.ledger.sqlite.sqlite3.connect", noted)
        ledger.claim("k", replace(ENTRY, ends_at=START + left), START)
        ledger.settle("k", ENTRY, START)
        assert waits == [patience, sqlite.BUSY_SECONDS]

    def test_a_file_that_is_no_database_is_a_lost_ledger(self, file: Path) -> None:
        file.write_text("dear diary" * 100)
        with pytest.raises(LedgerLost, match="not a database"):
            SqliteLedger(file).claim("k", ENTRY, START)
        assert file.read_text() == "dear diary" * 100

    def test_a_name_that_no_file_can_have_is_a_lost_ledger(self) -> None:
        with pytest.raises(LedgerLost):
            SqliteLedger("a\0b.sqlite").claim("key", ENTRY, START)

    def test_a_missing_directory_is_a_lost_ledger_whose_text_names_no_path(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(LedgerLost) as caught:
            SqliteLedger(tmp_path / "nowhere" / "sends.db").claim("k", ENTRY, START)
        assert "nowhere" not in str(caught.value)

    def test_a_ledger_made_before_a_fork_works_on_both_sides(self, file: Path) -> None:
        forking = subprocess.run([sys.executable, "-c", FORKING, str(file)], cwd=ROOT)
        assert forking.returncode == 0


@with_redis
class TestRedis:
    def test_nothing_personal_is_in_redis_and_everything_expires(
        self, redis_ledger: RedisLedger, client: redis.Redis
    ) -> None:
        sender = Sender(redis_ledger, Clock())
        sender.call(idempotency_key="invoice-17", run_id="monday")
        (key,) = client.scan_iter()
        assert key.startswith(PREFIX.encode())
        content = key + client.get(key)
        assert b"delivery-1" in content
        for text in (b"ada", b"example.com", b"danke", b"invoice-17", b"monday"):
            assert text not in content
        assert 7 * DAY - 60 < client.ttl(key) <= 7 * DAY

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
        uses: list[Callable[[], object]] = [
            lambda: redis_ledger.claim("k", ENTRY, START),
            lambda: redis_ledger.settle("k", ENTRY, START),
            lambda: redis_ledger.release("k"),
        ]
        for use in uses:
            with pytest.raises(LedgerLost) as caught:
                use()
            assert str(redis_server.port) not in str(caught.value)
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
