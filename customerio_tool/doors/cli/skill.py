"""The command `skill`, which prints the skill for coding agents that use the shell."""

from __future__ import annotations

from importlib.resources import files

import typer

from customerio_tool.doors.cli.display import write_json
from customerio_tool.doors.cli.options import AsJson


def skill(as_json: AsJson = False) -> None:
    """Print SKILL.md: how a coding agent uses this tool in a shell.

    Save it as customerio/SKILL.md in the folder where your agent keeps its skills.
    """
    text = files("customerio_tool.doors").joinpath("skills/customerio/SKILL.md").read_text("utf-8")
    if as_json:
        write_json({"path": "customerio/SKILL.md", "text": text})
    else:
        typer.echo(text, nl=False)
