"""A test of `approvals` runs on every store, one of a `shared` on those that processes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from customerio_tool.backends.approvals.waiting import MAX_BYTES, Approvals
from tests.support.approval_stores import STORES, Shared
from tests.support.requirements import on_each

OpenedWith: TypeAlias = Callable[[int], Approvals]


@pytest.fixture(params=on_each(STORES, STORES))
def approvals_with(request: pytest.FixtureRequest) -> Iterator[OpenedWith]:
    """Opens a store with a number of bytes at most."""
    store = STORES[request.param]
    place = store.outside.place(request) if store.outside else ""
    with ExitStack() as ends:
        yield lambda most: ends.enter_context(store.opened(place, most))


@pytest.fixture
def approvals(approvals_with: OpenedWith) -> Approvals:
    return approvals_with(MAX_BYTES)


@pytest.fixture(params=on_each(STORES, [name for name, store in STORES.items() if store.outside]))
def shared(request: pytest.FixtureRequest) -> Shared:
    """A store that processes share, and a place for it."""
    store = STORES[request.param]
    assert store.outside is not None
    return Shared(request.param, store, store.outside, store.outside.place(request))
