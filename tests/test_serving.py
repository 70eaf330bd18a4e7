"""The sandbox command: it says where it listens, stops on a signal and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.serving import environment_lines, ready_file, stop_signals
from tests.shell import MAIN, invoke


@contextmanager
def served(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Serve a sandbox in a process of its own; gives it and what it printed until it listened."""
    command = [sys.executable, "-c", MAIN, "sandbox", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, list(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    _, complaints = process.communicate(timeout=30)
    assert complaints == ""
    return process.returncode


def people(ready: Mapping[str, Any]) -> list[str]:
    url = f"{ready['track_url']}/_sandbox/state"
    state = requests.get(url, timeout=10, verify=ready["ca_file"] or True).json()
    return [each["id"] for each in state["people"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_sandbox_and_removes_the_ready_file(tmp_path: Path, number: int) -> None:
    file = tmp_path / "ready.json"
    with served("--ready-file", str(file)) as (process, _):
        ready = json.loads(file.read_text())
        assert "u1" in people(ready)
        assert stop(process, number) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_ready_file_connects_a_tool(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    with served("--ready-file", str(file)):
        ready = json.loads(file.read_text())
        assert set(ready) == {
            *("track_url", "app_url", "console_url"),
            *("site_id", "track_api_key", "app_api_key", "ca_file"),
        }
        saved = {k: each for k, each in ready.items() if k != "console_url"}
        with CustomerIoTool(saved) as tool:
            assert tool.test_connection()["ok"]


def test_the_printed_lines_connect_a_shell() -> None:
    with served() as (_, printed):
        lines = [line.strip().removeprefix("export ") for line in printed if "export" in line]
        told = invoke("check", env=dict(line.split("=", 1) for line in lines))
    assert told.exit_code == 0


@pytest.mark.parametrize("api", ["Track API", "App API", "console"])
def test_the_urls_are_printed(api: str) -> None:
    with served() as (_, printed):
        assert any(line.split("http://127.0.0.1:")[0].strip() == api for line in printed)


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


def test_a_port_that_is_taken_is_told_without_a_traceback() -> None:
    with Sandbox() as other:
        told = invoke("sandbox", "--port", other.track_url.rpartition(":")[2])
    assert told.exit_code == 1
    assert told.stderr.startswith("The sandbox cannot start: ")


def test_a_ready_file_that_cannot_be_written_stops_the_sandbox(tmp_path: Path) -> None:
    told = invoke("sandbox", "--ready-file", str(tmp_path / "absent" / "ready.json"))
    assert told.exit_code == 1
    assert told.stderr.startswith("The sandbox cannot start: ")


def test_a_ready_file_is_private_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    file.write_text("of an earlier run")
    with ready_file(file, {"ca_file": None}):
        assert json.loads(file.read_text()) == {"ca_file": None}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [file]
    assert not file.exists()


def test_a_ready_file_that_cannot_take_its_place_leaves_no_draft(tmp_path: Path) -> None:
    place = tmp_path / "ready.json"
    (place / "taken").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"), ready_file(place, {}):
        pass
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_signals_are_put_back_as_they_were(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signals() as stopped:
        signal.raise_signal(number)
        assert stopped.is_set()
    assert signal.getsignal(number) is before


def test_environment_lines_are_quoted_for_a_shell() -> None:
    assert environment_lines({"ca_file": "/a b"}) == ["export CUSTOMERIO_CA_FILE='/a b'"]
