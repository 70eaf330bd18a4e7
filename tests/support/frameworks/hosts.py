"""What an agent is for the tests, and which frameworks there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, TypeAlias

from customerio_tool import CustomerIoTool

Calls: TypeAlias = Sequence[tuple[str, Mapping[str, Any]]]

RUN = "conversation-7"
"""The name of the conversation that each host is given."""


@dataclass
class Turn:
    """What a model reads after its calls, and the names of those that a person is asked about."""

    results: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Host(Protocol):
    """An agent that makes the calls of a script."""

    def schemas(self) -> dict[str, Any]:
        """Return the input schema of each tool as a model is given it, by name."""

    def play(self, calls: Calls) -> Turn:
        """Let the model make calls, all at once."""

    def decide(self, *, approved: bool) -> Turn:
        """Let a person answer all questions of the last turn."""


class Awaited:
    """A host whose framework runs in an event loop."""

    run = staticmethod(asyncio.run)


HOSTS = {
    "openai_agents": "openai_agents.OpenAiAgents",
    "agno": "agno.Agno",
    "agno, awaited": "agno.AwaitedAgno",
    "langchain": "langchain.LangGraph",
    "langchain, awaited": "langchain.AwaitedLangGraph",
    "pydantic_ai": "pydantic_ai.PydanticAi",
}


def host_of(name: str) -> Callable[[CustomerIoTool], Host]:
    """Return the class of a host; its framework is imported now."""
    module, _, attribute = HOSTS[name].partition(".")
    made: Callable[[CustomerIoTool], Host] = getattr(
        import_module(f"tests.support.frameworks.{module}"), attribute
    )
    return made
