"""Runs a call for a client: reports its progress, and cancels it if the client goes."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from customerio_tool.calls.call import CallContext

Envelope: TypeAlias = dict[str, Any]
Request: TypeAlias = ServerRequestContext[Any, Any]

DOOR = "mcp"

LEFT = "customerio_tool.left"
"""The member of an ASGI scope with the event that is set when the client hangs up."""

T = TypeVar("T")

_THREADS = 64


async def run(request: Request, call: Callable[[CallContext], Envelope]) -> Envelope:
    """Run a call in a thread, and report its progress to the client.

    Cancelling the task cancels the call.

    Args:
        request: The client's request.
        call: Makes the call with the context that it is given.
    """
    gone = threading.Event()
    steps = 0

    def report(sentence: str) -> None:
        nonlocal steps
        steps += 1
        if not gone.is_set():
            send = partial(request.session.report_progress, steps, message=sentence)
            anyio.from_thread.run(send)

    context = CallContext(on_progress=report, cancelled=gone.is_set)
    try:
        return await anyio.to_thread.run_sync(
            call, context, abandon_on_cancel=True, limiter=_limiter()
        )
    finally:
        gone.set()


_LIMITERS: dict[int, anyio.CapacityLimiter] = {}


def _limiter() -> anyio.CapacityLimiter:
    return _LIMITERS.setdefault(0, anyio.CapacityLimiter(_THREADS))


async def unless_client_leaves(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """Do some work, and cancel it as soon as the client hangs up.

    The SDK does that by itself over stdio, and over HTTP in the stateless era. In the handshake
    era it lets a call go on whose answer nobody can fetch any more.

    Raises:
        MCPError: The client left; nobody reads the answer.
    """
    left = request.request.scope.get(LEFT) if request.request else None
    if left is None:
        return await work()
    done: list[T] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_cancel_when, left, tasks.cancel_scope)
        done.append(await work())
        tasks.cancel_scope.cancel()
    if not done:
        raise MCPError(code=INTERNAL_ERROR, message="The client left before the call ended.")
    return done[0]


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
