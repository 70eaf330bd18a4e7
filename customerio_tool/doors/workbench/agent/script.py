"""The demo's scripted conversation, step by step, on a local Customer.io of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import RLock
from typing import Any

from customerio_tool.calls.call import CallContext
from customerio_tool.doors.cli.demo.closing import rows_of, verdict_of
from customerio_tool.doors.cli.demo.player import Played, Player
from customerio_tool.doors.cli.demo.server import Server
from customerio_tool.doors.cli.demo.story import STORY
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.agent.turns import Turn
from customerio_tool.policy import Policy
from customerio_tool.sandbox import Sandbox
from customerio_tool.tool import CustomerIoTool

STEPS = sum(len(act.steps) for act in STORY)
"""How many steps the script has."""


class Script:
    """The script as far as it was played; safe for threads.

    Args:
        door: The name of the door, for the calls.
    """

    def __init__(self, door: str) -> None:
        self._door = door
        self._lock = RLock()
        self._stage: _Stage | None = None

    @property
    def turns(self) -> list[Turn]:
        """What was played, the oldest first."""
        with self._lock:
            return list(self._stage.scribe.turns) if self._stage else []

    @property
    def steps(self) -> int:
        """How many steps were played."""
        with self._lock:
            return len(self._stage.played) if self._stage else 0

    @property
    def console_url(self) -> str:
        """The console of its own sandbox; empty before the first step."""
        with self._lock:
            return self._stage.sandbox.console_url if self._stage else ""

    def play(self, steps: int) -> None:
        """Play the next steps, at most to the end.

        Args:
            steps: How many.
        """
        with self._lock:
            if self._stage is None:
                self._stage = _Stage(self._door)
            for _ in range(steps):
                self._stage.step()

    def begin_anew(self) -> None:
        """Forget what was played, and stop its sandbox."""
        with self._lock:
            if self._stage is not None:
                self._stage.close()
                self._stage = None


class _Stage:
    """One play with its own sandbox."""

    def __init__(self, door: str) -> None:
        self.sandbox = Sandbox().start()
        self._tool = Ground.on(self.sandbox).tool(Policy())
        self._server = Server(self.sandbox.connection())
        self.scribe = _Scribe(self._tool, CallContext(door=door))
        self.played: list[Played] = []
        self._coming = Player(self.scribe, self._server, self.scribe).play(STORY)

    def step(self) -> None:
        """Play the next step; after the last one, say how it went."""
        if len(self.played) == STEPS:
            return
        self.played.append(next(self._coming))
        if len(self.played) == STEPS:
            words, is_good = verdict_of(rows_of(self.played), self.played)
            self.scribe.turns.append(Turn("proof", words, is_good))

    def close(self) -> None:
        """Stop the sandbox."""
        self._server.close()
        self._tool.close()
        self.sandbox.close()


class _Scribe:
    """Makes the calls of a play, and writes down as turns what is told of it."""

    def __init__(self, tool: CustomerIoTool, context: CallContext) -> None:
        self._tool = tool
        self._context = context
        self.turns: list[Turn] = []

    def call(self, name: str, arguments: str, /) -> dict[str, Any]:
        """Make a call, and keep its result for its turn."""
        result = self._tool.call(name, arguments, context=self._context)
        self.turns[-1] = replace(self.turns[-1], result=result)
        return result

    def act(self, title: str) -> None:
        """Write a heading."""
        self.turns.append(Turn("act", title))

    def asked(self, words: str) -> None:
        """Write the user's words."""
        self.turns.append(Turn("user", words))

    def called(self, subtool: str, arguments: Mapping[str, Any]) -> None:
        """Write a call that is about to be made."""
        self.turns.append(Turn("call", subtool=subtool, arguments=arguments))

    def repaired(
        self, subtool: str, arguments: Mapping[str, Any], instead_of: Mapping[str, Any]
    ) -> None:
        """Write a repaired call with all its arguments, whatever the wrong one had."""
        del instead_of
        self.called(subtool, arguments)

    def succeeded(self, words: str) -> None:
        """Write the summary of the last call, which succeeded."""
        self.turns[-1] = replace(self.turns[-1], words=words)

    def failed(self, words: str) -> None:
        """Write the summary of the last call, which failed."""
        self.turns[-1] = replace(self.turns[-1], words=words, is_good=False)

    def proved(self, words: str) -> None:
        """Write what the server holds, as promised."""
        self.turns.append(Turn("proof", words))

    def disproved(self, words: str) -> None:
        """Write what the server does not hold as promised."""
        self.turns.append(Turn("proof", words, is_good=False))
