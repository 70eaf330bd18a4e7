"""Knows how to run a real redis-server for a test, and how to take it away half-way.

`RedisServer` is a context manager. The module is also a pytest plugin: its fixture `redis_server`
is one server for the whole run of a worker, which every test finds running and empty. Tests that
use either are marked `requires("redis-server")`.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

import pytest

from tests.support.requirements import located
from tests.support.timeouts import PATIENCE

READY = b"Ready to accept connections"
_PORTS = range(20_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 100, 32_000, 100)
"""Below those that Linux, macOS and Windows give to connections that go out; no other worker's."""

_given: set[int] = set()


class RedisServer:
    """A redis-server on a free loopback port, which keeps nothing on disk unless it is asked to.

    Clients of `patient_url` give it up only when it is gone, and not when the machine is busy.
    """

    def __init__(self, *, keeps: bool = False) -> None:
        self._append = "yes" if keeps else "no"
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        timeouts = f"socket_timeout={PATIENCE}&socket_connect_timeout={PATIENCE}"
        self.patient_url = f"{self.url}?{timeouts}"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")

    def __enter__(self) -> RedisServer:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start with what it kept, and return when it answers; a running one stays as it is."""
        if self._process is not None:
            return
        program = located("redis-server")
        assert program, 'mark the test with requires("redis-server")'
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", self._folder.name]
        self._process = subprocess.Popen(
            [program, *where, "--save", "", "--appendonly", self._append],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if READY in line:
                return
        self.kill()
        raise AssertionError(b"redis-server did not start:\n" + b"".join(said))

    def kill(self) -> None:
        """End the process as a crash would, with all that it holds."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Take connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Remove all that it holds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(16) == b"+OK\r\n"


def _free_port() -> int:
    """Return a port that nobody has, nor is given while the server that had it is away."""
    while True:
        port: int = random.SystemRandom().choice(sorted({*_PORTS} - _given))
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            _given.add(port)
            return port


@pytest.fixture(scope="session")
def redis_server_of_run() -> Iterator[RedisServer]:
    """The one server of a worker's whole run; tests ask for `redis_server`."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(redis_server_of_run: RedisServer) -> RedisServer:
    """A running, empty redis-server, which a test may kill and start again."""
    redis_server_of_run.start()
    redis_server_of_run.empty()
    return redis_server_of_run
