"""What the help of every command shows, and that each can print JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from customerio_tool.doors.cli.commands import app
from customerio_tool.subtools import PAGE
from tests.support.shell import invoke

ROOT: Any = typer.main.get_command(app)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


ALL = [(), *commands(ROOT)]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_no_flag_is_said_to_take_a_value(path: tuple[str, ...]) -> None:
    for columns in ("80", "40"):
        told = invoke(*path, "--help", env={"COLUMNS": columns})
        assert told.exit_code == 0
        assert "--help" in told.stdout
        assert "bool" not in told.stdout


@pytest.mark.parametrize(
    "name",
    ["call", "check", "demo", "describe", "publish", "sandbox", "serve", "skill", "subtools"],
)
def test_every_command_prints_json_if_asked(name: str) -> None:
    assert "--json" in invoke(name, "--help").stdout


def test_the_demo_tells_a_program_what_each_subtool_did() -> None:
    told = invoke("demo", "--json")
    rows = json.loads(told.stdout)
    assert told.exit_code == 0
    assert [row["subtool"] for row in rows] == list(PAGE)
    assert all(row["is_proved"] for row in rows)
