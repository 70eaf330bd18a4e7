"""The probe answers what no document does, of itself alone, and never raises."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.doors.studio import probe
from tests.doors.studio.fresh import run
from tests.support.shell import invoke

TEXT = invoke("studio", "probe").stdout
SECRET = "kk7secret"
VARIABLES = {"CUSTOMERIO_APP_API_KEY": SECRET, f"{SECRET}-name": "x"}


@pytest.fixture
def folder(tmp_path: Path) -> dict[str, str]:
    """The variables of a process whose temporary files lie in a folder of the test."""
    return {"TMPDIR": str(tmp_path)}


def outputs(*inputs: Any, env: dict[str, str]) -> list[dict[str, Any]]:
    returned, _ = run(TEXT, inputs, VARIABLES, env=env)
    return [each["output"] for each in returned]


def test_it_is_one_file_of_the_standard_library() -> None:
    assert TEXT.startswith("# ENV_VARS: []\n")
    modules = [
        str(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(ast.parse(TEXT))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names


def test_it_is_written_for_python_3_8() -> None:
    ast.parse(TEXT, feature_version=(3, 8))
    assert "from __future__ import annotations" in TEXT


def test_it_tells_the_python_and_its_packages(folder: dict[str, str]) -> None:
    (output,) = outputs({}, env=folder)
    assert output["python"].split()[1] == ".".join(map(str, sys.version_info[:3]))
    assert output["packages"]["pydantic"] == "no (ModuleNotFoundError)"
    assert not output["packages"]["sqlite3"].startswith("no")
    assert output["zip_import"] is True


def test_it_tells_what_outlives_a_call(folder: dict[str, str]) -> None:
    first, second = outputs({}, {}, env=folder)
    assert (first["process"]["is_kept"], second["process"]["is_kept"]) == (False, True)
    (third,) = outputs({}, env=folder)
    assert third["process"]["is_kept"] is False
    kept = {"calls": 3, "is_kept": True, "last_sleep_seconds": 0}
    assert third["file_system"]["temporary"] == kept


@pytest.mark.parametrize("key", probe.KEYS)
def test_it_tells_which_capture_key_is_read(key: str, folder: dict[str, str]) -> None:
    (returned,), _ = run(TEXT, [{}], VARIABLES, env=folder)
    (again,) = outputs(returned[key], env=folder)
    assert again["capture_key"] == key


def test_it_tells_how_far_the_last_sleep_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise SystemExit  # the studio's time limit

    monkeypatch.setattr("customerio_tool.doors.studio.probe.time.sleep", sleep)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        probe.main({"sleep_seconds": "200"}, {})
    output = probe.main({}, {})["output"]
    assert output["file_system"]["temporary"]["last_sleep_seconds"] == 2


@pytest.mark.parametrize("chars", [1, 50_000, 123_457])
def test_it_can_be_filled_up_to_find_the_limit_of_code(chars: int, folder: dict[str, str]) -> None:
    text = invoke("studio", "probe", "--chars", str(chars)).stdout
    assert len(text) >= chars
    assert chars <= len(TEXT) + 20 or len(text) == chars
    (returned,), _ = run(text, [{}], {}, env=folder)
    assert returned["output"]["code_chars"] == len(text)


def test_it_shows_neither_a_name_nor_a_value_of_a_variable(folder: dict[str, str]) -> None:
    (output,) = outputs({SECRET: SECRET, "customer_io.get_segment.x": 1}, env=folder)
    assert SECRET not in json.dumps(output)
    assert output["env_variables"]["of_customer_io"] == 1
    assert (output["inputs"]["count"], output["inputs"]["with_a_dot"]) == (2, 1)


@pytest.mark.parametrize("inputs", [None, 7, "x", [], {"sleep_seconds": "soon"}])
def test_it_never_raises(inputs: Any, folder: dict[str, str]) -> None:
    for env in (folder, {"TMPDIR": "/nonexistent"}):
        (output,) = outputs(inputs, env=env)
        assert output["python"]
