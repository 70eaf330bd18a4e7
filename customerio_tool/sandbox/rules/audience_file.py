"""Reads a broadcast's ``data_file_url``: JSON Lines, fetched from this machine only.

A transaction would stop all other requests while a slow server drips. So ``read`` does not fetch:
it raises ``Wanted``, ``application`` fetches the file outside the transaction and tries again.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from io import BytesIO
from threading import Event, Timer
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..json_text import parse_json
from ..limits import AUDIENCE_LINE
from ..refusal import Refused
from ..store.workspace import Workspace

POINTER = "/data/attributes/data_file_url"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_LINES = 1_000_000
_MAX_BYTES = 50_000_000  # the vendor takes 10 GB; a test needs less
_CHUNK = 65536
_FAILED = "failed to download data file"  # the vendor's words (BE)


@dataclass(frozen=True)
class File:
    """The entries of a file, one per line, or why there are none."""

    entries: list[Any] = field(default_factory=list)
    problem: str = ""


class Wanted(Exception):
    """A file that must be fetched first. Not a ``Refused``: the call is tried again.

    Attributes:
        url: where it is.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def read(ws: Workspace, url: Any) -> list[Any]:
    """The entries of the file, one per line.

    Raises:
        Wanted: the file was not fetched yet.
        Refused: ``unprocessable`` with a pointer.
    """
    _address(url)
    if url not in ws.files:
        raise Wanted(url)
    file = ws.files[url]
    if file.problem:
        raise _bad(file.problem)
    return file.entries


def _address(url: Any) -> SplitResult:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        _ = parts and parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https"):
        raise _bad("data_file_url must be an http or https URL")
    if parts.hostname not in _LOOPBACK:
        raise _bad("data_file_url: the local Customer.io fetches from loopback only")
    return parts


def fetch(url: str, timeout: float) -> File:
    """Fetch a file, without following a redirect.

    Args:
        url: an http or https URL on this machine.
        timeout: the seconds to connect, and then those for all of the answer.
    """
    parts = _address(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    late = Event()
    try:
        connection.connect()
        with _cut_after(timeout, connection.sock, late):
            content = _content(connection, parts)
        file = content if isinstance(content, File) else _parsed(content)
    except (OSError, ValueError, HTTPException):
        file = File(problem=f"{_FAILED}: no connection, or a broken answer")
    finally:
        connection.close()
    if late.is_set():
        return File(problem=f"{_FAILED} within {timeout:g} seconds")
    return file


@contextmanager
def _cut_after(seconds: float, sock: socket.socket, late: Event) -> Iterator[None]:
    """Cut a connection that takes longer, also in the middle of a read; ``late`` says whether.

    A timeout of the socket counts for each read anew.
    """

    def cut() -> None:
        late.set()
        with suppress(OSError):  # it is closed already
            sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _content(connection: HTTPConnection, parts: SplitResult) -> bytes | File:
    connection.request("GET", parts._replace(scheme="", netloc="", fragment="").geturl() or "/")
    response = connection.getresponse()
    if response.status != HTTPStatus.OK:
        code = f"{response.status} {response.reason}".strip()
        return File(problem=f"{_FAILED}, server responded with code {code}")
    content = bytearray()
    while piece := response.read1(_CHUNK):
        content += piece
        if len(content) > _MAX_BYTES:
            return File(problem="data_file_url: the file is too large")
    return bytes(content)


def _parsed(content: bytes) -> File:
    """The entries of a file; one more than ``MOST_LINES`` at most, which is refused later."""
    entries: list[Any] = []
    for number, line in enumerate(map(bytes.strip, BytesIO(content)), 1):
        if len(line) > AUDIENCE_LINE:
            return File(problem=f"line {number}: larger than 2 MB")
        try:
            entries += [parse_json(line)] if line else []
        except Refused:
            return File(problem=f"line {number}: not JSON")
        if len(entries) > MOST_LINES:
            break
    return File(entries)


def _bad(message: str) -> Refused:
    return Refused(message, "unprocessable", pointer=POINTER)
