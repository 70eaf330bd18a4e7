"""The changelog is in its format, and a pull request that changes the package adds to it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import copytree

import pytest
import yaml

from customerio_tool import __version__
from tests.support.changelog import problems_of
from tests.support.project import ROOT

GOOD = """# Changelog

What changed.

## [Unreleased]

## [1.10.0] - 2026-03-01

### Added

- A subtool that takes
  two lines.
  - A part of it.

## [1.9.0] - 2026-01-31

### Fixed

- A fault.
"""
SPOILT = {
    "does not begin with its title": ("# Changelog", "# News"),
    "first section is not Unreleased": ("## [Unreleased]\n", ""),
    "text stands before": ("## [1.10.0] - 2026-03-01\n", "## [1.10.0] - 2026-03-01\n\nThanks!\n"),
    "[1.9.0] - 2026-01-31: it is empty": ("### Fixed\n\n- A fault.\n", ""),
    "Fixed is empty": ("- A fault.\n", ""),
    "there twice": ("- A fault.\n", "- A fault.\n\n### Fixed\n\n- Another.\n"),
    "Mended is no kind of change": ("### Fixed", "### Mended"),
    "'A fault.' belongs to no entry": ("- A fault.", "A fault."),
    "a release is written as": ("[1.9.0] - 2026-01-31", "1.9.0 (January)"),
    "1.9.0: the newest release comes first": ("[1.10.0]", "[1.8.0]"),
    "1.9.0: the newest release": ("2026-03-01", "2025-03-01"),
    "2026-02-30 is no date": ("2026-03-01", "2026-02-30"),
    "older than the newest release": ("[1.10.0]", "[2.0.0]"),
}


def test_the_changelog_is_in_its_format() -> None:
    assert problems_of((ROOT / "CHANGELOG.md").read_text("utf-8"), __version__) == []


@pytest.mark.parametrize("version", ["1.10.0", "1.11.0"])
def test_a_version_is_the_newest_release_or_the_next_one(version: str) -> None:
    assert problems_of(GOOD, version) == []


@pytest.mark.parametrize("problem", SPOILT)
def test_what_is_wrong_with_a_changelog_is_told(problem: str) -> None:
    right, wrong = SPOILT[problem]
    (told,) = problems_of(GOOD.replace(right, wrong), "1.10.0")
    assert problem in told


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, file: str, text: str) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text, "utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "-m", f"Change {file}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project on a branch of its own, with a package and a changelog of one line."""
    copytree(ROOT / ".ci", tmp_path / ".ci")
    git(tmp_path, "init", "--initial-branch=main")
    commit(tmp_path, "customerio_tool/tool.py", "")
    commit(tmp_path, "CHANGELOG.md", "- a line\n")
    git(tmp_path, "checkout", "-b", "branch")
    return tmp_path


def checked(project: Path, since: str = "main", body: str = "") -> tuple[int, str]:
    """The exit code of the check and what it says."""
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "PULL_REQUEST_BODY": body}
    done = subprocess.run(
        ["bash", ".ci/changelog"],
        cwd=project,
        env={**environment, "CHANGES_SINCE": since},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def test_a_change_of_the_package_needs_a_line(project: Path) -> None:
    commit(project, "customerio_tool/tool.py", "changed")
    status, said = checked(project)
    assert status == 1
    assert "[no changelog]" in said
    commit(project, "CHANGELOG.md", "")
    assert checked(project)[0] == 1, "a line less is no line"
    commit(project, "CHANGELOG.md", "- a line\n- another\n")
    assert checked(project) == (0, "")


def test_a_change_that_nobody_sees_is_told_in_the_description(project: Path) -> None:
    commit(project, "customerio_tool/tool.py", "changed")
    assert checked(project, body="Tidy up.\n\n[no changelog]\n") == (0, "")


@pytest.mark.parametrize("since", ["main", ""])
def test_a_change_beside_the_package_and_a_push_need_none(project: Path, since: str) -> None:
    commit(project, "tests/test_tool.py" if since else "customerio_tool/tool.py", "changed")
    assert checked(project, since) == (0, "")


def test_what_changed_on_main_meanwhile_is_not_the_branches(project: Path) -> None:
    git(project, "checkout", "main")
    commit(project, "customerio_tool/tool.py", "changed on main")
    git(project, "checkout", "branch")
    commit(project, "README.md", "changed")
    assert checked(project) == (0, "")


def test_a_commit_that_is_not_there_is_a_failure_and_no_pass(project: Path) -> None:
    status, said = checked(project, "0123456789abcdef0123456789abcdef01234567")
    assert status != 0
    assert "0123456789abcdef" in said


def test_the_template_of_a_pull_request_does_not_skip_the_check() -> None:
    template = (ROOT / ".github" / "pull_request_template.md").read_text("utf-8")
    assert "[no changelog]" not in template


def test_the_workflow_runs_what_everybody_runs() -> None:
    """What it adds is what only it knows: the commit that a pull request goes to, and its text."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    (step,) = (each for each in job["steps"] if "run" in each)
    assert step["run"] == "bash .ci/run"
    script = (ROOT / ".ci" / "changelog").read_text("utf-8")
    assert all(f"${{{name}:-}}" in script for name in step["env"])
    assert "bash .ci/changelog" in (ROOT / ".ci" / "run").read_text("utf-8")
