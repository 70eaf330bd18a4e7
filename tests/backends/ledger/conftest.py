"""A test of a `ledger` runs on every store, one of a `shared` on those that processes share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import Ledger
from tests.support.ledger_stores import STORES, Shared
from tests.support.loopback import nobody_listening
from tests.support.requirements import requires


def each(names: Iterable[str]) -> list[Any]:
    needs = {name: STORES[name].needs for name in names}
    return [pytest.param(n, marks=requires(need) if need else ()) for n, need in needs.items()]


@pytest.fixture(params=each(STORES))
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    store = STORES[request.param]
    with store.opened(store.outside.place(request) if store.outside else "") as ledger:
        yield ledger


@pytest.fixture(params=each(name for name, store in STORES.items() if store.outside))
def shared(request: pytest.FixtureRequest) -> Shared:
    """A store that processes share, and a place for it."""
    store = STORES[request.param]
    assert store.outside is not None
    return Shared(request.param, store, store.outside, store.outside.place(request))


@pytest.fixture
def closed_url() -> Iterator[str]:
    """A URL that refuses connections."""
    with nobody_listening() as url:
        yield url
