"""The `requests` session of a client: it pools connections, without cookies or the environment.

It adds two guarantees to those of urllib3. A POST that may not be repeated uses a kept-alive
connection only if that was used in the last 5 s: a server may close an idle connection just as the
POST arrives, and the outcome would be unknown. And a call keeps its deadline: no read waits beyond
it, even if the bytes of an answer arrive one by one, and nothing is sent after it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from customerio_tool.connection.answer import Answer
from customerio_tool.connection.doubles import replaces_connections
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.pools import FreshForPostsPool, FreshForPostsTlsPool
from customerio_tool.connection.roots import context_for
from customerio_tool.locks import renew_in_child
from customerio_tool.secret import Secret

POOLED_HOSTS = 32
POOL_SIZE = 64
"""The idle connections to one host that a session keeps, by default."""


class Adapter(HTTPAdapter):
    """The adapter of our sessions.

    The client has its requests go by `exchange`: to a pool that is remembered for their origin.
    What goes through a proxy or a double, and the requests of others, take the way of `requests`.
    """

    def __init__(self, monotonic: Callable[[], float], pool_size: int) -> None:
        clock = {"monotonic": staticmethod(monotonic)}
        self._pools: dict[str, Any] = {
            "http": type("_Pool", (FreshForPostsPool,), clock),
            "https": type("_PoolTls", (FreshForPostsTlsPool,), clock),
        }
        self._remembered: dict[tuple[str, Any], tuple[Any, ssl.SSLContext | None]] = {}
        self._pool_size = pool_size
        self._is_of_parent = False
        renew_in_child(self._leave_to_parent)
        super().__init__(pool_connections=POOLED_HOSTS, pool_maxsize=pool_size)

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
            self.init_poolmanager(POOLED_HOSTS, self._pool_size)
            self.proxy_manager = {}
            self._is_of_parent = False

    def exchange(
        self,
        origin: str,
        request: Request,
        headers: Secret[dict[str, str]],
        timeouts: tuple[float, float],
        verify: str | bool,
    ) -> Answer:
        """Send a request straight to its origin, by no proxy; see `FreshForPostsPool.exchange`.

        Args:
            origin: The origin.
            request: The request; its target must go to the wire as it is.
            headers: Its headers, but for the length of its body.
            timeouts: The longest wait for a connection, and for each byte of the answer, in
                seconds.
            verify: The file of roots; True for those of certifi.

        Raises:
            OSError: There is no such file of roots, or as `FreshForPostsPool.exchange` does.
            urllib3.exceptions.HTTPError: As `FreshForPostsPool.exchange` does.
        """
        self._leave_parents_connections()
        pool = self._pool_of(origin, verify)
        self.cert_verify(pool, origin, verify, None)
        answer: Answer = pool.exchange(request, headers, timeouts)
        return answer

    def _pool_of(self, origin: str, verify: str | bool) -> Any:
        """Return the pool of an origin, remembered while its file of roots is the same."""
        roots = _shared_context(origin, verify)
        known, context = self._remembered.get((origin, verify), (None, None))
        if known is not None and known.pool is not None and context is roots:
            return known
        asking = requests.Request("GET", origin).prepare()
        pool: Any = self.get_connection_with_tls_context(asking, verify)
        self.cert_verify(pool, origin, verify, None)
        pool.is_checked = roots is not None or not origin.startswith("https")
        if len(self._remembered) >= POOLED_HOSTS:
            self._remembered = {}
        self._remembered[origin, verify] = pool, roots
        return pool

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Have all connections that trust the same file share one TLS context.

        A client certificate would be loaded into the context, so it gets one of its own.
        """
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        context = None if cert else _shared_context(host["scheme"], verify)
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": context} if context else tls

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Check that the files exist; a shared context has read its file already."""
        if cert is None and getattr(conn, "is_checked", False):
            return
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # of requests
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
        pool = self._pool_of(origin, verify)
        if isinstance(pool, FreshForPostsPool):
            pool.warm(seconds)

    def let_go(self, origin: str) -> None:
        """Close the idle connections to an origin, whose server goes away."""
        for (known, _), (pool, _context) in list(self._remembered.items()):
            if known == origin and isinstance(pool, FreshForPostsPool):
                pool.close_idle()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have the pools of this module used."""
        super().init_poolmanager(*args, **kwargs)
        self._remembered = {}
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
        pools = list(self._all_pools())
        self._remembered = {}
        super().close()  # first, or a call of another thread would find them closed
        for pool in pools:
            pool.close()

    def _all_pools(self) -> Iterator[Any]:
        yield from [pool for pool, _ in self._remembered.values()]
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - iterating over it raises
                if pool := manager.pools.get(key):
                    yield pool


def _shared_context(origin: str, verify: Any) -> ssl.SSLContext | None:
    """Return the context that all connections to an origin share; None if they have none."""
    file = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    is_shared = origin.startswith("https") and isinstance(file, str)
    return context_for(file) if is_shared else None


def _is_over_tls(proxy: Any) -> bool:
    """Whether it is a proxy whose own certificate is checked too: by the file, with no context."""
    return proxy is not None and proxy.scheme == "https"


def new_session(
    *, monotonic: Callable[[], float] = time.monotonic, pool_size: int = POOL_SIZE
) -> requests.Session:
    """Return a session that pools connections, stores no cookies and reads no environment.

    Args:
        monotonic: The clock, in seconds, that measures the idle time of connections.
        pool_size: The idle connections to one host that it keeps.
    """
    session = requests.Session()
    session.trust_env = False
    jar = RequestsCookieJar()
    jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.cookies = jar
    adapter = Adapter(monotonic, pool_size)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


_OF_PROCESS: dict[int, requests.Session] = {}


def session_of_process(pool_size: int = POOL_SIZE) -> requests.Session:
    """Return the session that the tools of this process share; nobody closes it.

    Args:
        pool_size: The idle connections to one host that it keeps.
    """
    found = _OF_PROCESS.get(pool_size)
    # `setdefault` is atomic: all threads get the same.
    return found or _OF_PROCESS.setdefault(pool_size, new_session(pool_size=pool_size))
