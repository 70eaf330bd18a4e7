"""A subtool beside the page is one file and its facts, and keeps the promises of all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.documents import blocks
from tests.support.project import ROOT

BEYOND = ROOT / "tests" / "subtools" / "beyond_the_page"
ADDED = ("broadcast_messages.py", "profiles.py")
GUIDE = "docs/contributing/add-a-subtool.md"
NAMES = ("erase_profile", "list_broadcast_messages", "track_screen_view")
FOLDERS = ("customerio_tool", "tests", "schemas", "docs", "mcpb")
FILES = ("README.md", "CONTRIBUTING.md", "pyproject.toml", "tool_manifest.yaml", "server.json")
ERASURE = """\
  erase_profile:
    api: track
    method: DELETE
    path: /api/v1/customers/{customer_id}
    rate: track
    source: [track-spec]
    verified: true
    path_fields: *track_person
    reply: *accepted
    errors: *track_errors

"""

TESTS = (
    *("tests/subtools", "tests/contract", "tests/calls", "tests/policy", "tests/attacks"),
    *("tests/doors", "tests/project/test_pages.py", "tests/test_tool.py"),
    "tests/subtools/beyond_the_page/promises.py",
)
"""Tests that know of subtools."""

OF_ALL = (
    *("the_committed_files", "of_the_manifest_can_be_pasted", "the_manifest_lists"),
    *("one_row_for_each", "whole_definition", "number_of_subtools", "example_of_a_new_subtool"),
    *("recorded_operations", "in_the_documentation", "first_and_in_its_order"),
    *("no_endpoint_has_the_id", "a_sound_tool_passes", "of_the_page_is_called"),
)
"""Words of the names of tests that look at all subtools together."""


def python(root: Path, *arguments: str) -> str:
    """Run Python in a project, with its package before the installed one; return its output."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def of_guide(language: str) -> str:
    """Return the one block of the guide in a language."""
    (block,) = (each for each in blocks(language) if each.page == GUIDE)
    return block.text


def record(facts: Path) -> None:
    """Write down what is known of the three: one was an endpoint that no subtool called."""
    text = facts.read_text(encoding="utf-8")
    found = re.search(r"^  list_broadcast_messages:\n(?:    .*\n)+\n", text, re.MULTILINE)
    assert found is not None
    head, heading, tail = text.replace(found[0], "").partition("endpoints:\n")
    added = f"{found[0]}{of_guide('yaml')}\n{ERASURE}"
    facts.write_text(f"{head}{added}{heading}{tail}", encoding="utf-8")


@dataclass(frozen=True)
class Project:
    """A copy of the project, and which files its `publish` has written."""

    root: Path
    published: list[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with three more subtools: that of the guide, edit by edit, and two others."""
    root = tmp_path_factory.mktemp("project")
    left_out = shutil.ignore_patterns("__pycache__", "node_modules", Path(__file__).name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, root / name, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, root)
    for name in ADDED:
        shutil.copy(BEYOND / name, root / "customerio_tool" / "subtools")
    of_the_guide = root / "customerio_tool" / "subtools" / "screen_views.py"
    of_the_guide.write_text(of_guide("python"), encoding="utf-8")
    record(root / "tests" / "contract" / "facts.yaml")
    published = python(root, "-m", "customerio_tool", "publish").split()
    python(root, "-m", "tests.support.fault_matrix_page")
    return Project(root, published)


def test_what_is_not_by_hand_is_published(project: Project) -> None:
    assert project.published == [
        "README.md",
        "customerio_tool/definitions.json",
        "customerio_tool/doors/skills/customerio/SKILL.md",
        "customerio_tool/modules.json",
        "docs/guides/context.md",
        "docs/reference/subtools.md",
        "mcpb/manifest.json",
        "schemas/connection.json",
        *sorted(f"schemas/{name}.json" for name in (*NAMES, "phinite-policy")),
        "tool_manifest.yaml",
    ]
    for path in (
        "docs/reference/fault-matrix.md",
        "tool_manifest.yaml",
        "docs/reference/subtools.md",
    ):
        text = (project.root / path).read_text(encoding="utf-8")
        assert [name for name in NAMES if name not in text] == [], path


def test_all_promises_hold(project: Project) -> None:
    words = (*NAMES, *OF_ALL, "promises")
    plain = ("-m", "pytest", "-v", "-n", "0", "-p", "no:cacheprovider")
    told = python(project.root, *plain, *TESTS, "-k", " or ".join(words))
    passed = re.search(r"=+ (\d+) passed", told)
    assert passed is not None
    assert int(passed[1]) > 400, told
    assert [word for word in words if not re.search(rf"{word}.* PASSED", told)] == []
