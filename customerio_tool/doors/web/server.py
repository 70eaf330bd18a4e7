"""Runs an application until a signal: it says when it listens, and lets running calls end."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from customerio_tool.calls.recovery import CALL_SECONDS

_UVICORN = logging.getLogger("uvicorn.error")
_STOPPING = (signal.SIGINT, signal.SIGTERM)
_MAX_REQUESTS = 256
"""Requests at once; beyond it the server answers 503."""

_LAST_SECONDS = int(CALL_SECONDS) + 5
"""How long running calls may take to end after a signal: longer than any call takes."""


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach a server that listens on this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, and whose connections send each piece at once.

    Else a reply's body waits for the client to acknowledge its head, which takes 40 ms.

    Raises:
        OSError: The host is not this machine's, or the port is taken.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.create_server(address[:2], family=family, backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its connections have it too
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of the server that listens on a socket, without a final slash."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(app: ASGIApp, listener: socket.socket, when_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; enter this in the main thread.

    Running calls may end first; a second SIGINT cancels them.

    Args:
        app: The application.
        listener: The socket, which is closed at the end.
        when_ready: Called once the server answers.

    Raises:
        RuntimeError: The application did not start.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_REQUESTS,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    server = _Server(config, when_ready)
    with listener:
        asyncio.run(server.serve(sockets=[listener]))
    if not server.started:
        raise RuntimeError("the application did not start")


class _Server(uvicorn.Server):
    """A server that says when it is ready, and whose end by a signal is a success."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second SIGINT cuts off what still runs, and that is no error to print."""
        super().handle_exit(sig, frame)
        _UVICORN.disabled = self.force_exit

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and do not send it again at the end, as uvicorn would."""
        before = {number: signal.signal(number, self.handle_exit) for number in _STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
