"""What a person decided on the page of approvals, and what became of the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal, TypeAlias

from customerio_tool.calls.waiting_calls import Question
from customerio_tool.doors.workbench.newest import Newest

Choice: TypeAlias = Literal["approve", "decline"]


@dataclass(frozen=True)
class Decided:
    """One decision; `repr` shows nothing of the call.

    Args:
        question: What was decided about.
        choice: What the person chose.
        result: The envelope of the call, or of its refusal.
        at: When, in Unix seconds.
    """

    question: Question = field(repr=False)
    choice: Choice
    result: Mapping[str, Any] = field(repr=False)
    at: float

    @property
    def is_as_chosen(self) -> bool:
        """Whether what the person chose was done: the call succeeded, or was dropped."""
        return bool(self.result["ok"]) or self.choice == "decline"

    @property
    def words(self) -> str:
        """What was done, as one sentence."""
        if self.choice == "decline":
            return "You declined this call: it never runs."
        if self.result["ok"]:
            return "You approved this call, and it ran once."
        if "confirmation_id" in self.result:
            return (
                "You approved this call, but it would reach somebody else by now. It waits again."
            )
        if self.result["error"]["took_effect"] == "unknown":
            return "You approved this call. Whether it worked is not known."
        return "You approved this call. It failed."


class Decisions(Newest[Decided]):
    """The newest decisions, by confirmation id."""

    def __init__(self) -> None:
        super().__init__()
        self._under_way: Newest[Lock] = Newest()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Let one decision about a call be made at a time, so that a second click sees the first.

        Args:
            name: The confirmation id.
        """
        self._under_way.put(name, Lock())
        with self._under_way.get(name) or Lock():
            yield
