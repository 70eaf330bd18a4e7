"""Many callers at once: threads, conversations that wait for the API, and equal reads."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from benchmarks import clients
from benchmarks.measuring import Contender, Figure, Spread, compared, counted
from benchmarks.running import Run
from customerio_tool import Backends, CustomerIoTool

THREADS = 8
CONVERSATIONS = 300
EQUAL_READS = 1_000
TARGET = "/api/v1/customers/u1"
ADA = {"email": "ada@example.com", "plan": "pro"}
ARGUMENTS = json.dumps({"customer_id": "u1", "attributes": ADA})


def measure(run: Run) -> Iterator[Figure]:
    """Measure callers that a host has at once."""
    yield from _threads(run)
    for port in ("slow", "slow https"):
        yield from _waiting(run, port)
    yield counted("reads/refused", asyncio.run(_refused(run)))


def _threads(run: Run) -> Iterator[Figure]:
    bare, sdk = clients.by_requests(run.server), clients.track_sdk(run.server)
    with clients.ours(run.server) as tool, ThreadPoolExecutor(THREADS) as pool:
        contenders = {
            "ours": _at_once(pool, lambda: tool.run("identify_customer", ARGUMENTS)),
            "requests": _at_once(pool, lambda: bare("PUT", TARGET, ADA)),
            "customerio": _at_once(pool, lambda: sdk.identify("u1", **ADA)),
        }
        times = compared(contenders, rounds=run.size(6, 12), calls=run.size(160, 400))
    yield times.throughput("threads/requests", "ours", "requests")
    yield times.throughput("threads/customerio", "ours", "customerio")


def _at_once(pool: ThreadPoolExecutor, call: Callable[[], object]) -> Contender:
    def run(calls: int) -> None:
        for done in [pool.submit(call) for _ in range(calls)]:
            done.result()

    return run


def _waiting(run: Run, port: str) -> Iterator[Figure]:
    """Compare calls that wait for an API of 100 ms, all in one event loop."""
    loop = asyncio.new_event_loop()
    many = clients.ours(run.server, port, threads=CONVERSATIONS)
    with closing(loop), many, clients.ours(run.server, port) as few:
        other, close = loop.run_until_complete(_aiohttp(run, port))
        contenders = {
            "ours": _gathered(loop, lambda: many.acall("identify_customer", ARGUMENTS)),
            "64 threads": _gathered(loop, lambda: few.acall("identify_customer", ARGUMENTS)),
            "aiohttp": _gathered(loop, other),
        }
        calls = CONVERSATIONS * run.size(1, 3)
        times = compared(contenders, rounds=run.size(3, 6), calls=calls)
        loop.run_until_complete(close())
    at = " https" if port == "slow https" else ""
    yield times.throughput(f"waiting/aiohttp{at}", "ours", "aiohttp")
    yield times.throughput(f"waiting/64 threads{at}", "64 threads", "aiohttp")
    yield Figure(f"waiting/per second{at}", Spread.of(1 / each for each in times.wall["ours"]))


def _gathered(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[Any]]) -> Contender:
    """Return the contender in which 300 conversations share the calls."""

    async def conversation(calls: int) -> None:
        for _ in range(calls):
            await call()

    async def all_of(calls: int) -> None:
        share = max(1, calls // CONVERSATIONS)
        await asyncio.gather(*(conversation(share) for _ in range(CONVERSATIONS)))

    return lambda calls: loop.run_until_complete(all_of(calls))


async def _aiohttp(
    run: Run, port: str
) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[None]]]:
    import aiohttp

    tls = ssl.create_default_context(cafile=run.server.ca_file)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=tls))
    url, headers = run.server.origin(port) + TARGET, headers_of()

    async def call() -> Any:
        async with session.put(url, json=ADA, headers=headers) as reply:
            return await reply.json()

    return call, session.close


def headers_of() -> dict[str, str]:
    """Return the headers of a call to Track."""
    return clients.headers_for(TARGET)


async def _refused(run: Run) -> int:
    """Return how many of 1,000 equal reads are refused, at the vendor's real rate limit."""
    with CustomerIoTool(clients.saved(run.server, "slow"), backends=Backends()) as tool:
        reads = (tool.acall("list_segments") for _ in range(EQUAL_READS))
        results = await asyncio.gather(*reads)
    return sum(not result["ok"] for result in results)
