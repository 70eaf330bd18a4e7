"""The builder's page: its code runs, its samples are calls, and what it names exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from customerio_tool import Sandbox
from customerio_tool.backends import Backends
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.studio import main
from customerio_tool.doors.studio.pasted import thin_text, whole_text
from customerio_tool.doors.studio.shapes import MAX_CAPTURED_CHARS
from customerio_tool.policy import Policy
from customerio_tool.subtools import find
from tests.support.project import ROOT
from tests.support.shell import invoke

PAGE = (ROOT / "docs" / "guides" / "studio.md").read_text(encoding="utf-8")
VARIABLE = r"CUSTOMERIO_[A-Z_]+"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
SAMPLES = [json.loads(text) for language, text in BLOCKS if language == "json"]
COMMANDS = [
    line.removeprefix("$ customerio-tool ").split()
    for language, text in BLOCKS
    if language == "console"
    for line in text.splitlines()
]


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    """A local Customer.io with the demo workspace."""
    with Sandbox() as running:
        yield running


def test_every_block_is_of_a_language_that_is_tried_here() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "json", "console"}


@pytest.mark.parametrize("block", PYTHON, ids=range(len(PYTHON)))
def test_the_python_runs_as_it_stands(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "studio.md", "exec", dont_inherit=True), {})  # noqa: S102 - the page's own code


@pytest.mark.parametrize("inputs", SAMPLES, ids=lambda inputs: inputs["subtool"])
def test_a_sample_input_succeeds_on_the_demo_workspace(
    inputs: dict[str, object], local: Sandbox
) -> None:
    assert main(inputs, local.connection())["output"]["ok"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_prints_what_can_be_pasted(command: list[str]) -> None:
    printed = invoke(*command)
    assert printed.exit_code == 0
    compile(printed.stdout, "pasted.py", "exec", dont_inherit=True)


def test_the_variables_that_it_names_are_read() -> None:
    fields = {*Policy.model_fields, *connection_fields()}
    known = {f"CUSTOMERIO_{name.upper()}" for name in fields}
    told = f"{Policy.from_env.__doc__} {Backends.from_env.__doc__} {thin_text(find('track_event'))}"
    known |= set(re.findall(VARIABLE, told))
    assert set(re.findall(VARIABLE, PAGE)) - known == set()


def test_the_sizes_that_it_names_are_true() -> None:
    assert f"at most {MAX_CAPTURED_CHARS:,} characters" in PAGE
    (told,) = re.findall(r"about ([\d,]+) characters", PAGE)
    size = len(whole_text(find("track_event")))
    assert abs(size - int(told.replace(",", ""))) < 50_000


def test_the_readme_leads_to_the_page() -> None:
    assert "docs/guides/studio.md" in (ROOT / "README.md").read_text(encoding="utf-8")
