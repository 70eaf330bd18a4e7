"""Runs a call for a client: reports its progress, and cancels it if the client goes."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from customerio_tool.calls.call import CallContext
from customerio_tool.calls.progress import numbered

Envelope: TypeAlias = dict[str, Any]
Request: TypeAlias = ServerRequestContext[Any, Any]

DOOR = "mcp"

LEFT = "customerio_tool.left"
"""The member of an ASGI scope with the event that is set when the client hangs up."""

T = TypeVar("T")


async def run(
    request: Request, call: Callable[[CallContext], Coroutine[Any, Any, Envelope]]
) -> Envelope:
    """Make a call, and report its progress to the client.

    Args:
        request: The client's request.
        call: Makes the call with the context that it is given.
    """
    send, reports = anyio.create_memory_object_stream[tuple[int, str]](math.inf)

    def report(number: int, sentence: str) -> None:
        # It is called by the loop and in no task, so that it may start none.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the call is over
            send.send_nowait((number, sentence))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_report_all, request, reports)
        with send:
            envelope = await call(CallContext(door=DOOR, on_progress=numbered(report)))
    return envelope


async def _report_all(
    request: Request, reports: MemoryObjectReceiveStream[tuple[int, str]]
) -> None:
    with reports, suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # no client
        async for number, sentence in reports:
            await request.session.report_progress(number, message=sentence)


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
