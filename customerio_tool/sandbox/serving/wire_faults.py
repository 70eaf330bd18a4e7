"""Performs a fault's action on the connection: broken bytes, slow bytes, resets, silence."""

from __future__ import annotations

import selectors
import socket
import struct
import sys
from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING

from .faults import Fault
from .http import Reply, Request

if TYPE_CHECKING:
    from .server import Connection

_HTML = b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body>Error</body></html>\n"
_PIECES_PER_SECOND = 10
_LINGER = "hh" if sys.platform == "win32" else "ii"


def serve(request: Request, fault: Fault, connection: Connection) -> None:
    """Apply a request unless its fault forbids it, and answer as the fault demands."""
    application = connection.server.application
    hangs = fault.action.startswith("no_answer")
    if not hangs and fault.delay_before == "applying" and application.ending.wait(fault.delay):
        return
    reply = application.handle(request)
    if not hangs and fault.delay_before == "answering" and application.ending.wait(fault.delay):
        return
    _ACTIONS[fault.action](shape(fault, reply), connection, fault)


def shape(fault: Fault, reply: Reply) -> Reply:
    """The answer with the fault's status, headers and body."""
    headers = dict(reply.headers)
    body = reply.body if fault.payload is None else fault.payload
    if fault.action == "html_page":
        headers["Content-Type"] = "text/html; charset=utf-8"
        body = _HTML if fault.body is None else body
    elif fault.action == "malformed_json":
        body = body[: len(body) // 2] or b"{"
    elif fault.action == "redirect":
        headers["Location"] = fault.url or ""
    if fault.retry_after is not None:
        headers["Retry-After"] = _retry_after(fault.retry_after, fault.retry_after_form)
    replaced = {name.lower() for name in fault.headers}
    kept = [(name, text) for name, text in headers.items() if name.lower() not in replaced]
    return Reply(fault.status or reply.status, body, (*kept, *fault.headers.items()))


def _retry_after(seconds: float, form: str) -> str:
    return formatdate(time() + seconds, usegmt=True) if form == "date" else f"{seconds:g}"


def _answer(reply: Reply, connection: Connection, _fault: Fault) -> None:
    connection.send(connection.encode(reply))


def _slow_body(reply: Reply, connection: Connection, fault: Fault) -> None:
    data = connection.encode(reply)
    start = data.index(b"\r\n\r\n") + 4
    connection.send(data[:start])
    pace = fault.bytes_per_second or 1
    size = max(1, pace // _PIECES_PER_SECOND)
    for at in range(start, len(data), size):
        if connection.server.application.ending.wait(size / pace):
            return
        connection.send(data[at : at + size])


def _cut_body(reply: Reply, connection: Connection, _fault: Fault) -> None:
    data = connection.encode(reply)
    start = data.index(b"\r\n\r\n") + 4
    connection.send(data[: start + (len(data) - start) // 2])
    connection.close_connection = True


def _length_too_small(reply: Reply, connection: Connection, _fault: Fault) -> None:
    connection.send(connection.encode(reply, len(reply.body) // 2))


def _length_too_large(reply: Reply, connection: Connection, _fault: Fault) -> None:
    connection.send(connection.encode(reply, 2 * len(reply.body) + 1))


def _close_idle(reply: Reply, connection: Connection, _fault: Fault) -> None:
    connection.send(connection.encode(reply))
    connection.close_connection = True  # after encode, or the answer would announce it


def _reset(_reply: Reply, connection: Connection, _fault: Fault) -> None:
    """Close with a linger time of 0: that drops unsent bytes and sends a TCP RST."""
    sock = connection.request_socket
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
    connection.close_connection = True
    socket.close(sock.detach())  # closed here, since the stdlib would send a FIN first


def _no_answer(_reply: Reply, connection: Connection, fault: Fault) -> None:
    """Wait for the end of the delay, or for the client's FIN, which makes the socket readable."""
    connection.close_connection = True
    with selectors.DefaultSelector() as selector:
        selector.register(connection.request_socket, selectors.EVENT_READ)
        selector.select(fault.delay or None)


_ACTIONS: dict[str, Callable[[Reply, Connection, Fault], None]] = {
    "answer": _answer,
    "slow_body": _slow_body,
    "cut_body": _cut_body,
    "length_too_small": _length_too_small,
    "length_too_large": _length_too_large,
    "malformed_json": _answer,
    "html_page": _answer,
    "redirect": _answer,
    "close_idle": _close_idle,
    "reset_before_applying": _reset,
    "reset_after_applying": _reset,
    "no_answer_before_applying": _no_answer,
    "no_answer_after_applying": _no_answer,
}
