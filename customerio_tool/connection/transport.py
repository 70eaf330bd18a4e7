"""The `requests` session of a client: it pools connections, without cookies or the environment.

It adds two guarantees to those of urllib3. A POST that may not be repeated uses a kept-alive
connection only if that was used in the last 5 s: a server may close an idle connection just as the
POST arrives, and the outcome would be unknown. And a call keeps its deadline: no read waits beyond
it, even if the bytes of an answer arrive one by one, and nothing is sent after it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from queue import Empty, Full
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from customerio_tool.connection.doubles import replaces_connections
from customerio_tool.connection.punctual import (
    PunctualConnection,
    PunctualTlsConnection,
    exchange_in_force,
)
from customerio_tool.connection.roots import context_for
from customerio_tool.locks import renew_in_child

POOLED_HOSTS = 4
POOL_SIZE = 32
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


class _FreshForPostsPool(HTTPConnectionPool):
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
        """Note whether the request needs a fresh connection: `_get_conn` is not given it."""
        exchange = exchange_in_force()
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

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, HTTPConnection):
            conn.idle_since = self.monotonic()  # type: ignore[attr-defined]  # our own attribute
        super()._put_conn(conn)


class _FreshForPostsTlsPool(_FreshForPostsPool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = PunctualTlsConnection


class Adapter(HTTPAdapter):
    """The adapter of our sessions."""

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
        self._leave_parents_connections()
        return super().send(*args, **kwargs)

    def _leave_parents_connections(self) -> None:
        if self._is_of_parent:  # not done at the fork: urllib3 takes locks to close a pool
            self.init_poolmanager(POOLED_HOSTS, POOL_SIZE)
            self.proxy_manager = {}
            self._is_of_parent = False

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
        if conn.conn_kw.get("ssl_context") and not _is_over_tls(conn.proxy):
            conn.ca_certs = None

    def warm(self, origin: str, verify: str | bool, seconds: float) -> None:
        """Open a connection to an origin; the deadline in force holds.

        Args:
            origin: The origin.
            verify: The file of roots; True for those of certifi.
            seconds: The longest that it may take.

        Raises:
            OSError: None could be made, or there is no such file of roots.
            urllib3.exceptions.HTTPError: None could be made.
        """
        self._leave_parents_connections()
        request = requests.Request("GET", origin).prepare()
        pool = self.get_connection_with_tls_context(request, verify)
        self.cert_verify(pool, origin, verify, None)
        if isinstance(pool, _FreshForPostsPool):
            pool.warm(seconds)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have the pools of this module used."""
        super().init_poolmanager(*args, **kwargs)
        manager: urllib3.PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the manager of a proxy, with the pools of this module."""
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


def _is_over_tls(proxy: Any) -> bool:
    """Whether it is a proxy whose own certificate is checked too: by the file, with no context."""
    return proxy is not None and proxy.scheme == "https"


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
    adapter = Adapter(monotonic, pool_connections=POOLED_HOSTS, pool_maxsize=POOL_SIZE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
