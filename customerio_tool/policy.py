"""What an agent may do now: which subtools are enabled, and what its arguments may not reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from customerio_tool.arguments import refuse
from customerio_tool.errors import FieldProblem, SubtoolDisabled
from customerio_tool.spec import Args, Effect, Subtool

EVENT_OVERRIDES = ("recipient", "from_address", "reply_to")
"""Members of an event's data which override the message that the event triggers."""


@dataclass(frozen=True)
class Policy:
    """What is allowed; a policy is a value, and changing one makes another.

    Args:
        enabled: The subtools that may run; None allows all.
        event_overrides: Whether `data` of an event may redirect the message which it triggers
            (`recipient`, `from_address`, `reply_to`).
        data_files: Whether a broadcast may take its audience from a file on the web.
    """

    enabled: frozenset[str] | None = None
    event_overrides: bool = False
    data_files: bool = False

    def allows(self, name: str) -> bool:
        """Tell whether a subtool may run."""
        return self.enabled is None or name in self.enabled

    def only(self, names: Iterable[str]) -> Policy:
        """Return this policy with exactly these subtools enabled."""
        return replace(self, enabled=frozenset(names))

    def admit(self, subtool: Subtool[Any], args: Args) -> None:
        """Let a call pass.

        Raises:
            SubtoolDisabled: The subtool is not enabled.
            ArgumentsInvalid: An argument reaches what this policy closes.
        """
        if not self.allows(subtool.name):
            raise SubtoolDisabled(
                f"The subtool {subtool.name!r} is not enabled for this agent. Nothing was sent."
            )
        if problems := [*self._override_problems(subtool, args), *self._file_problems(args)]:
            refuse(problems)

    def _override_problems(self, subtool: Subtool[Any], args: Args) -> list[FieldProblem]:
        if self.event_overrides or subtool.effect is not Effect.RECORD:
            return []
        data = getattr(args, "data", None) or {}
        return [
            FieldProblem(
                f"data.{name}",
                "redirects the message that the event triggers, which this agent may not",
                "leave it out",
            )
            for name in EVENT_OVERRIDES
            if name in data
        ]

    def _file_problems(self, args: Args) -> list[FieldProblem]:
        if self.data_files or getattr(args, "data_file_url", None) is None:
            return []
        problem = "takes the audience from a file on the web, which this agent may not"
        return [FieldProblem("data_file_url", problem, "choose another audience")]
