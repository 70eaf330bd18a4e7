"""The README's Python is run as it stands, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from customerio_tool.commands import app

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
RUNNABLE = [block for block in PYTHON if "Sandbox()" in block]
COMMANDS = re.findall(r"customerio-tool (\w+)", README)


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.splitlines()[0])
def test_python_on_the_sandbox_runs_as_it_stands(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - the README's own code


def test_the_fixture_example_passes_in_a_project_of_its_own(pytester: pytest.Pytester) -> None:
    (example,) = (block for block in PYTHON if "def test_" in block)
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_every_command_that_is_named_exists() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]  # a registered command has a function
    assert set(COMMANDS) <= known
