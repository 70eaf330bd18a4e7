"""The log as it grows, by Server-Sent Events: so many listeners at once and no more."""

from __future__ import annotations

from collections.abc import Callable, Generator
from threading import BoundedSemaphore
from typing import Any

from ..refusal import Refused
from ..serving.application import Application
from ..store.store import StoreClosed
from ..store.workspace import Workspace
from . import queries

MOST = 8
HEARTBEAT = 15.0  # seconds; a comment shows that the listener is still there
_AGAIN = b"retry: 2000\n\n"
_RELOAD = b"event: reload\ndata: the log began anew, or grew too fast to follow\n\n"
Render = Callable[[Any], str]


class Listeners:
    """Those who see the log grow."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(MOST)

    def listen(
        self, application: Application, after: int, render: Render
    ) -> Generator[bytes, None, None]:
        """The entries after a number, each an event with its row of HTML, until the server stops.

        Raises:
            Refused: ``too_many`` listeners.
        """
        if not self._free.acquire(blocking=False):
            raise Refused(f"There are {MOST} listeners already: close a page.", "too_many")
        pieces = self._until_left(_follow(application, after, render))
        next(pieces)  # a generator that never began would not free its place
        return pieces

    def _until_left(self, pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
        try:
            yield b""
            yield _AGAIN
            yield from pieces
        except StoreClosed:
            pass  # the server stops
        finally:
            self._free.release()


def _follow(application: Application, after: int, render: Render) -> Generator[bytes, None, None]:
    log = ""
    while not application.ending.is_set():
        generation, last, rows = application.read_when(
            lambda ws, n=after: queries.last_request(ws) != n,  # type: ignore[misc] # bound now
            HEARTBEAT,
            lambda ws, n=after: _news(ws, n),  # type: ignore[misc]
        )
        log = log or generation
        if generation != log or last < after or last - after > queries.PAGE:
            yield _RELOAD
            return
        for row in rows:
            after = int(row["n"])
            yield _event(after, render(row))
        if not rows:
            yield b": still here\n\n"


def _news(ws: Workspace, after: int) -> tuple[str, int, list[Any]]:
    ws.store.renew()
    rows = queries.requests_after(ws, after)
    return ws.store.generation, queries.last_request(ws), rows


def _event(number: int, html: str) -> bytes:
    lines = "\n".join(f"data: {line}" for line in html.strip().splitlines())
    return f"id: {number}\n{lines}\n\n".encode()
