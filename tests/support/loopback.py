"""A server on loopback that answers with the bytes it is told to, and a port without one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TypeAlias

from tests.support.timeouts import PATIENCE

Script: TypeAlias = Callable[[socket.socket], None]


def answer(body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a whole HTTP/1.1 reply, after which the connection is closed."""
    lines = [b"HTTP/1.1 " + status, b"Connection: close", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def says(*pieces: bytes) -> Script:
    """Return a script that sends these bytes and hangs up."""

    def script(peer: socket.socket) -> None:
        for piece in pieces:
            peer.sendall(piece)

    return script


@contextmanager
def nobody_listening() -> Iterator[str]:
    """Give a URL that refuses connections, whose port nobody else is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


class Loopback:
    """Reads one request from each connection in turn, plays the next script, hangs up."""

    def __init__(self, scripts: Iterable[Script]) -> None:
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Closing a listener does not wake the thread that waits on it everywhere; a caller does,
        # one for each script that is left, and it waits for no answer: the thread may be done.
        while self._thread.is_alive():
            with suppress(OSError):
                socket.create_connection(self._listener.getsockname(), timeout=1).close()
            self._thread.join(0.05)
        self._listener.close()

    def _serve(self) -> None:
        while self._scripts:
            peer, _ = self._listener.accept()
            # The client may hang up first, as some tests want it to; nobody waits for it for ever.
            with peer, suppress(OSError):
                peer.settimeout(PATIENCE)
                script = self._scripts.pop(0)
                if request := _request(peer):
                    self.requests.append(request)
                    script(peer)


def _request(peer: socket.socket) -> bytes:
    """Return the head of a request, its body read too; nothing of one that ends too early."""
    with peer.makefile("rb") as stream:
        lines: list[bytes] = []
        while (line := stream.readline()) != b"\r\n":
            if not line:
                return b""
            lines.append(line)
        length = next(
            (int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-len")),
            0,
        )
        stream.read(length)
    return b"".join(lines)
