"""What tests of faults share: a raw connection, one write, and what the log says of it."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

FOREVER = 3600  # seconds: a test that waited for it would hang, and be seen
CLOSED = b""


class Wire:
    """One raw connection, so that nothing is retried, repaired or hidden."""

    def __init__(self, api: Api) -> None:
        where = urlsplit(api.sandbox.track_url)
        self._auth = api.basic()["Authorization"]
        self.sock = socket.create_connection(
            (where.hostname or "", where.port or 0), timeout=PATIENCE
        )

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def identify(self, identifier: str) -> None:
        body = b'{"plan":"x"}'
        head = (
            f"PUT /api/v1/customers/{identifier} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {self._auth}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.sock.sendall(head.encode() + body)

    def read_head(self) -> bytes:
        """What comes until the empty line, and what came with it."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(1)
            assert piece, data
            data += piece
        return data

    def read_all(self) -> bytes:
        """Everything until the server closes."""
        return b"".join(iter(lambda: self.sock.recv(65536), b""))


def log(api: Api) -> list[tuple[Any, ...]]:
    return [(e["status"], e["applied"], e["fault"]) for e in api.sandbox.requests()]


def identify(api: Api, identifier: str = "x", **more: Any) -> requests.Response:
    return api.track("PUT", f"/api/v1/customers/{identifier}", {"plan": "x"}, **more)
