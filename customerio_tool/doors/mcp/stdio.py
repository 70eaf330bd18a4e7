"""Serves one client over standard input and output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeAlias

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest

Message: TypeAlias = SessionMessage | Exception


class Incoming(Protocol):
    """What the client sends, one message after the other."""

    async def receive(self) -> Message:
        """Return the next message; raises `EndOfStream` after the last."""
        ...


_PROBE = "server/discover"
_HANDSHAKE = "initialize"
_FOLLOWS_SECONDS = 0.05


async def serve(server: Server[Any]) -> None:
    """Serve until the client closes standard input; nothing else may write to standard output."""
    async with stdio_server() as (read, write), without_late_probe(read) as filtered:
        await server.run(filtered, write, server.create_initialization_options())


@asynccontextmanager
async def without_late_probe(
    read: Incoming,
) -> AsyncIterator[MemoryObjectReceiveStream[Message]]:
    """Yield the stream without a probe that its client has given up.

    A client may ask for `server/discover` with a limit of a second, and shake hands if no answer
    came. To a server that took longer to start, both come at once: it would answer the probe,
    and refuse the handshake as one of the other era.
    """
    send, receive = anyio.create_memory_object_stream[Message]()
    async with receive, anyio.create_task_group() as tasks:
        tasks.start_soon(_relay, read, send)
        yield receive
        tasks.cancel_scope.cancel()


async def _relay(read: Incoming, send: MemoryObjectSendStream[Message]) -> None:
    async with send:
        first = await _next(read)
        if first is not None and _method(first) == _PROBE:
            followers = await _followers(read)
            if _HANDSHAKE not in map(_method, followers):
                await send.send(first)
            for each in followers:
                await send.send(each)
        elif first is not None:
            await send.send(first)
        while (item := await _next(read)) is not None:
            await send.send(item)


async def _followers(read: Incoming) -> list[Message]:
    """Return what follows the probe at once, up to the first request."""
    found: list[Message] = []
    with anyio.move_on_after(_FOLLOWS_SECONDS):
        while (item := await _next(read)) is not None:
            found.append(item)
            if not _is_notification(item):
                break
    return found


async def _next(read: Incoming) -> Message | None:
    try:
        return await read.receive()
    except (anyio.EndOfStream, anyio.ClosedResourceError):
        return None


def _method(item: Message) -> str | None:
    message = item.message if isinstance(item, SessionMessage) else None
    return message.method if isinstance(message, JSONRPCRequest) else None


def _is_notification(item: Message) -> bool:
    return isinstance(item, SessionMessage) and isinstance(item.message, JSONRPCNotification)
