"""The clients that are compared, each on one server, and a pacing clock that holds nobody."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable
from functools import cache
from http.client import HTTPConnection
from typing import Any

import requests
import urllib3

from benchmarks.loopback import Server
from benchmarks.measuring import Contender
from customerio_tool import Backends, CustomerIoTool, LocalLimiter

SITE, TRACK, APP = "site-5e1f77a0", "track-0b9c41d2", "app-77d3e8f6"
_SECONDS_AHEAD = 30.0  # a broadcast may be triggered once in 10 s


def saved(server: Server, port: str = "http") -> dict[str, str]:
    """Return the connection to a port of the server."""
    origin = server.origin(port)
    keys = {"site_id": SITE, "track_api_key": TRACK, "app_api_key": APP, "region": "us"}
    return {**keys, "track_url": origin, "app_url": origin, "ca_file": server.ca_file}


def unpaced(**more: Any) -> Backends:
    """Return backends whose limiter does its work on a clock that is always far enough ahead.

    Otherwise sleeps would be measured: Track is paced at 950 calls a second.
    """
    ahead = itertools.count(0.0, _SECONDS_AHEAD)
    return Backends(limiter=LocalLimiter(monotonic=lambda: next(ahead)), **more)


def ours(
    server: Server, port: str = "http", *, session: requests.Session | None = None, **more: Any
) -> CustomerIoTool:
    """Return our tool on a port of the server; the clock of its rate limits is ahead."""
    return CustomerIoTool(saved(server, port), backends=unpaced(**more), session=session)


@cache
def basic() -> str:
    """Return the Authorization header of Track."""
    return f"Basic {base64.b64encode(f'{SITE}:{TRACK}'.encode()).decode()}"


def headers_for(target: str) -> dict[str, str]:
    """Return the headers that every client sends to a target."""
    authorization = basic() if target.startswith("/api/") else f"Bearer {APP}"
    return {"Authorization": authorization, "Content-Type": "application/json"}


def by_requests(server: Server, port: str = "http") -> Callable[..., Any]:
    """Return a function that makes a call by a `requests.Session`, as a program would."""
    session, origin = requests.Session(), server.origin(port)
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=32))

    def call(method: str, target: str, body: Any = None) -> Any:
        reply = session.request(
            method,
            origin + target,
            json=body,
            headers=headers_for(target),
            timeout=10,
            verify=server.ca_file,
        )
        return reply.json()

    return call


def by_urllib3(server: Server) -> Callable[..., Any]:
    """Return a function that makes a call by a pool of urllib3."""
    pool, origin = urllib3.PoolManager(maxsize=32), server.origin()

    def call(method: str, target: str, body: Any = None) -> Any:
        reply = pool.request(
            method, origin + target, body=_encoded(body), headers=headers_for(target), timeout=10
        )
        return json.loads(reply.data)

    return call


def by_http_client(server: Server) -> Callable[..., Any]:
    """Return a function that makes a call on one connection of `http.client`."""
    connection = HTTPConnection("127.0.0.1", server.ports["http"], timeout=10)

    def call(method: str, target: str, body: Any = None) -> Any:
        connection.request(method, target, body=_encoded(body), headers=headers_for(target))
        return json.loads(connection.getresponse().read())

    return call


def _encoded(body: Any) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def track_sdk(server: Server) -> Any:
    """Return the vendor's client of the Track API; it speaks TLS unless told otherwise."""
    from customerio import CustomerIO  # type: ignore[import-untyped]

    client = CustomerIO(SITE, TRACK, retries=0)
    client.base_url = f"{server.origin()}/api/v1"
    return client


def app_sdk(server: Server) -> Any:
    """Return the vendor's client of the App API."""
    from customerio import APIClient

    return APIClient(APP, url=server.origin(), retries=0)


def async_track_sdk(server: Server) -> Any:
    """Return the Track client of async-customerio; it speaks TLS unless told otherwise."""
    from async_customerio import AsyncCustomerIO  # type: ignore[import-untyped]

    class Plain(AsyncCustomerIO):  # type: ignore[misc]  # it has no types
        """The same over plain HTTP."""

        @staticmethod
        def setup_base_url(host: str, port: int, prefix: str) -> str:
            return f"http://{host}:{port}/{prefix.strip('/')}"

    return Plain(SITE, TRACK, host="127.0.0.1", port=server.ports["http"])


def async_app_sdk(server: Server) -> Any:
    """Return the App client of async-customerio."""
    from async_customerio import AsyncAPIClient

    return AsyncAPIClient(APP, url=server.origin())


def awaited(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[object]]) -> Contender:
    """Return the contender that awaits one call after the other in an event loop."""

    async def one_by_one(calls: int) -> None:
        for _ in range(calls):
            await call()

    return lambda calls: loop.run_until_complete(one_by_one(calls))
