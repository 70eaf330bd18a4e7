"""Shows a flag in the help without a type: `--json`, and not `--json <bool>`."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """The commands of `customerio-tool`, whose flags have no type in the help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options before a command."""
        return _untyped(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name; None if there is none."""
        command = super().get_command(ctx, cmd_name)
        for each in _with_inner(command) if command else ():
            _untyped(each.get_params(ctx))  # the help option is made once, and kept
        return command


def _with_inner(command: Any) -> list[Any]:
    """Return a command and, if it is a group, all that are in it."""
    inner = getattr(command, "commands", {}).values()
    return [command, *(found for each in inner for found in _with_inner(each))]


def _untyped(parameters: list[Any]) -> list[Any]:
    for each in parameters:
        if getattr(each, "is_flag", False) and each.metavar is None:
            each.metavar = ""
    return parameters
