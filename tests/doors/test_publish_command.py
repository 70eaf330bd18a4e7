"""The command that publishes: what it finds out of date, writes and refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from customerio_tool.doors.cli.publish.pages import PAGES
from tests.support.project import ROOT
from tests.support.shell import invoke


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for page in PAGES:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    assert invoke("publish", "--root", str(tmp_path)).exit_code == 0
    return tmp_path


def test_what_was_published_is_up_to_date(project: Path) -> None:
    told = invoke("publish", "--check", "--root", str(project))
    assert (told.exit_code, told.output) == (0, "")


def test_publish_check_names_what_has_drifted_and_changes_nothing(project: Path) -> None:
    schema = project / "schemas" / "get_segment.json"
    schema.write_text(schema.read_text().replace("segment_id", "segment", 1))
    stray = project / "schemas" / "stray.json"
    stray.write_text("{}")
    told = invoke("publish", "--check", "--root", str(project))
    assert told.exit_code == 1
    assert told.stdout.splitlines() == ["schemas/get_segment.json", "schemas/stray.json"]
    assert stray.exists()


def test_publish_says_which_marker_a_readme_lacks(tmp_path: Path) -> None:
    told = invoke("publish", "--root", str(tmp_path))
    assert told.exit_code == 1
    assert "README.md must hold" in told.stderr
