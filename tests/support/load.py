"""Many requests on many kept-alive connections: a client of raw sockets, one thread for each."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from urllib.parse import urlsplit

from customerio_tool.sandbox import Sandbox
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

CONNECTIONS = 32


def mixed(sandbox: Sandbox) -> Callable[[int], bytes]:
    """The nth request: of ten, four identify, five track and one reads what was written."""
    track = "".join(f"{name}: {value}\r\n" for name, value in Api(sandbox).basic().items())
    app = f"Authorization: Bearer {sandbox.app_api_key}\r\n"

    def request(number: int) -> bytes:
        person = f"/api/v1/customers/load-{number // 10}"
        kind = number % 10
        if kind < 4:
            return framed("PUT", person, track, {"plan": "pro", f"a{kind}": number})
        if kind < 9:
            event = {"name": "order_paid", "data": {"total": number, "items": ["a", "b"]}}
            return framed("POST", f"{person}/events", track, event)
        return framed("GET", "/v1/segments", app)

    return request


def framed(method: str, path: str, headers: str, body: object = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    length = f"Content-Length: {len(content)}\r\n"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}{length}\r\n".encode() + content
    )


class Connection:
    """One kept-alive connection; ``send`` returns the status of the answer."""

    def __init__(self, origin: str) -> None:
        where = urlsplit(origin)
        self._socket = socket.create_connection(
            (where.hostname or "", where.port or 0), timeout=PATIENCE
        )
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> int:
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        return int(head.split(b" ")[1])

    def _more(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("the server hung up")
        return piece

    def close(self) -> None:
        self._socket.close()


class Crowd:
    """Connections that send at the same time."""

    def __init__(self, origin: str, connections: int = CONNECTIONS) -> None:
        self._connections = [Connection(origin) for _ in range(connections)]
        self._pool = ThreadPoolExecutor(connections)

    def send(self, request: Callable[[int], bytes], numbers: range) -> list[tuple[int, float]]:
        """Send the requests of these numbers; returns status and seconds of each."""

        def work(worker: int) -> list[tuple[int, float]]:
            found = []
            for number in numbers[worker :: len(self._connections)]:
                content = request(number)
                began = perf_counter()
                status = self._connections[worker].send(content)
                found.append((status, perf_counter() - began))
            return found

        workers = self._pool.map(work, range(len(self._connections)))
        return [each for found in workers for each in found]

    def close(self) -> None:
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()
