"""The scripted conversation is over MCP what it is in Python, in each way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from customerio_tool.sandbox import Sandbox
from tests.doors.test_one_conversation import python
from tests.support.conversation import POLICY_VARIABLES, STEPS, Envelope, Talk, ends_of, held
from tests.support.mcp_doors import WAYS, Person, Way, client, serving, through_pipe, variables


@contextmanager
def over_mcp(way: Way, sandbox: Sandbox) -> Iterator[Talk]:
    """A client that lives in a thread of its own, so that a test may talk line by line."""
    env = variables(sandbox, **POLICY_VARIABLES)
    person = Person("decline")
    with ExitStack() as open_ones:
        if way.transport == "stdio":
            server: Any = through_pipe(env, "--preset", "open")
        else:
            server = open_ones.enter_context(serving(env, "--preset", "open")).url
        portal = open_ones.enter_context(start_blocking_portal())
        connecting = portal.wrap_async_context_manager(client(server, way.era, person))
        connected = open_ones.enter_context(connecting)

        def talk(name: str, arguments: Mapping[str, Any], agrees: bool) -> Envelope:
            person.action = "accept" if agrees else "decline"
            result = portal.call(partial(connected.call_tool, name, dict(arguments)))
            envelope: Envelope = result.structured_content
            return envelope

        yield talk


@pytest.fixture(scope="module")
def expected() -> tuple[list[Envelope], dict[str, Any]]:
    """What the plain Python door gives."""
    return held(python)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_it_is_the_same_over_mcp(way: Way, expected: tuple[list[Envelope], dict[str, Any]]) -> None:
    told, state = held(partial(over_mcp, way))
    assert [ends_of(each) for each in told] == [step.ends for step in STEPS]
    for step, mine, theirs in zip(STEPS, told, expected[0], strict=True):
        assert mine == theirs, step.subtool
    assert state == expected[1]
