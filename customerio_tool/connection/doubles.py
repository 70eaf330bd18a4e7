"""Finds the test doubles that a test has put in the place of `requests` or urllib3.

The client sends by a session's adapter, over connections of its own. So it must look for doubles
that replace something else, or a test would reach Customer.io.
"""

from __future__ import annotations

import inspect
from operator import attrgetter
from types import FunctionType
from typing import Any

from requests.adapters import HTTPAdapter
from requests.sessions import Session
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_REQUESTS_FILE = Session.mount.__code__.co_filename
_ADAPTERS_FILE = HTTPAdapter.close.__code__.co_filename
_POOLS_FILE = HTTPConnectionPool.close.__code__.co_filename
_CONNECTIONS_FILE = HTTPConnection.connect.__code__.co_filename
_steps_of = attrgetter("urlopen", "_make_request", "_get_conn")
"""What a double replaces of the pools; those of TLS inherit it."""

_plain: list[tuple[Any, ...]] = [()]
"""The functions that were last found to be those of `requests` and urllib3."""


def is_doubled(session: Session) -> bool:
    """Whether any double is in force, so that nothing may be opened beforehand."""
    if _is_elsewhere(HTTPAdapter.send, _ADAPTERS_FILE) or _is_mock(Session.request):
        return True
    return replaces_send(session) or replaces_connections()


def is_seen(session: Session, adapter: HTTPAdapter) -> bool:
    """Whether anything in the place of `requests` or urllib3 must see what is sent.

    Besides doubles, that may be telemetry around the functions that usually send.
    """
    functions = (HTTPAdapter.send, HTTPSConnection.request, *_steps_of(HTTPSConnectionPool))
    if functions != _plain[0]:
        files = (_ADAPTERS_FILE, _CONNECTIONS_FILE, *[_POOLS_FILE] * 3)
        if any(map(_is_replaced, functions, files)):
            return True
        _plain[0] = functions
    return "send" in vars(adapter) or replaces_send(session) or replaces_connections()


def _is_replaced(function: Any, file: str) -> bool:
    """Whether a function, whatever it wraps, is not the plain one of this file."""
    return type(function) is not FunctionType or function.__code__.co_filename != file


def _is_elsewhere(function: Any, file: str) -> bool:
    """Whether a function, or the one that it wraps, is not of this file."""
    if not _is_replaced(function, file):
        return False
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is None or code.co_filename != file


def replaces_send(session: Session) -> bool:
    """Whether a double replaces `Session.send`, as requests-mock and `unittest.mock` do.

    A wrapper that ends in the `send` of requests, such as telemetry, is none. Nor is a `send` of
    a session's own class, or one that a host gave its session: it might send twice, and only the
    adapters of a session are used.
    """
    own = vars(session).get("send")
    if own is not None and _is_mock(own):
        return True
    return _is_elsewhere(Session.send, _REQUESTS_FILE)


def _is_mock(function: Any) -> bool:
    modules = type(function).__module__, getattr(function, "__module__", None) or ""
    is_of_mocker = modules[1].partition(".")[0] == "requests_mock"
    return "unittest.mock" in modules or hasattr(function, "mock") or is_of_mocker


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
    if _is_mock(Session.request):
        raise RuntimeError(
            "A mock replaces requests.Session.request, which this tool does not call, so nothing "
            "was sent. Replace requests.Session.send, or use responses, requests-mock or vcrpy."
        )
