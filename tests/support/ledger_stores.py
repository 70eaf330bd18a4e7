"""The stores of the ledger, one a row: what a test must know to hold any to its promises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from customerio_tool.backends.ledger.entry import Entry, Ledger
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.ledger.redis import RedisLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.calls.message_keys import DAY
from tests.support.ledger_calls import SECONDS, START

if TYPE_CHECKING:
    import pytest

ENTRY = Entry("started", "f", START, START + SECONDS, START + DAY)
"""Of a send that began at `START`."""


@dataclass(frozen=True)
class Outside:
    """What processes can share of a ledger.

    Args:
        place: Where a test may have one, as text that another process can be given.
        lost: A place that cannot be reached, and the part of it that nobody may be told.
        held: All that is kept at a place.
    """

    place: Callable[[pytest.FixtureRequest], str]
    lost: Callable[[pytest.FixtureRequest], tuple[str, str]]
    held: Callable[[str], bytes]


@dataclass(frozen=True)
class Store:
    """A kind of ledger.

    Args:
        opened: Opens a ledger at a place, as a context manager that closes it.
        outside: What it has outside of the process, if anything.
        needs: The program that the machine must have, of those in `tests.support.requirements`.
    """

    opened: Callable[[str], AbstractContextManager[Ledger]]
    outside: Outside | None = None
    needs: str = ""


@dataclass(frozen=True)
class Shared:
    """A store that processes share, at a place."""

    name: str
    store: Store
    outside: Outside
    place: str

    def opened(self, place: str | None = None) -> AbstractContextManager[Ledger]:
        """Open a ledger, at this place unless another is given."""
        return self.store.opened(self.place if place is None else place)

    def held(self) -> bytes:
        return self.outside.held(self.place)


def _folder(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue("tmp_path")
    return folder


def _redis_place(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("redis_server").patient_url
    return url


def _redis_lost(request: pytest.FixtureRequest) -> tuple[str, str]:
    port = request.getfixturevalue("closed_url").rpartition(":")[2]
    return f"redis://127.0.0.1:{port}/0", port


def _redis_held(url: str) -> bytes:
    with redis.Redis.from_url(url) as client:
        return b"".join(part for key in client.scan_iter() for part in (key, client.get(key)))


def _file_held(place: str) -> bytes:
    """The file and its logs."""
    path = Path(place)
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


STORES = {
    "memory": Store(opened=lambda _nowhere: nullcontext(MemoryLedger())),
    "sqlite": Store(
        opened=lambda place: nullcontext(SqliteLedger(place)),
        outside=Outside(
            place=lambda request: str(_folder(request) / "sends.db"),
            lost=lambda request: (str(_folder(request) / "nowhere" / "sends.db"), "nowhere"),
            held=_file_held,
        ),
    ),
    "redis": Store(
        opened=lambda place: closing(RedisLedger(place)),
        outside=Outside(place=_redis_place, lost=_redis_lost, held=_redis_held),
        needs="redis-server",
    ),
}
