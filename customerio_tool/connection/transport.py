"""The `requests` session: it pools connections, remembers and prints nothing, reads no environment.

A POST may be something that must not happen twice, so it rides a kept-alive connection only if that
was used a moment ago: a server that closes idle connections could otherwise leave its fate unknown.
An answer may drip, in its headers as well, so no read of it waits beyond the call's deadline; and
nothing is sent after that, however long a connection took.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from customerio_tool.deadline import Deadline
from customerio_tool.locks import renew_in_child

POOLED_HOSTS = 4
POOL_SIZE = 32
MAX_IDLE_SECONDS = 5.0
"""How long a connection may have been idle for a POST to ride it."""


class _InForce(threading.local):
    deadline: Deadline | None = None


_in_force = _InForce()


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """Let no read of an answer, in this thread, wait beyond the deadline while inside.

    It holds for sessions of `new_session`; elsewhere a timeout starts anew with every byte.
    """
    before, _in_force.deadline = _in_force.deadline, deadline
    try:
        yield
    finally:
        _in_force.deadline = before


class _BoundedReads(io.RawIOBase):
    """The bytes that come in on a socket."""

    def __init__(self, sock: Any, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there, or wait for it no longer than the deadline in force."""
        if deadline := _in_force.deadline:
            if not (left := deadline.left()):
                raise TimeoutError("the deadline has passed")
            timeout = self._sock.gettimeout()
            self._sock.settimeout(left if timeout is None else min(timeout, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReads(sock, self.fp.detach()))

    def _read_status(self) -> tuple[str, int, str]:
        """Read on past 102 and 103, which announce the answer: `http.client` ends with them."""
        read: Callable[[], tuple[str, int, str]] = super()._read_status  # type: ignore[misc]  # untyped
        version, status, reason = read()
        while HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
            http.client.parse_headers(self.fp)
            version, status, reason = read()
        return version, status, reason


class _PunctualConnection(HTTPConnection):
    """A connection that sends nothing after the deadline, however long the host's look-up took.

    What fails before it is made, a proxy's tunnel and TLS included, sent nothing and says so.
    """

    response_class = _BoundedResponse

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, http.client.HTTPException, ValueError) as error:  # the last: of urllib3 1
            raise NewConnectionError(self, "no connection was made") from error
        if (deadline := _in_force.deadline) and deadline.passed():
            self.close()
            raise ConnectTimeoutError(self, "the deadline has passed")

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request on a connection that is there; to send it may take what time is left.

        urllib3 would give a long one no more than a connection may take.
        """
        if self.sock and (deadline := _in_force.deadline):
            if not (left := deadline.left()):
                raise ConnectTimeoutError(self, "the deadline has passed")
            self.sock.settimeout(left)
        super().putrequest(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        """Try the addresses of the host in turn; urllib3 would give each the same long timeout."""
        if (deadline := _in_force.deadline) is None:
            return super()._new_conn()
        host, timeout = self._dns_host, self.timeout
        failure: Exception = ConnectTimeoutError(self, "the deadline has passed")
        found = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
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
                    # What TLS and a proxy still have to wait.
                    made.settimeout(min(self.timeout, deadline.left()))
                    return made
        finally:
            self._dns_host, self.timeout = host, timeout
        raise failure


class _PunctualTlsConnection(_PunctualConnection, HTTPSConnection):
    """The same over TLS."""


class _FreshForPostsPool(HTTPConnectionPool):
    """A pool that closes a connection which was idle too long before a POST uses it.

    `urllib3` itself drops a connection that is readable, which one closed by the server is.
    """

    ConnectionCls: type[HTTPConnection] = _PunctualConnection
    monotonic: Callable[[], float]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._current = threading.local()

    def urlopen(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Remember the method for the choice of a connection, which happens inside."""
        self._current.is_post = method == "POST"
        return super().urlopen(method, *args, **kwargs)

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        # Else a host that debugs `http.client` would print credentials and personal data.
        connection.set_debuglevel(0)
        return connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        idle_since = getattr(connection, "idle_since", 0.0)
        if self._current.is_post and self.monotonic() - idle_since > MAX_IDLE_SECONDS:
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, HTTPConnection):
            conn.idle_since = self.monotonic()  # type: ignore[attr-defined]  # our mark on it
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
        """Send; a forked process begins without connections.

        On one that two processes share, each would read the answers of the other.
        """
        if self._is_of_parent:  # not replaced at the fork: urllib3 takes locks to close a pool
            self.init_poolmanager(POOLED_HOSTS, POOL_SIZE)
            self.proxy_manager = {}
            self._is_of_parent = False
        return super().send(*args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: urllib3.PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if isinstance(manager, urllib3.ProxyManager):  # one for SOCKS needs its own pools
            manager.pool_classes_by_scheme = self._pools
        return manager

    def close(self) -> None:
        """Close the connections now: urllib3 leaves that to the collection of garbage."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it refuses to be iterated over
                if pool := manager.pools.get(key):
                    pool.close()
        super().close()


def new_session(*, monotonic: Callable[[], float] = time.monotonic) -> requests.Session:
    """Return a session that keeps connections and no cookies, and reads no environment.

    Args:
        monotonic: The clock, in seconds, that tells how long a connection was idle.
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
