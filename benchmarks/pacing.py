"""Compares our shared limiter with `pyrate-limiter` on a real redis-server.

Run `python -m benchmarks.pacing`: six processes take permits of one limit, 10 per second, as fast
as they get them. It needs `redis-server` and `pip install -e '.[bench,dev]'`, takes four minutes,
and writes `benchmarks/results/pacing.md`.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import redis

from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.pacing.redis import RedisLimiter
from customerio_tool.backends.pacing.slots import bucket_of
from customerio_tool.errors import RateLimited
from customerio_tool.subtools.declare import Pace
from tests.support.pacing_workers import WORKERS, Crew, Work, most_in, work
from tests.support.redis_server import RedisServer

REPORT = Path(__file__).parent / "results" / "pacing.md"
SECONDS = 20.0
MAX_WAIT = 10.0
SKEW_SECONDS = 0.5
RAISED_SECONDS = 0.05
GRANTED, REFUSED, RAISED = 1, 2, 3
SKEWED = "skewed"
MODULE = "benchmarks.pacing"

WAYS = {
    "ours": "ours: reservations, server's clock",
    "pyrate-window": "pyrate-limiter, sliding window (its default)",
    "pyrate-gcra": "pyrate-limiter, GCRA, burst 1",
}


def acquirer(way: str, url: str) -> Callable[[], bool]:
    """Return what blocks for one of the ten requests of a second, and tells whether it got it."""
    if way == "ours":
        pacer = Pacer(RedisLimiter(url, fallback=LocalLimiter()))
        bucket = bucket_of("5eed", Pace.APP)
        return lambda: waited(pacer, bucket)
    from pyrate_limiter import GCRA, Limiter, Rate, RedisBucket, RedisStateStore, StateBucket

    client = redis.Redis.from_url(url)
    per_second = int(Pace.APP.period_seconds * 1000)
    if way == "pyrate-gcra":
        rates = [Rate(Pace.APP.permits, per_second, burst=1)]
        limiter = Limiter(StateBucket(rates, GCRA(), RedisStateStore(client, "bench")))
    else:
        rates = [Rate(Pace.APP.permits, per_second)]
        limiter = Limiter(RedisBucket.init(rates, client, "bench"))
    return lambda: bool(limiter.try_acquire("bench", timeout=MAX_WAIT))


def waited(pacer: Pacer, bucket: str) -> bool:
    """Wait for a slot; tell whether there was one in time."""
    try:
        pacer.wait(bucket, Pace.APP, MAX_WAIT)
    except RateLimited:
        return False
    return True


def shift_clock(seconds: float) -> None:
    """Set this process's wall clock ahead, as another machine's may be."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + int(seconds * 1e9)


class Taker:
    """Takes permits with one way, and goes on if that raises."""

    def __init__(self, way: str, url: str) -> None:
        self._acquire = acquirer(way, url)
        self._status = GRANTED

    def acquire(self) -> None:
        """Block until there is a permit; note what came instead."""
        try:
            self._status = GRANTED if self._acquire() else REFUSED
        except Exception:  # whatever it raises is what is counted
            self._status = RAISED
            time.sleep(RAISED_SECONDS)

    def send(self) -> int:
        """Tell what came of the last permit asked for."""
        return self._status


@dataclass(frozen=True)
class Load:
    """What a server has done: reads from clients (one for each round trip), and commands."""

    reads: int
    commands: int

    @classmethod
    def of(cls, server: RedisServer) -> Load:
        """Return what a server has done since it started; commands in scripts count too."""
        with redis.Redis.from_url(server.url) as client:
            stats, commands = client.info("stats"), client.info("commandstats")
        calls = sum(command["calls"] for command in commands.values())
        return cls(stats["total_reads_processed"], calls)


@dataclass(frozen=True)
class Measured:
    """What one run gave; the load is not known of a server that was killed."""

    begin: float
    works: list[Work]
    before: Load | None = None
    after: Load | None = None

    @property
    def grants(self) -> list[list[float]]:
        """When each worker had its permits."""
        return [
            [t for t, status in zip(work.times, work.statuses, strict=True) if status == GRANTED]
            for work in self.works
        ]

    def cells(self) -> list[str]:
        """Return the run as the cells of a row."""
        together = [t for times in self.grants for t in times]
        in_time = sum(t < self.begin + SECONDS for t in together)
        shares = sorted(map(len, self.grants))
        mean = len(together) / len(shares)
        spread = max(shares[-1] - mean, mean - shares[0]) / mean
        cells = [
            f"{in_time / SECONDS:.1f}",
            str(most_in(together, Pace.APP.period_seconds)),
            f"{shares[0]} to {shares[-1]} ({spread:.0%})",
            *(str(sum(work.statuses.count(s) for work in self.works)) for s in (REFUSED, RAISED)),
        ]
        if self.before and self.after:
            cells.append(f"{(self.after.reads - self.before.reads) / len(together):.1f}")
            cells.append(f"{(self.after.commands - self.before.commands) / len(together):.1f}")
        return cells


def measure(way: str, *more: str) -> Measured:
    """Let six processes run while Redis is well."""
    with RedisServer() as server, Crew(MODULE, way, server.url, *more) as crew:
        before = Load.of(server)
        begin = crew.begin(SECONDS)
        works = crew.finish()
        return Measured(begin, works, before, Load.of(server))


def measure_outage(way: str) -> Measured:
    """Let six processes run, and kill Redis for the second quarter of the time."""
    with RedisServer() as server, Crew(MODULE, way, server.url) as crew:
        begin = crew.begin(SECONDS)
        time.sleep(begin + SECONDS / 4 - time.monotonic())
        server.kill()
        time.sleep(begin + SECONDS / 2 - time.monotonic())
        server.start()
        return Measured(begin, crew.finish())


def table(columns: list[str], runs: dict[str, Measured]) -> str:
    """Return runs as a table, one row for each way."""
    rows = [["Way", *columns], ["---"] * (len(columns) + 1)]
    rows += [[WAYS[way], *run.cells()] for way, run in runs.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def report() -> str:
    """Measure everything and return the report."""
    columns = [
        "Grants per s",
        "Most in 1 s",
        "Shares (farthest from the mean)",
        f"Refused after {MAX_WAIT:g} s",
        "Raised",
    ]
    load = ["Round trips per grant", "Commands per grant, in scripts too"]
    well = table(columns + load, {way: measure(way) for way in WAYS})
    skewed = table(columns + load, {way: measure(way, SKEWED) for way in WAYS})
    outage = table(columns, {way: measure_outage(way) for way in WAYS})
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        redis_version = client.info("server")["redis_version"]
    return TEMPLATE.format(
        workers=WORKERS,
        cores=os.cpu_count(),
        seconds=SECONDS,
        skew=SKEW_SECONDS,
        well=well,
        skewed=skewed,
        outage=outage,
        redis=redis_version,
        redis_py=version("redis"),
        pyrate=version("pyrate-limiter"),
        python=platform.python_version(),
    )


TEMPLATE = """# Shared pacing: our script and pyrate-limiter

Made by `python -m benchmarks.pacing`: {workers} processes on one machine of {cores} cores that had
other work to do, {seconds:g} s per run, a limit of 10 per second (ours stays 3 % below it),
Redis {redis}, redis-py {redis_py}, pyrate-limiter {pyrate}, Python {python}.

"Most in 1 s" is the largest number of requests in any window of one second.

## Redis is available

{well}

## The machines' clocks differ

Each process's wall clock is ahead by a different offset of 0 to {skew:g} s.

{skewed}

## Redis is down during the second quarter of the run, and restarts empty

{outage}

## Why the script is ours

The library does not share one limit well. It uses the clock of each machine instead of the
server's, and after a wait it asks again instead of reserving a slot. So its sliding window exceeds
the limit, and exceeds it more if the clocks differ more. Its GCRA stays below the limit, but some
workers starve and their calls are refused. When Redis is lost, it raises an exception, and its
thread that trims the window ends. A 429 that one worker receives cannot hold the other workers
back. The library has three things that our script lacks: buckets in SQLite and PostgreSQL, an
asynchronous interface and, with its sliding window, fewer commands inside Redis.
"""


def main() -> None:
    """Write the report; or, with arguments, be one worker."""
    if len(sys.argv) == 1:
        REPORT.write_text(report())
        return
    way, url, *more = sys.argv[1:]
    if SKEWED in more:
        shift_clock(os.getpid() % WORKERS * SKEW_SECONDS / (WORKERS - 1))
    taker = Taker(way, url)

    def call() -> tuple[float, int]:
        taker.acquire()
        return time.monotonic(), taker.send()

    work(call)


if __name__ == "__main__":
    main()
