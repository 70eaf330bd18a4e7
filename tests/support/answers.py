"""A session that gives the same answer to every request, without a network."""

from __future__ import annotations

import io
import json
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter


class _Always(BaseAdapter):
    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        super().__init__()
        self._status = status
        self._body = body
        self._headers = headers

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = self._status
        response.headers.update(self._headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(self._body), preload_content=False)
        response.request = request
        return response

    def close(self) -> None:
        """Close nothing."""


def session_with(
    reply: Any, status: int = 200, headers: dict[str, str] | None = None
) -> requests.Session:
    """Return a session whose every answer is this JSON value, or these bytes."""
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Always(status, body, headers or {}))
    return session
