"""The stores of waiting calls, one a row: what a test must know to hold any to its promises."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.redis import PREFIX, RedisApprovals
from customerio_tool.backends.approvals.sqlite import SqliteApprovals
from customerio_tool.backends.approvals.waiting import LIFE_SECONDS, MAX_BYTES, Approvals, Waiting
from tests.support.ledger_stores import STORES as LEDGERS
from tests.support.ledger_stores import Outside

if TYPE_CHECKING:
    import pytest

NOW = 1_795_435_200.25
WAITING = Waiting("delete_customer", b"sealed", "key", "run", NOW, NOW + LIFE_SECONDS)
"""A call that was asked for at `NOW`."""


def like(key: str, **changed: Any) -> Waiting:
    """Return another call that waits, with this key."""
    return replace(WAITING, key=key, **changed)


@dataclass(frozen=True)
class Store:
    """A kind of store.

    Args:
        opened: Opens one at a place, with a number of bytes at most, and closes it.
        variables: The environment in which a tool keeps its waiting calls at a place.
        outside: What it has outside of the process, if anything.
        needs: The program that the machine must have, of those in `tests.support.requirements`.
    """

    opened: Callable[[str, int], AbstractContextManager[Approvals]]
    variables: Callable[[str], dict[str, str]] = lambda _place: {}
    outside: Outside | None = None
    needs: str = ""


@dataclass(frozen=True)
class Shared:
    """A store that processes share, at a place."""

    name: str
    store: Store
    outside: Outside
    place: str

    def opened(self, place: str | None = None) -> AbstractContextManager[Approvals]:
        """Open a store, at this place unless another is given."""
        return self.store.opened(self.place if place is None else place, MAX_BYTES)

    def held(self) -> bytes:
        return self.outside.held(self.place)

    @property
    def variables(self) -> dict[str, str]:
        return self.store.variables(self.place)


ENDING = "-approvals"


def _file(request: pytest.FixtureRequest) -> str:
    folder: Path = request.getfixturevalue("tmp_path")
    return f"{folder / 'sends.db'}{ENDING}"


def _redis_held(url: str) -> bytes:
    with redis.Redis.from_url(url) as client:
        return b"".join(_parts(client))


def _parts(client: Any) -> Iterator[bytes]:
    for key in client.scan_iter(PREFIX + "*"):
        yield key
        yield client.dump(key)
        if client.type(key) == b"string":
            yield client.get(key)


_SQLITE, _REDIS = LEDGERS["sqlite"].outside, LEDGERS["redis"].outside
assert _SQLITE is not None
assert _REDIS is not None

STORES = {
    "memory": Store(opened=lambda _nowhere, most: nullcontext(MemoryApprovals(most))),
    "sqlite": Store(
        opened=lambda place, most: nullcontext(SqliteApprovals(place, max_bytes=most)),
        variables=lambda place: {"CUSTOMERIO_LEDGER_FILE": place.removesuffix(ENDING)},
        outside=replace(_SQLITE, place=_file),
    ),
    "redis": Store(
        opened=lambda place, most: closing(RedisApprovals(place, max_bytes=most)),
        variables=lambda place: {"CUSTOMERIO_REDIS_URL": place},
        outside=replace(_REDIS, held=_redis_held),
        needs="redis-server",
    ),
}


def entries_of(shared: Shared) -> dict[str, dict[str, Any]]:
    """Return what is stored of each waiting call, by confirmation id."""
    if shared.name == "redis":
        with redis.Redis.from_url(shared.place) as client:
            keys = [key.decode() for key in client.scan_iter(PREFIX + "call:*")]
            return {key.rpartition(":")[2]: json.loads(client.get(key)) for key in keys}
    with closing(sqlite3.connect(shared.place)) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("SELECT * FROM waiting")]
    return {f"{row['number']}-{row['random']}": row for row in rows}


def spoil(shared: Shared, confirmation_id: str, **members: Any) -> None:
    """Write other members into a waiting call, as another program could."""
    if shared.name == "redis":
        with redis.Redis.from_url(shared.place) as client:
            key = f"{PREFIX}call:{confirmation_id}"
            entry = {**json.loads(client.get(key)), **members}
            client.set(key, json.dumps(entry), keepttl=True)
        return
    number = confirmation_id.partition("-")[0]
    with closing(sqlite3.connect(shared.place)) as db, db:
        for name, value in members.items():
            changed = f"UPDATE waiting SET {name} = ? WHERE number = ?"  # noqa: S608 - of a test
            db.execute(changed, (value, number))
