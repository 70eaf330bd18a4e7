"""What a send costs in each ledger, up to 10^6 of them, and what it costs when they all expire."""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import redis

from benchmarks.measuring import Figure, Spread, compared, counted, each
from benchmarks.running import Run, folder, fresh, resident
from customerio_tool import MemoryLedger, RedisLedger, SqliteLedger
from customerio_tool.backends.ledger.entry import Entry, Ledger
from tests.support.redis_server import RedisServer

NOW = 1_795_843_478.0
DAY = 86_400.0
MICROSECONDS, MILLISECONDS = 1e6, 1e3
SECONDS = 20.0
CLAIMS = 300


def measure(run: Run) -> Iterator[Figure]:
    """Measure the three stores of the ledger."""
    sends = run.size(2_000, 1_000_000)
    with folder() as made:
        yield _opened(run, made)
        yield from _sqlite(made / "many", sends)
    for name, value in fresh("-m", __name__, str(sends)).items():
        yield counted(f"memory ledger/{name}", value)
    with RedisServer() as server:
        yield from _redis(server, sends)


def _started(number: int) -> Entry:
    """Return the entry of a send that has begun, with nothing in common with any other's."""
    at = NOW + number / 1e6
    return Entry("started", f"f{number:042}", at, at + SECONDS, at + DAY)


def _sent(number: int) -> Entry:
    """Return the entry of the same send when it was sent."""
    facts = {"delivery_id": f"RPILAgUBcRhIBq{number:08}=="}
    return replace(_started(number), state="sent", facts=facts)


def _send(ledger: Ledger, number: int) -> None:
    ledger.claim(_key(number), _started(number), NOW)
    ledger.settle(_key(number), _sent(number), NOW)


def _opened(run: Run, made: Path) -> Figure:
    """Compare a send with one for which the file is opened twice, for the claim and for its end."""
    numbers, ledger, other = itertools.count(), SqliteLedger(made / "1"), SqliteLedger(made / "2")

    def opened() -> None:
        number = next(numbers)
        other.claim(_key(number), _started(number), NOW)
        other.let_go()
        other.settle(_key(number), _sent(number), NOW)
        other.let_go()

    contenders = {"ours": each(lambda: _send(ledger, next(numbers))), "opened": each(opened)}
    times = compared(contenders, rounds=run.size(8, 20), calls=run.size(10, 50))
    return times.ratio("sqlite/opened", "ours", "opened")


def _sqlite(path: Path, sends: int) -> Iterator[Figure]:
    """Copy one stored send as often as is needed: to make each would take minutes."""
    ledger = SqliteLedger(path)
    _send(ledger, 0)
    ledger.let_go()
    with closing(sqlite3.connect(path)) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(sends)")]
        rest = ", ".join(name for name in columns if name != "key")
        db.executemany(
            f"INSERT INTO sends (key, {rest}) SELECT ?, {rest} FROM sends WHERE key = ?",  # noqa: S608 - of the file's own columns
            ((_key(number), _key(0)) for number in range(1, sends)),
        )
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield counted("sqlite/bytes", path.stat().st_size / sends)
    yield Figure("sqlite/us", _timed(ledger, sends, MICROSECONDS))
    yield counted("sqlite/longest", _longest(ledger))


def _key(number: int) -> str:
    return f"{number:043}"


def _timed(ledger: Ledger, first: int, unit: float) -> Spread:
    """Return how long a send takes in a ledger that has many."""
    seconds = []
    for number in range(first, first + CLAIMS):
        key, started, sent = _key(number), _started(number), _sent(number)
        began = perf_counter()
        ledger.claim(key, started, NOW)
        ledger.settle(key, sent, NOW)
        seconds.append(unit * (perf_counter() - began))
    return Spread.of(seconds)


def _longest(ledger: Ledger) -> float:
    """Return the milliseconds of the longest claim when all that there is has expired."""
    seconds = []
    for number in range(CLAIMS):
        entry = replace(_started(number), expires_at=NOW + 3 * DAY)
        began = perf_counter()
        ledger.claim(f"new-{number}", entry, NOW + 2 * DAY)
        seconds.append(perf_counter() - began)
    return MILLISECONDS * max(seconds)


def _redis(server: RedisServer, sends: int) -> Iterator[Figure]:
    with redis.Redis.from_url(server.url, socket_timeout=600) as client:
        ledger = RedisLedger(client)
        before = client.info("memory")["used_memory"]
        _send(ledger, 0)
        [first] = client.keys()
        _copy(client, first, sends)
        yield counted("redis/bytes", (client.info("memory")["used_memory"] - before) / sends)
        yield Figure("redis/us", _timed(ledger, sends, MICROSECONDS))


def _copy(client: redis.Redis, first: bytes, sends: int) -> None:
    """Have the server copy a stored send under other keys, which expire as it does."""
    script = """for n = 1, tonumber(ARGV[1]) do
      redis.call('COPY', KEYS[1], string.sub(KEYS[1], 1, -11) .. string.format('%010d', n))
    end"""
    client.eval(script, 1, first, sends - 1)


def main(sends: str) -> None:
    """Print what the ledger in memory costs; be a process of its own."""
    ledger, before = MemoryLedger(), resident()
    for number in range(int(sends)):
        _send(ledger, number)
    size = (resident() - before) / int(sends)
    us = _timed(ledger, int(sends), MICROSECONDS).median
    print(json.dumps({"bytes": size, "us": us, "longest": _longest(ledger)}))  # noqa: T201 - read by `measure`


if __name__ == "__main__":
    main(*sys.argv[1:])
