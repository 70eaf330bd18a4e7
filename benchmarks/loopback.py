"""A server on loopback in a process of its own, which answers as Customer.io does and no more.

It has five ports: plain HTTP; TLS; TLS that closes the connection after each answer; and both that
answer after 100 ms. `GET /connections` tells how many connections a port has taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from benchmarks.replies import reply_to, whole

MODULE = "benchmarks.loopback"
SLOW_SECONDS = 0.1
_CLOSE = b"Connection: close\r\n"
_TRACK = "/api/"


@dataclass
class Port:
    """What one port does.

    Args:
        secure: Whether it speaks TLS.
        delay: After how many seconds it answers.
        closes: Whether it closes each connection after its first answer.
    """

    secure: bool = False
    delay: float = 0.0
    closes: bool = False
    connections: int = 0


class Answering(asyncio.Protocol):
    """Answers the requests of one connection."""

    def __init__(self, port: Port, replies: dict[str, bytes]) -> None:
        port.connections += 1
        self._port, self._replies = port, replies
        self._read = b""
        self._peer: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to answer on."""
        if isinstance(transport, asyncio.Transport):
            self._peer = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come whole."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n") + 4) > 3:
            head = self._read[:end].lower()
            start = head.find(b"content-length:")
            end += int(head[start + 15 : head.find(b"\r", start)]) if start > 0 else 0
            if len(self._read) < end:
                return
            target = self._read[: self._read.find(b"\r")].split(b" ")[1].decode()
            self._read = self._read[end:]
            self._answer(self._reply(target))

    def _reply(self, target: str) -> bytes:
        if target == "/connections":
            return whole(b"%d" % self._port.connections)
        kept = _TRACK if target.startswith(_TRACK) else target  # a million people are one reply
        if kept not in self._replies:
            self._replies[kept] = reply_to(target, _CLOSE if self._port.closes else b"")
        return self._replies[kept]

    def _answer(self, reply: bytes) -> None:
        if self._port.delay:
            asyncio.get_running_loop().call_later(self._port.delay, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: bytes) -> None:
        if self._peer is not None:
            self._peer.write(reply)
            if self._port.closes:
                self._peer.close()


_PORTS = {
    "http": Port(),
    "https": Port(secure=True),
    "closing": Port(secure=True, closes=True),
    "slow": Port(delay=SLOW_SECONDS),
    "slow https": Port(secure=True, delay=SLOW_SECONDS),
}


async def _serve(certificate: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop, numbers = asyncio.get_running_loop(), {}
    for name, port in _PORTS.items():
        made = partial(Answering, port, {})
        tls = context if port.secure else None
        server = await loop.create_server(made, "127.0.0.1", 0, ssl=tls, backlog=2048)
        numbers[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(numbers), flush=True)  # noqa: T201 - read by the client
    await loop.run_in_executor(None, sys.stdin.read)  # until the client has gone


@dataclass(frozen=True)
class Server:
    """The server as its clients see it.

    Args:
        ports: The number of each port.
        ca_file: The usual root certificates, and the one that the server's is made by.
    """

    ports: dict[str, int]
    ca_file: str

    def origin(self, name: str = "http") -> str:
        """Return the origin of a port."""
        return f"{'https' if _PORTS[name].secure else 'http'}://127.0.0.1:{self.ports[name]}"

    def connections(self, name: str = "http") -> int:
        """Return how many connections a plain port has taken before this question."""
        asking = HTTPConnection("127.0.0.1", urlsplit(self.origin(name)).port)
        try:
            asking.request("GET", "/connections")
            return int(asking.getresponse().read()) - 1
        finally:
            asking.close()


@contextmanager
def serving(*, core: int | None = None) -> Iterator[Server]:
    """Run the server until the block ends, on one core if one is given."""
    with TemporaryDirectory(prefix="benchmarks-") as folder:
        certificate, ca_file = _certified(Path(folder))
        command = [sys.executable, "-m", MODULE, certificate]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - ours
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            ports = json.loads((process.stdout or sys.stdin).readline())
            try:
                yield Server(ports, ca_file)
            finally:
                process.terminate()


def _certified(folder: Path) -> tuple[str, str]:
    """Make a root certificate and the server's; return the files of the latter and of the roots."""
    import trustme

    ca = trustme.CA()
    certificate, roots = folder / "server.pem", folder / "roots.pem"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    roots.write_bytes(Path(DEFAULT_CA_BUNDLE_PATH).read_bytes() + ca.cert_pem.bytes())
    return str(certificate), str(roots)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
