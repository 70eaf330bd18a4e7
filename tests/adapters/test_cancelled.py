"""A run that its host cancels takes its call with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from customerio_tool import Backends, CustomerIoTool
from customerio_tool.backends.telemetry.events import CallEnd, CallStart
from customerio_tool.sandbox import Sandbox
from tests.support.frameworks.hosts import host_of
from tests.support.telemetry import Recorder
from tests.support.timeouts import PATIENCE


class Left(Exception):
    """The host has gone."""


class Impatient(Recorder):
    """Runs a framework, and cancels it when a call has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.over = threading.Event(), threading.Event()

    def started(self, call: CallStart) -> None:
        super().started(call)
        self.begun.set()

    def ended(self, call: CallStart, end: CallEnd) -> None:
        super().ended(call, end)
        self.over.set()

    def run(self, running: Coroutine[Any, Any, Any]) -> None:
        asyncio.run(self._cancelled(running))
        raise Left

    async def _cancelled(self, running: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(running)
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


AWAITED = ("agno, awaited", "langchain, awaited", "openai_agents", "pydantic_ai")


@pytest.mark.parametrize("name", AWAITED)
def test_the_call_of_a_cancelled_run_is_cancelled(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fault(operation="list_segments", delay=PATIENCE)
    recorder = Impatient()
    with CustomerIoTool(sandbox.connection(), backends=Backends(telemetry=[recorder])) as tool:
        agent = host_of(name)(tool)
        monkeypatch.setattr(agent, "run", recorder.run)
        with pytest.raises(Left):
            agent.play([("list_segments", {})])
    assert recorder.over.wait(PATIENCE)
    assert [each.outcome for each in recorder.ends] == ["cancelled"]
