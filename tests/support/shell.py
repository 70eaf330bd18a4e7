"""How tests run the commands: in this process, on an environment without a connection."""

from __future__ import annotations

from collections.abc import Mapping

from typer.testing import CliRunner, Result

from customerio_tool.doors.cli.commands import app

MAIN = "from customerio_tool.doors.cli.main import main; main()"


def invoke(*arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
    """Run a command; nothing of this machine's connection or terminal reaches it."""
    return CliRunner().invoke(
        app, list(arguments), env={"COLUMNS": "100", **(env or {})}, input=stdin
    )


def environment(saved: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a saved connection."""
    return {f"CUSTOMERIO_{key.upper()}": value for key, value in saved.items()}
