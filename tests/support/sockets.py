"""Counts the connections that a sandbox accepts and closes."""

from __future__ import annotations

from threading import Semaphore
from typing import Any

import pytest

from customerio_tool.sandbox.serving.server import Server


class Sockets:
    """What a sandbox accepted and closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.accepted = 0
        self.opened, self.closed = Semaphore(0), Semaphore(0)
        accept, close = Server.get_request, Server.shutdown_request

        def count(server: Server) -> Any:
            accepted = accept(server)
            self.accepted += 1
            self.opened.release()
            return accepted

        def tell(server: Server, request: Any) -> None:
            close(server, request)
            self.closed.release()

        monkeypatch.setattr(Server, "get_request", count)
        monkeypatch.setattr(Server, "shutdown_request", tell)

    def wait_for_open(self, number: int) -> None:
        """Wait until so many were accepted, which a server does after the client is connected."""
        for _ in range(number):
            assert self.opened.acquire(timeout=10)

    def wait_for_close(self) -> None:
        assert self.closed.acquire(timeout=10)
