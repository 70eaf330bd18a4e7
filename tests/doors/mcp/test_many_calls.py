"""Many calls at once: every answer is of its own call, and nothing is left of them afterwards.

`MCP_CALLS` sets how many there are for each transport and era.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from customerio_tool.sandbox import Sandbox
from tests.support.mcp_doors import MODE, WAYS, Serving, Way, serving, through_pipe, variables
from tests.support.timeouts import PATIENCE

CALLS = int(os.environ.get("MCP_CALLS", "200"))
AT_ONCE = 50
KEPT = 64 + 6
"""What stays by design, however many calls there are: the threads of the pool, as many connections
to Customer.io, and a few of the libraries."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="the system does not show what a process has open"
)


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found]


def sockets_of(process: int) -> int:
    links = Path(f"/proc/{process}/fd").iterdir()
    targets = [str(link.readlink()) for link in links if link.is_symlink()]
    return sum(target.startswith("socket:") for target in targets)


def threads_of(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


async def many(client: Client) -> list[str]:
    """Make calls, at most `AT_ONCE` at a time; return what was wrong."""
    wrong: list[str] = []
    slots = anyio.CapacityLimiter(AT_ONCE)

    async def one(number: int) -> None:
        async with slots:
            person = f"many-{number}"
            arguments: dict[str, Any] = {"customer_id": person, "attributes": {"n": number}}
            result = await client.call_tool("identify_customer", arguments)
            found: Any = result.structured_content
            if not found["ok"] or person not in found["summary"]:
                wrong.append(found["summary"])

    with anyio.fail_after(PATIENCE * 5):
        async with anyio.create_task_group() as tasks:
            for number in range(CALLS):
                tasks.start_soon(one, number)
    return wrong


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_answer_is_of_its_own_call_and_nothing_leaks(way: Way) -> None:
    with Sandbox(options={"requests_kept": 2 * CALLS}) as sandbox:
        env = variables(sandbox)
        if way.transport == "stdio":
            grown = anyio.run(over_stdio, through_pipe(env), way)
        else:
            with serving(env) as served:
                grown = anyio.run(over_http, served, way)
        requests = sandbox.requests()
    assert len(requests) >= CALLS
    assert grown["sockets"] <= KEPT
    assert grown["threads"] <= KEPT


class Grown(dict[str, int]):
    """How many more sockets and threads a process has than at first."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._before = sockets_of(process), threads_of(process)

    def look(self) -> None:
        self["sockets"] = sockets_of(self._process) - self._before[0]
        self["threads"] = threads_of(self._process) - self._before[1]


async def over_stdio(server: Any, way: Way) -> Grown:
    own = set(children_of(os.getpid()))
    async with Client(server, mode=MODE[way.era]) as client:
        (process,) = set(children_of(os.getpid())) - own
        grown = Grown(process)
        assert await many(client) == []
        grown.look()
    return grown


async def over_http(served: Serving, way: Way) -> Grown:
    grown = Grown(served.process.pid)
    async with Client(served.url, mode=MODE[way.era]) as client:
        assert await many(client) == []
    with anyio.fail_after(PATIENCE):
        while True:  # the connections of the client end a little after it
            grown.look()
            if grown["sockets"] <= KEPT:
                return grown
            await anyio.sleep(0.1)
