"""The scripted conversation has the same results and effects in an agent of each framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from customerio_tool import Backends, CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.doors.test_one_conversation import python
from tests.support.conversation import POLICY, STEPS, Door, Envelope, Talk, ends_of, held
from tests.support.frameworks.hosts import HOSTS, host_of

DENIED: Envelope = {"ok": False, "error": {"code": "policy_refused"}}
"""Stands for a denial that the framework tells in its own words, without the tool."""


def agent_of(name: str) -> Door:
    """Return the door of an agent that holds the conversation."""

    @contextmanager
    def door(sandbox: Sandbox) -> Iterator[Talk]:
        with CustomerIoTool(sandbox.connection(), policy=POLICY, backends=Backends()) as tool:
            agent = host_of(name)(tool)

            def talk(subtool: str, arguments: Mapping[str, Any], agrees: bool) -> Envelope:
                turn = agent.play([(subtool, arguments)])
                if turn.asked:
                    turn = agent.decide(approved=agrees)
                if turn.told and not agrees:
                    return DENIED
                (result,) = turn.results
                return result

            yield talk

    return door


@pytest.fixture(scope="module")
def expected() -> tuple[list[Envelope], dict[str, Any]]:
    """What the plain Python door gives."""
    return held(python)


@pytest.mark.parametrize("name", HOSTS)
def test_it_is_the_same_in_every_framework(
    name: str, expected: tuple[list[Envelope], dict[str, Any]]
) -> None:
    told, state = held(agent_of(name))
    assert [ends_of(each) for each in told] == [step.ends for step in STEPS]
    for step, mine, theirs in zip(STEPS, told, expected[0], strict=True):
        assert mine in (theirs, DENIED), step.subtool
    assert state == expected[1]
