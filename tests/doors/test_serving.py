"""The sandbox command: it says where it listens, stops on a signal and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import requests

from customerio_tool import CustomerIoTool
from customerio_tool.doors.cli.serving import ready_file
from customerio_tool.sandbox import Sandbox
from tests.support.shell import MAIN, invoke
from tests.support.timeouts import PATIENCE


@contextmanager
def served(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Serve a sandbox in a process of its own; gives it and what it printed until it listened."""
    command = [sys.executable, "-c", MAIN, "sandbox", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            printed = list(takewhile("Ctrl-C stops it.\n".__ne__, process.stdout))
            yield process, printed
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    _, complaints = process.communicate(timeout=PATIENCE)
    assert complaints == ""
    return process.returncode


def people(ready: Mapping[str, Any]) -> list[str]:
    url = f"{ready['track_url']}/_sandbox/state"
    state = requests.get(url, timeout=PATIENCE, verify=ready["ca_file"] or True).json()
    return [each["id"] for each in state["people"]]


@dataclass(frozen=True)
class Told:
    """What a sandbox that was started without options told: in its file, and on its terminal."""

    ready: dict[str, Any]
    printed: list[str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    file = tmp_path_factory.mktemp("ready") / "ready.json"
    with served("--ready-file", str(file)) as (_, printed):
        yield Told(json.loads(file.read_text()), printed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_sandbox_and_removes_the_ready_file(tmp_path: Path, number: int) -> None:
    file = tmp_path / "ready.json"
    with served("--ready-file", str(file)) as (process, _):
        ready = json.loads(file.read_text())
        assert "u1" in people(ready)
        assert stop(process, number) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_ready_file_connects_a_tool(told: Told) -> None:
    assert set(told.ready) == {
        *("track_url", "app_url", "console_url"),
        *("site_id", "track_api_key", "app_api_key", "ca_file"),
    }
    saved = {k: each for k, each in told.ready.items() if k != "console_url"}
    with CustomerIoTool(saved) as tool:
        assert tool.test_connection()["ok"]


def test_the_printed_lines_connect_a_shell(told: Told) -> None:
    lines = [line.strip().removeprefix("export ") for line in told.printed if "export" in line]
    checked = invoke("check", env=dict(line.split("=", 1) for line in lines))
    assert checked.exit_code == 0


def test_the_console_shows_the_workspace(told: Told) -> None:
    shown = requests.get(told.ready["console_url"], timeout=PATIENCE)
    assert shown.status_code == 200
    assert "u1" in shown.text


@pytest.mark.parametrize("api", ["Track API", "App API", "console"])
def test_the_urls_are_printed(told: Told, api: str) -> None:
    assert any(line.split("http://127.0.0.1:")[0].strip() == api for line in told.printed)


@pytest.mark.parametrize("client", ["customerio", "async-customerio", "customerio-node"])
def test_what_each_official_client_needs_is_printed(told: Told, client: str) -> None:
    assert any(line.rstrip().endswith(f": {client}") for line in told.printed)


def test_a_seed_of_ones_own_fills_the_workspace(tmp_path: Path) -> None:
    file, seed = tmp_path / "ready.json", tmp_path / "seed.json"
    seed.write_text('{"people": [{"id": "zoë"}]}', encoding="utf-8")
    with served("--seed", str(seed), "--ready-file", str(file)):
        assert people(json.loads(file.read_text())) == ["zoë"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"persons": []}', "persons"),
        ("[]", "one JSON object"),
        ("null", "one JSON object"),
        ("{", "one JSON object"),
        (None, "No such file"),
    ],
)
def test_a_seed_that_cannot_be_used_stops_the_sandbox(
    tmp_path: Path, text: str | None, complaint: str
) -> None:
    seed = tmp_path / "seed.json"
    if text is not None:
        seed.write_text(text)
    told = invoke("sandbox", "--seed", str(seed))
    assert told.exit_code == 1
    assert told.stderr.startswith("The sandbox cannot start: ")
    assert complaint in told.stderr


def test_a_sandbox_is_either_empty_or_seeded(tmp_path: Path) -> None:
    told = invoke("sandbox", "--empty", "--seed", str(tmp_path / "seed.json"))
    assert told.exit_code == 2
    assert "--empty" in told.stderr


def test_region_and_delay_are_the_sandboxs(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with served("--region", "eu", "--delay", "3600", "--empty", "--ready-file", str(file)):
        ready = json.loads(file.read_text())
        saved = {k: each for k, each in ready.items() if k != "console_url"}
        with CustomerIoTool(saved) as tool:
            assert tool.test_connection()["region"] == "eu"
            assert tool.call("identify_customer", {"customer_id": "late"})["ok"]
        assert people(ready) == []


@pytest.mark.parametrize("option", [["--region", "mars"], ["--delay", "-1"], ["--delay", "nan"]])
def test_a_region_or_delay_that_cannot_be_is_refused(option: list[str]) -> None:
    assert invoke("sandbox", *option).exit_code == 2


def test_any_setting_of_the_sandbox_can_be_given_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    given = {
        "rate_limits": "strict",
        "trigger_queue": 2,
        "last_page_next": None,
        "track_redirect_url": "https://track-eu.example",
    }
    options = [
        f"--option={name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in given.items()
    ]
    with served(*options, "--ready-file", str(file)):
        url = f"{json.loads(file.read_text())['track_url']}/_sandbox/options"
        shown = requests.get(url, timeout=PATIENCE).json()["options"]
    assert {name: shown[name] for name in given} == given


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("rate_limit=strict", "did you mean rate_limits?"),
        ("rate_limits=harsh", "relaxed, strict"),
        ("rate_limits", "NAME=VALUE"),
        ("delay_seconds=NaN", "a number"),
        ("delay=30", "did you mean delay_seconds?"),
        ("app_key=mine", "did you mean app_api_key"),
    ],
)
def test_a_setting_that_makes_no_sense_stops_the_sandbox(option: str, complaint: str) -> None:
    told = invoke("sandbox", "--option", option)
    assert told.exit_code == 1
    assert told.stderr.startswith("The sandbox cannot start: ")
    assert complaint in told.stderr


def test_a_key_of_ones_own_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with served("--option", "app_api_key=own-app-key", "--ready-file", str(file)):
        ready = json.loads(file.read_text())
        assert ready["app_api_key"] == "own-app-key"
        assert "u1" in people(ready)


def test_with_tls_the_ready_file_names_the_ca(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with served("--tls", "--ready-file", str(file)) as (process, printed):
        ready = json.loads(file.read_text())
        assert ready["track_url"].startswith("https://")
        assert "u1" in people(ready)
        assert f"export CUSTOMERIO_CA_FILE={ready['ca_file']}\n" in printed
        assert stop(process) == 0


def test_a_workspace_in_a_file_outlives_the_sandbox(tmp_path: Path) -> None:
    file, db = tmp_path / "ready.json", tmp_path / "workspace.db"
    options = ("--empty", "--db", str(db), "--ready-file", str(file))
    with served(*options) as (process, _):
        ready = json.loads(file.read_text())
        assert people(ready) == []
        saved = {k: each for k, each in ready.items() if k != "console_url"}
        with CustomerIoTool(saved) as tool:
            tool.run("identify_customer", {"customer_id": "kept"})
        assert stop(process) == 0
    with served(*options):
        assert people(json.loads(file.read_text())) == ["kept"]


def test_a_port_that_is_taken_is_told_with_what_to_give_instead() -> None:
    with Sandbox() as other:
        port = other.track_url.rpartition(":")[2]
        told = invoke("sandbox", "--port", port)
    assert told.exit_code == 1
    reason = f"The server cannot listen on 127.0.0.1:{port}: Address already in use."
    assert told.stderr.strip() == f"{reason} Give another --port; 0 picks a free one."


def test_a_host_that_is_none_of_this_machines_is_told_with_what_to_give_instead() -> None:
    told = invoke("sandbox", "--host", "192.0.2.1")  # of no machine (RFC 5737)
    assert told.exit_code == 1
    assert told.stderr.startswith("The server cannot listen on 192.0.2.1:0: ")
    assert told.stderr.strip().endswith(". Give another --host.")


def test_a_ready_file_that_cannot_be_written_stops_the_sandbox(tmp_path: Path) -> None:
    file = tmp_path / "absent" / "ready.json"
    told = invoke("sandbox", "--ready-file", str(file))
    assert told.exit_code == 1
    problem = f"the ready file {file} cannot be written: No such file or directory"
    assert told.stderr.strip() == f"The sandbox cannot start: {problem}"


def test_a_ready_file_is_private_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with ready_file(file, {"ca_file": None}):
        assert json.loads(file.read_text()) == {"ca_file": None}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [file]
    assert not file.exists()


def in_the_way(place: Path, kind: str) -> None:
    if kind == "file":
        place.write_text("of somebody else")
    elif kind == "empty file":
        place.touch()
    elif kind == "folder":
        (place / "of somebody else").mkdir(parents=True)
    elif kind == "link to a file":
        (place.parent / "target").write_text("of somebody else")
        place.symlink_to(place.parent / "target")
    else:
        place.symlink_to(place.parent / "nowhere")


def everything_in(folder: Path) -> dict[str, str]:
    return {
        str(each.relative_to(folder)): each.read_text() if each.is_file() else "no file"
        for each in folder.rglob("*")
    }


@pytest.mark.parametrize(
    "kind", ["file", "empty file", "folder", "link to a file", "link to nowhere"]
)
def test_a_ready_file_takes_no_place_that_is_taken(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "ready.json"
    in_the_way(place, kind)
    before = everything_in(tmp_path)
    told = invoke("sandbox", "--ready-file", str(place))
    assert told.exit_code == 1
    assert told.stderr.startswith("The sandbox cannot start: ")
    assert f"{place} exists" in told.stderr
    assert "delete it" in told.stderr
    assert everything_in(tmp_path) == before


def test_of_two_sandboxes_the_second_leaves_the_ready_file_to_the_first(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with served("--ready-file", str(file)) as (process, _):
        first = file.read_text()
        assert invoke("sandbox", "--ready-file", str(file)).exit_code == 1
        assert file.read_text() == first
        assert stop(process) == 0
    assert not file.exists()


def test_a_file_that_took_the_place_of_the_ready_file_is_left_there(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with ready_file(file, {"ca_file": None}):
        file.unlink()
        file.write_text("of somebody else")
    assert file.read_text() == "of somebody else"


def test_a_ready_file_that_went_away_is_no_failure(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with ready_file(file, {}):
        file.unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_ready_file_is_written_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    file, taken = tmp_path / "ready.json", tmp_path / "taken.json"
    taken.write_text("of somebody else")
    with ready_file(file, {"ca_file": None}):
        assert json.loads(file.read_text()) == {"ca_file": None}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError), ready_file(taken, {}):
        pass
    assert everything_in(tmp_path) == {"taken.json": "of somebody else"}
