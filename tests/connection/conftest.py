"""What tests of connections share: a sandbox whose sockets are counted, and a tool on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.connection.transport import new_session
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.retries import NOW, SkippingClock, Tries, tool_on
from tests.support.sockets import Sockets


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    return Sockets(monkeypatch)


@pytest.fixture
def sandbox(sockets: Sockets) -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as running:
        yield running


@pytest.fixture
def tool(sandbox: Sandbox, clock: SkippingClock, tries: Tries) -> Iterator[CustomerIoTool]:
    with (
        new_session(monotonic=clock.monotonic) as session,
        tool_on(clock, sandbox.connection(), tries, session=session) as made,
    ):
        yield made
