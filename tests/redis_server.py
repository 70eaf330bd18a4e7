"""Knows how to run a real redis-server for a test, and how to take it away half-way.

A pytest plugin: a module whose tests ask for the fixture `redis_server` says
`pytest_plugins = ["tests.redis_server"]` and marks those tests `requires("redis-server")`.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import located

READY = "Ready to accept connections"


class RedisServer:
    """A redis-server on loopback which keeps nothing on disk.

    Args:
        command: The path of the program.
        directory: Where it works.
    """

    def __init__(self, command: str, directory: Path) -> None:
        self._command = command
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        self.port = _free_port()

    @property
    def url(self) -> str:
        """What a client connects to; the same after a restart."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and return when it accepts connections; a running one stays as it is."""
        if self._process is not None:
            return
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [self._command, *options, "--appendonly", "no", "--dir", str(self._directory)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if READY in line:
                return
        self.kill()
        raise AssertionError("redis-server did not start:\n" + "".join(said))

    def kill(self) -> None:
        """End it at once, as a crash would, with all that it holds."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    def empty(self) -> None:
        """Remove all that it holds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(16) == b"+OK\r\n"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_server_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The one redis-server of the whole run; tests ask for `redis_server`."""
    command = located("redis-server")
    assert command, 'mark the test with requires("redis-server")'
    server = RedisServer(command, tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_server(redis_server_of_session: RedisServer) -> RedisServer:
    """A running, empty redis-server, which a test may kill and start again."""
    redis_server_of_session.start()
    redis_server_of_session.empty()
    return redis_server_of_session
