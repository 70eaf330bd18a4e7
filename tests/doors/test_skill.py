"""The skill for coding agents: its form, what it tells, and that it does not drift."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from customerio_tool.doors.cli.exit_codes import MEANINGS, Exit
from customerio_tool.doors.cli.publish.skill_file import NAME, SKILL, skill_text
from customerio_tool.policy.policy import PRESETS
from customerio_tool.subtools import subtools
from tests.support.project import ROOT
from tests.support.shell import invoke

TEXT = skill_text()


def test_the_command_prints_what_is_published() -> None:
    told = invoke("skill")
    assert (told.exit_code, told.stdout) == (0, TEXT)
    assert (ROOT / SKILL).read_text(encoding="utf-8") == TEXT
    assert json.loads(invoke("skill", "--json").stdout) == {
        "path": f"{NAME}/SKILL.md",
        "text": TEXT,
    }


def test_its_front_matter_keeps_the_limits_of_agent_skills() -> None:
    _, front, _ = TEXT.split("---\n", 2)
    head = yaml.safe_load(front)
    assert set(head) == {"name", "description"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", head["name"])
    assert len(head["name"]) <= 64
    assert Path(SKILL).parent.name == head["name"]
    assert 1 <= len(head["description"]) <= 1024
    assert not re.search(r"[<>]", head["description"])


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) < 120


@pytest.mark.parametrize("part", [*subtools(), *PRESETS])
def test_it_names_every_subtool_and_preset(part: str) -> None:
    assert f"| `{part}` |" in TEXT


def test_the_exit_codes_have_one_meaning_in_the_skill_the_guide_and_the_help() -> None:
    guide = (ROOT / "docs/guides/shell.md").read_text(encoding="utf-8")
    told = " ".join(invoke("--help").stdout.split())
    assert set(MEANINGS) == set(Exit)
    for code, meaning in MEANINGS.items():
        assert f"| {code:d} | {meaning} |" in TEXT
        assert f"| {code:d} | {meaning} |" in guide
        assert f"{code:d} {meaning}" in told


def test_every_command_in_it_exists_and_takes_those_options() -> None:
    for line in re.findall(r"^\$ customerio-tool (.*)$", TEXT, re.MULTILINE):
        words = line.partition("#")[0].split()
        helped = invoke(words[0], "--help").stdout
        assert helped
        assert all(word in helped for word in words if word.startswith("--"))
