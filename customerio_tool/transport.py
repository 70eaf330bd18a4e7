"""The `requests` session: it pools connections, remembers nothing, and reads no environment.

A POST may be something that must not happen twice, so it rides a kept-alive connection only if that
was used a moment ago: a server that closes idle connections could otherwise leave its fate unknown.
"""

from __future__ import annotations

import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

POOL_SIZE = 32
MAX_IDLE_SECONDS = 5.0
"""How long a connection may have been idle for a POST to ride it."""


class _FreshForPosts(HTTPConnectionPool):
    """A pool that closes a connection which was idle too long before a POST uses it.

    `urllib3` itself drops a connection that is readable, which one closed by the server is.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asked = threading.local()

    def urlopen(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Remember the method for the choice of a connection, which happens inside."""
        self._asked.is_post = method == "POST"
        return super().urlopen(method, *args, **kwargs)

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        idle_since = getattr(connection, "idle_since", 0.0)
        if self._asked.is_post and time.monotonic() - idle_since > MAX_IDLE_SECONDS:
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if isinstance(conn, HTTPConnection):
            conn.idle_since = time.monotonic()  # type: ignore[attr-defined]  # our mark on it
        super()._put_conn(conn)


class _FreshForPostsTls(_FreshForPosts, HTTPSConnectionPool):
    """The same over TLS."""


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: urllib3.PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _FreshForPosts, "https": _FreshForPostsTls}


def new_session() -> requests.Session:
    """Return a session that keeps connections and no cookies, and reads no environment."""
    session = requests.Session()
    session.trust_env = False
    jar = RequestsCookieJar()
    jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.cookies = jar
    adapter = _Adapter(pool_connections=4, pool_maxsize=POOL_SIZE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
