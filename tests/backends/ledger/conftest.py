"""A test of a `ledger` runs on every store, one of a `shared` on those that processes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool.backends.ledger.entry import Ledger
from tests.support.ledger_stores import STORES, Shared
from tests.support.requirements import on_each


@pytest.fixture(params=on_each(STORES, STORES))
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    store = STORES[request.param]
    with store.opened(store.outside.place(request) if store.outside else "") as ledger:
        yield ledger


@pytest.fixture(params=on_each(STORES, [name for name, store in STORES.items() if store.outside]))
def shared(request: pytest.FixtureRequest) -> Shared:
    """A store that processes share, and a place for it."""
    store = STORES[request.param]
    assert store.outside is not None
    return Shared(request.param, store, store.outside, store.outside.place(request))
