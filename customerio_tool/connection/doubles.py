"""Finds the test doubles that a test has put in the place of `requests` or urllib3.

The client sends by a session's adapter, over connections of its own. So it must look for doubles
that replace something else, or a test would reach Customer.io.
"""

from __future__ import annotations

import inspect
from typing import Any

from requests.sessions import Session
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_REQUESTS_FILE = Session.mount.__code__.co_filename


def replaces_send(session: Session) -> bool:
    """Whether a double replaces `Session.send`, as requests-mock and `unittest.mock` do.

    A wrapper that ends in the `send` of requests, such as telemetry, is none. Nor is a `send` of
    a session's own class: only the adapters of a session are used.
    """
    send = inspect.unwrap(vars(session).get("send", Session.send))
    code = getattr(send, "__code__", None)
    return code is None or code.co_filename != _REQUESTS_FILE


def replaces_connections() -> bool:
    """Whether a double replaces the connections of urllib3, as vcrpy does."""
    return (
        HTTPConnectionPool.ConnectionCls is not HTTPConnection
        or HTTPSConnectionPool.ConnectionCls is not HTTPSConnection
    )


def refuse_unheeded() -> None:
    """Refuse to call Customer.io itself while a mock replaces `Session.request`.

    Raises:
        RuntimeError: There is such a mock. The client never calls it, so it would hold nothing.
    """
    request: Any = Session.request
    if type(request).__module__ == "unittest.mock" or hasattr(request, "mock"):
        raise RuntimeError(
            "A mock replaces requests.Session.request, which this tool does not call, so nothing "
            "was sent. Replace requests.Session.send, or use responses, requests-mock or vcrpy."
        )
