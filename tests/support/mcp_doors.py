"""The MCP server as hosts start it, and the official clients that reach it in each way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.session import ClientRequestContext
from mcp.server import Server

from customerio_tool import Backends, Connection, CustomerIoTool, Policy
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.doors.mcp.server import new_server
from customerio_tool.doors.mcp.views import Views
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace
from tests.support.shell import MAIN, environment
from tests.support.timeouts import PATIENCE

Era: TypeAlias = Literal["handshake", "stateless"]
MODE: Mapping[Era, str] = {"handshake": "legacy", "stateless": "auto"}
ERAS: tuple[Era, ...] = ("handshake", "stateless")

Action: TypeAlias = Literal["accept", "decline", "cancel"]


@dataclass(frozen=True)
class Way:
    """How a client reaches the server: through a pipe or the network, and in which era."""

    transport: Literal["stdio", "http"]
    era: Era

    def __str__(self) -> str:
        return f"{self.transport}-{self.era}"


WAYS = [Way("stdio", era) for era in ERAS] + [Way("http", era) for era in ERAS]


def variables(sandbox: Sandbox, **others: str) -> dict[str, str]:
    """The environment of a server on a sandbox, with nothing of this machine's connection."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMERIO_")}
    return {**kept, **environment(sandbox.connection()), **others}


def command(*options: str) -> list[str]:
    return ["-c", MAIN, "mcp", *options]


@dataclass
class Serving:
    """A server over HTTP that runs in a process of its own."""

    url: str
    process: subprocess.Popen[str]
    told: list[str] = field(default_factory=list)


@contextmanager
def serving(env: Mapping[str, str], *options: str) -> Iterator[Serving]:
    """Start `customerio-tool mcp --http` on a free port of loopback, and stop it at the end."""
    arguments = [sys.executable, *command("--http", "--port", "0", *options)]
    process = subprocess.Popen(
        arguments, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stderr
    told: list[str] = []
    try:
        for line in process.stderr:
            told.append(line)
            if found := re.search(r"http://\S+/mcp", line):
                rest = threading.Thread(target=told.extend, args=(process.stderr,))
                rest.start()
                yield Serving(found[0], process, told)
                break
        else:
            raise AssertionError("".join(told))
    finally:
        process.terminate()
        assert process.wait(PATIENCE) is not None
        process.stdout.close()
    rest.join(PATIENCE)
    process.stderr.close()


def through_pipe(env: Mapping[str, str], *options: str) -> StdioServerParameters:
    """What a host starts over stdio."""
    return StdioServerParameters(
        command=sys.executable, args=command(*options), env=dict(env), cwd=None
    )


@dataclass
class Person:
    """Answers every question in the same way, and remembers it; None shows nothing, ever."""

    action: Action | None
    asked: list[str] = field(default_factory=list)

    async def __call__(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult:
        self.asked.append(params.message)
        if self.action is None:
            await anyio.sleep_forever()
        return types.ElicitResult(action=self.action or "cancel")


@asynccontextmanager
async def client(server: Any, era: Era, person: Person | None = None) -> AsyncIterator[Client]:
    """An official client, which can ask only if there is a person."""
    async with Client(server, mode=MODE[era], elicitation_callback=person) as connected:
        yield connected


def talk(server: Any, era: Era, words: Callable[[Client], Awaitable[Any]], **options: Any) -> Any:
    """Connect, say something, and return what came of it."""

    async def conversation() -> Any:
        async with client(server, era, **options) as connected:
            return await words(connected)

    with_end: Any = anyio.run(conversation)
    return with_end


def views_on(
    sandbox: Sandbox,
    backends: Backends | None = None,
    detail: Detail = DEFAULT_DETAIL,
    **policy: Any,
) -> Views:
    """Views of tools on a sandbox, which wait for no rate limit."""
    shared = backends or Backends(limiter=AnyPace())
    connection = Connection.load(sandbox.connection())
    return Views(
        lambda given: CustomerIoTool(connection, policy=given, backends=shared),
        Policy.load(policy),
        detail=detail,
    )


def server_on(
    sandbox: Sandbox, views: Views | None = None, *, answer_seconds: float = PATIENCE, **policy: Any
) -> Server[Any]:
    """A server in this process, for `Client`."""
    connection = Connection.load(sandbox.connection())
    offered = views or views_on(sandbox, **{"preset": "careful", **policy})
    return new_server(offered, connection, answer_seconds=answer_seconds)
