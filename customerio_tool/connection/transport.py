"""The `requests` session of a client: it pools connections, without cookies or the environment.

It adds two guarantees to those of urllib3. A POST that may not be repeated uses a kept-alive
connection only if that was used in the last 5 s: a server may close an idle connection just as the
POST arrives, and the outcome would be unknown. And a call keeps its deadline: no read waits beyond
it, even if the bytes of an answer arrive one by one, and nothing is sent after it.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from queue import Empty, Full
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import wait_for_read, wait_for_write
from urllib3.util.connection import allowed_gai_family

from customerio_tool.connection.abandoning import unless_cancelled
from customerio_tool.connection.doubles import replaces_connections
from customerio_tool.connection.quiet import silence
from customerio_tool.connection.roots import context_for
from customerio_tool.deadline import Deadline
from customerio_tool.locks import renew_in_child

POOLED_HOSTS = 4
POOL_SIZE = 32
MAX_IDLE_SECONDS = 5.0
"""The longest idle time, in seconds, of a connection for a POST that may not be repeated."""


@dataclass
class Exchange:
    """One exchange of this thread.

    Args:
        deadline: When it must have ended.
        repeats: Whether its request may be sent again if the outcome is unknown.
        has_begun: Whether the first byte of the request may have been sent; None if no connection
            of ours observes it, as with a test double.
    """

    deadline: Deadline
    repeats: bool = False
    has_begun: bool | None = None


class _InForce(threading.local):
    exchange: Exchange | None = None


_in_force = _InForce()


def _deadline_in_force() -> Deadline | None:
    exchange = _in_force.exchange
    return exchange.deadline if exchange else None


@contextmanager
def in_force(exchange: Exchange) -> Iterator[None]:
    """Apply the deadline of an exchange to this thread inside the `with` block.

    This works for sessions of `new_session` only. In others each read has the full timeout anew,
    and `has_begun` stays None.
    """
    _in_force.exchange = exchange
    try:
        yield
    finally:
        _in_force.exchange = None


class _BoundedReads(io.RawIOBase):
    """The raw reader of a socket, with the deadline applied to each read."""

    def __init__(self, sock: Any, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the bytes that are there, or wait for some, at most until the deadline."""
        if deadline := _deadline_in_force():
            if deadline.was_cancelled_meanwhile():
                raise TimeoutError("the call was cancelled")
            self._wait(deadline)
            self._sock.settimeout(self._room(deadline))
        return self._raw.readinto(buffer)

    def _room(self, deadline: Deadline) -> float:
        """Return the seconds that one read may take."""
        if not (left := deadline.left()):
            raise TimeoutError("the deadline has passed")
        timeout: float | None = self._sock.gettimeout()
        return left if timeout is None else min(timeout, left)

    def _wait(self, deadline: Deadline) -> None:
        """Wait for bytes in slices, between which the host may cancel the call.

        A timeout of the socket itself could not be told from a signal handler's `TimeoutError`.
        """
        room = self._room(deadline)
        while (part := deadline.slice_of(room)) < room:
            if self._has_bytes() or wait_for_read(self._sock, timeout=part):
                return
            if deadline.is_cancelled():
                raise TimeoutError("the call was cancelled")
            room -= part

    def _has_bytes(self) -> bool:
        """Whether TLS has decrypted bytes that the socket no longer shows."""
        pending: Callable[[], int] | None = getattr(self._sock, "pending", None)
        return pending is not None and pending() > 0

    def close(self) -> None:
        """Close the reader below, which releases the socket."""
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReads(sock, self.fp.detach()))

    def _read_status(self) -> tuple[str, int, str]:
        """Skip the informational 102 and 103, which `http.client` takes for the final status."""
        read: Callable[[], tuple[str, int, str]] = super()._read_status  # type: ignore[misc]  # untyped
        version, status, reason = read()
        while HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
            http.client.parse_headers(self.fp)
            version, status, reason = read()
        return version, status, reason


class _PunctualConnection(HTTPConnection):
    """A connection that sends nothing after the deadline.

    Every failure to connect, also in TLS or a proxy's tunnel, raises `NewConnectionError` or
    `ConnectTimeoutError`: proof that the request was not sent.
    """

    response_class = _BoundedResponse
    _is_connecting = False

    def connect(self) -> None:
        self._is_connecting = True
        try:
            if (exchange := _in_force.exchange) and exchange.deadline.can_be_cancelled:
                unless_cancelled(
                    partial(self._connect_under, exchange.deadline), self.close, exchange.deadline
                )
            else:
                super().connect()
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: urllib3 1
            raise NewConnectionError(self, "no connection was made") from error
        finally:
            self._is_connecting = False
        if (deadline := _deadline_in_force()) and deadline.passed():
            self.close()
            raise ConnectTimeoutError(self, "the deadline has passed")

    def _connect_under(self, deadline: Deadline) -> None:
        """Connect in another thread, whose exchange is not that of the call.

        So a thread that goes on after a cancellation changes nothing of the call.
        """
        with silence().silent(), in_force(Exchange(deadline)):
            super().connect()

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request, and give all the time left to sending it.

        urllib3 would send a long body under the connect timeout.
        """
        if self.sock and (deadline := _deadline_in_force()):
            if not (left := deadline.left()):
                raise ConnectTimeoutError(self, "the deadline has passed")
            self.sock.settimeout(left)
        super().putrequest(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Send a part of the request, and note before it that the request has begun.

        The bytes that open a proxy's tunnel are no part of the request.
        """
        if self.sock is None and self.auto_open:
            self.connect()
        if not self._is_connecting and (exchange := _in_force.exchange):
            exchange.has_begun = True
            if exchange.deadline.can_be_cancelled and isinstance(data, bytes):
                self._send_in_parts(data, exchange.deadline)
                return
        super().send(data)

    def _send_in_parts(self, data: bytes, deadline: Deadline) -> None:
        """Send what the host may cancel in between, also where the server stops to read."""
        left = memoryview(data)
        while left:
            if deadline.was_cancelled_meanwhile() or deadline.passed():
                raise TimeoutError("the call was cancelled, or its deadline has passed")
            if wait_for_write(self.sock, timeout=deadline.slice_of(deadline.left())):
                left = left[self.sock.send(left) :]

    def _new_conn(self) -> socket.socket:
        """Try the host's addresses in turn until the deadline; urllib3 knows no common limit."""
        if (deadline := _deadline_in_force()) is None:
            return super()._new_conn()
        host, timeout = self._dns_host, self.timeout
        failure: Exception = ConnectTimeoutError(self, "the deadline has passed")
        name = host.strip("[]")  # a proxy's IPv6 address comes in brackets
        found = socket.getaddrinfo(name, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        try:
            for *_, address in found:
                if not (left := deadline.left()):
                    break
                self._dns_host = str(address[0])
                self.timeout = left if timeout is None else min(timeout, left)
                try:
                    made = super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
                else:
                    # The timeout of the TLS handshake and of a proxy's tunnel, which follow.
                    made.settimeout(min(self.timeout, deadline.left()))
                    return made
        finally:
            self._dns_host, self.timeout = host, timeout
        raise failure


class _PunctualTlsConnection(_PunctualConnection, HTTPSConnection):
    """The same over TLS."""


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


class _FreshForPostsPool(HTTPConnectionPool):
    """A pool that reconnects before a POST that may not be repeated, after more than 5 s of idling.

    urllib3 itself drops a connection that the server has closed already.
    """

    ConnectionCls: type[HTTPConnection] = _PunctualConnection
    QueueCls: Any = _Stack
    monotonic: Callable[[], float]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._current = threading.local()

    def urlopen(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Note whether the request needs a fresh connection: `_get_conn` is not given it."""
        exchange = _in_force.exchange
        if exchange:
            exchange.has_begun = False
        self._current.needs_fresh = method == "POST" and not (exchange and exchange.repeats)
        return super().urlopen(method, *args, **kwargs)

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

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, HTTPConnection):
            conn.idle_since = self.monotonic()  # type: ignore[attr-defined]  # our own attribute
        super()._put_conn(conn)


class _FreshForPostsTlsPool(_FreshForPostsPool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _PunctualTlsConnection


class _Adapter(HTTPAdapter):
    def __init__(self, monotonic: Callable[[], float], **settings: Any) -> None:
        clock = {"monotonic": staticmethod(monotonic)}
        self._pools: dict[str, Any] = {
            "http": type("_Pool", (_FreshForPostsPool,), clock),
            "https": type("_PoolTls", (_FreshForPostsTlsPool,), clock),
        }
        self._is_of_parent = False
        renew_in_child(self._leave_to_parent)
        super().__init__(**settings)

    def _leave_to_parent(self) -> None:
        self._is_of_parent = True

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; in a forked child, first replace the connections of the parent.

        If two processes shared a connection, each could read the other's replies. A test double
        that replaces the connections of urllib3 gets those of urllib3, none of this module.
        """
        if replaces_connections():
            return HTTPAdapter().send(*args, **kwargs)
        if self._is_of_parent:  # not done at the fork: urllib3 takes locks to close a pool
            self.init_poolmanager(POOLED_HOSTS, POOL_SIZE)
            self.proxy_manager = {}
            self._is_of_parent = False
        return super().send(*args, **kwargs)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Have all connections that trust the same file share one TLS context.

        A client certificate would be loaded into the context, so it gets one of its own.
        """
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        file = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
        is_shared = host["scheme"] == "https" and isinstance(file, str) and not cert
        context = context_for(file) if is_shared else None
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": context} if context else tls

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
        """Check that the files exist; a shared context has read its file already."""
        super().cert_verify(conn, *args, **kwargs)  # type: ignore[no-untyped-call]  # of requests
        if conn.conn_kw.get("ssl_context"):
            conn.ca_certs = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: urllib3.PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if isinstance(manager, urllib3.ProxyManager):  # a SOCKS manager needs its own pools
            manager.pool_classes_by_scheme = self._pools
        return manager

    def close(self) -> None:
        """Close the connections now; urllib3 would wait for the garbage collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - iterating over it raises
                if pool := manager.pools.get(key):
                    pool.close()
        super().close()


def new_session(*, monotonic: Callable[[], float] = time.monotonic) -> requests.Session:
    """Return a session that pools connections, stores no cookies and reads no environment.

    Args:
        monotonic: The clock, in seconds, that measures the idle time of connections.
    """
    session = requests.Session()
    session.trust_env = False
    jar = RequestsCookieJar()
    jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.cookies = jar
    adapter = _Adapter(monotonic, pool_connections=POOLED_HOSTS, pool_maxsize=POOL_SIZE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
