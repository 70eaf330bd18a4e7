"""Pools of kept-alive connections; a POST that may not be repeated uses none that was idle long."""

from __future__ import annotations

import errno
import http.client
import math
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, Full
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ProtocolError

from customerio_tool.connection.answer import Answer
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.punctual import (
    SHORT,
    PunctualConnection,
    PunctualTlsConnection,
    exchange_in_force,
    has_decrypted,
    set_timeout,
)
from customerio_tool.secret import Secret

MAX_IDLE_SECONDS = 5.0
"""The longest idle time, in seconds, of a connection for a POST that may not be repeated."""


class _Stack:
    """The idle connections of a pool, in the way of `queue.LifoQueue` without blocking.

    Its steps are atomic. A `LifoQueue` would keep its lock if a signal handler raised while Python
    enters it, and every later call would wait for ever.
    """

    def __init__(self, maxsize: int = 0) -> None:
        self.queue: deque[Any] = deque()
        self._maxsize = maxsize

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add a connection; raise `queue.Full` if there is no room."""
        del block, timeout
        if 0 < self._maxsize <= len(self.queue):
            raise Full
        self.queue.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the newest connection; raise `queue.Empty` if there is none."""
        del block, timeout
        try:
            return self.queue.pop()
        except IndexError:
            raise Empty from None

    def qsize(self) -> int:
        """Return the number of connections."""
        return len(self.queue)


class FreshForPostsPool(HTTPConnectionPool):
    """A pool that reconnects before a POST that may not be repeated, after more than 5 s of idling.

    urllib3 itself drops a connection that the server has closed already.
    """

    ConnectionCls: type[HTTPConnection] = PunctualConnection
    QueueCls: Any = _Stack
    monotonic: Callable[[], float]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._current = threading.local()

    def urlopen(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request in the way of urllib3."""
        self._note(method)
        return super().urlopen(method, *args, **kwargs)

    def _note(self, method: str) -> None:
        """Note whether a request needs a fresh connection: `_get_conn` is not given it."""
        exchange = exchange_in_force()
        if exchange:
            exchange.has_begun = False
        self._current.needs_fresh = method == "POST" and not (exchange and exchange.repeats)

    def exchange(
        self, request: Request, headers: Secret[dict[str, str]], timeouts: tuple[float, float]
    ) -> Answer:
        """Send a request straight on a connection; `urlopen` costs more than all of `http.client`.

        Args:
            request: The request; its target must go to the wire as it is.
            headers: Its headers, but for the length of its body.
            timeouts: The longest wait for a connection, and for each byte of the answer, in
                seconds.

        Returns:
            The answer, whose body is still to be read; it gives the connection back.

        Raises:
            OSError: The connection broke, or no byte came in time.
            urllib3.exceptions.HTTPError: No connection was made, or the answer is no HTTP.
        """
        self._note(request.method)
        connection = self._get_conn()
        try:
            return self._exchanged(connection, request, headers, timeouts)
        except http.client.HTTPException as error:
            broken = error
            connection.close()
        except BaseException:
            connection.close()
            raise
        raise ProtocolError("Connection aborted.", broken)

    def _exchanged(
        self,
        connection: Any,
        request: Request,
        headers: Secret[dict[str, str]],
        timeouts: tuple[float, float],
    ) -> Answer:
        connection.timeout, until_answered = timeouts
        if connection.sock is None:
            connection.connect()
        if request.body is None or len(request.body) <= SHORT:  # one timeout serves for both
            connection.short_sends_within = until_answered
        _send(connection, request, headers)
        connection.short_sends_within = math.inf
        set_timeout(connection.sock, until_answered)
        response = http.client.HTTPConnection.getresponse(connection)
        try:
            return Answer(response, partial(self._let_go, connection))
        except BaseException:
            response.close()
            raise

    def _let_go(self, connection: Any, is_reusable: bool) -> None:
        if is_reusable:
            self._put_conn(connection)
        else:
            connection.close()

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        # Otherwise `http.client.HTTPConnection.debuglevel`, set by a host, prints credentials.
        connection.set_debuglevel(0)
        return connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        idle_since = getattr(connection, "idle_since", 0.0)
        if self._current.needs_fresh and self.monotonic() - idle_since > MAX_IDLE_SECONDS:
            connection.close()
        return connection

    def warm(self, seconds: float) -> None:
        """Open a connection, unless one is kept that any request may use.

        One that is kept counts as idle since its last use all the same: looking proves nothing.

        Args:
            seconds: The longest that it may take.
        """
        self._current.needs_fresh = True
        connection = self._get_conn()
        is_new = connection.sock is None
        try:
            if is_new:
                connection.timeout = seconds
                connection.connect()
        except BaseException:
            connection.close()
            raise
        finally:
            (self._put_conn if is_new else super()._put_conn)(connection)

    def close_idle(self) -> None:
        """Close the idle connections; those in use, and the pool, stay open."""
        idle = self.pool
        with suppress(Empty):
            while idle is not None:
                if connection := idle.get(block=False):
                    connection.close()

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, HTTPConnection):
            conn.idle_since = self.monotonic()  # type: ignore[attr-defined]  # our own attribute
            if has_decrypted(conn.sock):  # bytes that follow the answer
                conn.close()
        super()._put_conn(conn)


_CLOSED_BY_PEER = {errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE}


def _send(connection: Any, request: Request, headers: Secret[dict[str, str]]) -> None:
    """Send a request; where the server closes meanwhile, its answer may be there already."""
    connection.putrequest(request.method, request.target, skip_accept_encoding=True)
    # That of urllib3 looks for values of its own, by which a header is left out.
    add = partial(http.client.HTTPConnection.putheader, connection)
    for name, value in headers.reveal().items():
        add(name, value)
    if (length := request.declared_length) is not None:
        add("Content-Length", length)
    try:
        connection.end_with(request.body)
    except OSError as error:
        if error.errno not in _CLOSED_BY_PEER:
            raise


class FreshForPostsTlsPool(FreshForPostsPool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = PunctualTlsConnection
