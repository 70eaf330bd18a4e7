"""Plays the story: makes each call, repairs the wrong ones, and checks each step on the server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Template
from typing import Any, Protocol

from customerio_tool.doors.cli.demo.checks import Evidence
from customerio_tool.doors.cli.demo.repairs import Arguments, advice
from customerio_tool.doors.cli.demo.server import Mismatch, Server, State, same
from customerio_tool.doors.cli.demo.story import Act, Step
from customerio_tool.doors.cli.demo.transcript import Called
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Effect


class Caller(Protocol):
    """A tool, or a stand-in for one."""

    def call(self, name: str, arguments: str, /) -> dict[str, Any]:
        """Run a subtool and return its result envelope."""


class Telling(Protocol):
    """What is told of a play as it goes on: a `Transcript`, or a page."""

    def act(self, title: str) -> None:
        """An act begins."""

    def asked(self, words: str) -> None:
        """The user says something."""

    def called(self, subtool: str, arguments: Mapping[str, Any]) -> None:
        """The assistant makes a call."""

    def repaired(
        self, subtool: str, arguments: Mapping[str, Any], instead_of: Mapping[str, Any]
    ) -> None:
        """The assistant makes a call again, with other arguments."""

    def succeeded(self, words: str) -> None:
        """The call succeeded."""

    def failed(self, words: str) -> None:
        """The call failed."""

    def proved(self, words: str) -> None:
        """The server holds what the step promises."""

    def disproved(self, words: str) -> None:
        """The server does not hold it."""


@dataclass(frozen=True)
class Played:
    """A step that was played; `problem` is empty if its check passed."""

    step: Step
    calls: tuple[Called, ...]
    problem: str


class Player:
    """The assistant of the story.

    Args:
        tool: Runs the calls.
        server: The server that the tool calls, for the checks.
        transcript: Shows the calls and the checks, or writes them down.
    """

    def __init__(self, tool: Caller, server: Server, transcript: Telling) -> None:
        self._tool = tool
        self._server = server
        self._transcript = transcript
        self._known: dict[str, str] = {}  # what placeholders stand for, from the newest results

    def play(self, acts: Iterable[Act]) -> Iterator[Played]:
        """Play all acts; after a step that fails, the later ones are played all the same."""
        for act in acts:
            self._transcript.act(act.title)
            for step in act.steps:
                yield self._step(step)

    def _step(self, step: Step) -> Played:
        if step.asked:
            self._transcript.asked(step.asked)
        calls: list[Called] = []
        problem = ""
        try:
            self._run(step, calls)
        except Mismatch as mismatch:
            problem = str(mismatch)
        except LookupError as absent:
            problem = f"the reply lacks {absent}"
        if problem:
            self._transcript.disproved(problem)
        else:
            self._transcript.proved(step.proof)
        return Played(step, tuple(calls), problem)

    def _run(self, step: Step, calls: list[Called]) -> None:
        before, last = self._server.state(), self._last_request()
        arguments: Arguments = json.loads(step.arguments)
        result = self._call(step.subtool, arguments, calls)
        if step.repair is not None:
            self._expect_refusal(result, before, last)
            last = self._last_request()
            repaired = step.repair(result, arguments)
            result = self._call(step.subtool, repaired, calls, instead_of=arguments)
        same(f"whether {step.subtool} worked", result["ok"], True)
        self._known |= _ids_in(result)
        requests = self._server.requests(last)
        if find(step.subtool).effect is Effect.READ:
            same("methods that a read used", {each["method"] for each in requests}, {"GET"})
        step.check(Evidence(self._server, before, self._server.state(), requests, result))

    def _expect_refusal(self, result: Mapping[str, Any], before: State, last: int) -> None:
        """Require that a wrong call failed and changed nothing.

        A call that the tool itself refused must not have sent a request.

        Raises:
            Mismatch: The call succeeded, changed something, or was sent.
        """
        same("whether the wrong call worked", result["ok"], False)
        same("its effect", result["error"]["took_effect"], "no")
        same("what the wrong call changed", self._server.state().changed_since(before), [])
        if "http_status" not in result["error"]:
            same("requests of the refused call", self._server.requests(last), [])

    def _call(
        self,
        subtool: str,
        arguments: Arguments,
        calls: list[Called],
        *,
        instead_of: Arguments | None = None,
    ) -> dict[str, Any]:
        text = self._filled_in(arguments)
        if instead_of is None:
            self._transcript.called(subtool, json.loads(text))
        else:
            wrong = json.loads(self._filled_in(instead_of))
            self._transcript.repaired(subtool, json.loads(text), wrong)
        result = self._tool.call(subtool, text)
        if result["ok"]:
            self._transcript.succeeded(result["summary"].split(". ")[0].rstrip(".") + ".")
        else:
            self._transcript.failed(advice(result))
        word = result["outcome"] if result["ok"] else result["error"]["code"]
        calls.append(Called(result["ok"], word))
        return result

    def _filled_in(self, arguments: Arguments) -> str:
        return Template(json.dumps(arguments)).safe_substitute(self._known)

    def _last_request(self) -> int:
        return max((each["n"] for each in self._server.requests()), default=0)


_PLACES = {
    "person": ("customers", "id"),
    "message": ("activities", "delivery_id"),
    "template": ("messages", "id"),
}
"""For a placeholder the list of a result, and the member of its first object, that it is."""


def _ids_in(result: Mapping[str, Any]) -> dict[str, str]:
    """Return what placeholders stand for after a result."""
    found = {"segment": result.get("segment_id")}
    for name, (key, member) in _PLACES.items():
        first, *_ = result.get(key) or [{}]
        found[name] = first.get(member)
    return {name: str(value) for name, value in found.items() if value is not None}
