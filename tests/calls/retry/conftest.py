"""Knows how tests of repeats call: Customer.io as `responses` plays it, or a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses

from customerio_tool import CallContext
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.clients import SAVED
from tests.support.retries import NOW, Call, SkippingClock, Tries, tool_on


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def vendor(net: responses.RequestsMock, clock: SkippingClock, tries: Tries) -> Iterator[Call]:
    """Calls Customer.io, of which `net` plays the part."""
    with tool_on(clock, {**SAVED, "region": "us"}, tries) as tool:
        yield lambda call, **context: tool.call(*call, context=CallContext(**context))


@pytest.fixture
def local(sandbox: Sandbox, clock: SkippingClock, tries: Tries) -> Iterator[Call]:
    """Calls the sandbox."""
    with tool_on(clock, sandbox.connection(), tries) as tool:
        yield lambda call, **context: tool.call(*call, context=CallContext(**context))
