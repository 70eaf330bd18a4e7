"""Kept connections: only their owner may read the file, and the next workbench has them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from requests import Session

from customerio_tool import Policy
from customerio_tool.doors.workbench.kept import KeptConnections, KeptUnusable
from customerio_tool.doors.workbench.workspaces import Workspaces
from customerio_tool.sandbox import Sandbox
from customerio_tool.secret import Secret
from tests.support.shell import MAIN
from tests.support.timeouts import PATIENCE
from tests.support.workbench import Bench

FIELDS = Secret({"site_id": "a", "track_api_key": "zz7key-kept"})


@pytest.fixture
def bench(same_bench: Bench) -> Bench:
    """These tests call nothing on the local Customer.io, so they may share it."""
    return same_bench


@pytest.fixture
def kept(tmp_path: Path) -> KeptConnections:
    return KeptConnections(tmp_path / "config" / "connections.json")


def next_start(bench: Bench, kept: KeptConnections) -> tuple[Workspaces, list[str]]:
    """The workspaces of another workbench, and what it tells at its start."""
    workspaces = Workspaces(bench.workspaces.all[0], kept)
    return workspaces, workspaces.add_kept(Policy.open())


def test_what_is_kept_is_there_at_the_next_start(bench: Bench, kept: KeptConnections) -> None:
    bench.workspaces.kept = kept
    assert bench.get("/connections/new").all("input", name="keep")[0].keys().isdisjoint({"checked"})
    bench.post("/connections/new", {**bench.local.connection(), "title": "Mine", "keep": "on"})
    key = bench.workspace.key
    workspaces, problems = next_start(bench, kept)
    assert problems == []
    found = workspaces.find(key)
    assert (found.title, found.is_kept, found.policy.confirm) == ("Mine", True, "human")
    assert found.ground.connection == bench.workspace.ground.connection
    bench.post(f"/connections/{key}/rename", {"title": "Yours"})
    assert kept.all()[key].title == "Yours"


@pytest.mark.parametrize("how", ["forget", "unkeep"])
def test_what_is_kept_no_longer_is_out_of_the_file(
    bench: Bench, kept: KeptConnections, how: str
) -> None:
    bench.workspaces.kept = kept
    bench.post("/connections/new", {**bench.local.connection(), "keep": "on"})
    key = bench.workspace.key
    assert bench.local.app_api_key in kept.file.read_text("utf-8")
    bench.post(f"/connections/{key}/{how}")
    assert bench.local.app_api_key not in kept.file.read_text("utf-8")
    assert next_start(bench, kept)[0].all[1:] == []
    assert bench.get(f"/connections/{key}").status == (404 if how == "forget" else 200)


def test_nothing_is_kept_that_was_not_asked_for(bench: Bench, kept: KeptConnections) -> None:
    bench.workspaces.kept = kept
    bench.post("/connections/new", bench.local.connection())
    assert not kept.file.parent.exists()
    bench.post(f"/connections/{bench.workspace.key}/keep")
    assert kept.all().keys() == {bench.workspace.key}


def test_where_nothing_is_kept_it_is_not_offered(bench: Bench) -> None:
    assert not bench.get("/connections/new").all("input", name="keep")
    bench.post("/connections/new", {**bench.local.connection(), "keep": "on"})
    assert not bench.workspace.is_kept
    assert "could not be kept" in bench.post(f"/connections/{bench.workspace.key}/keep").words


def test_the_file_and_its_folder_are_the_owners_alone(kept: KeptConnections) -> None:
    before = os.umask(0)
    try:
        kept.keep("0123abcd", "One", FIELDS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.file.parent.stat().st_mode) == 0o700
    assert [each.name for each in kept.file.parent.iterdir()] == [kept.file.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(kept: KeptConnections, mode: int) -> None:
    kept.keep("0123abcd", "One", FIELDS)
    kept.file.chmod(mode)
    for act in (kept.all, lambda: kept.keep("4567abcd", "Two", FIELDS)):
        with pytest.raises(KeptUnusable, match="can be read by others"):
            act()


def test_a_pipe_in_place_of_the_file_is_not_waited_for(kept: KeptConnections) -> None:
    if not hasattr(os, "mkfifo"):
        return
    kept.file.parent.mkdir()
    os.mkfifo(kept.file, 0o600)
    reader = threading.Thread(target=kept.problem, daemon=True)
    reader.start()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert "no plain file" in kept.problem()


def test_a_link_is_not_followed(kept: KeptConnections, tmp_path: Path) -> None:
    kept.keep("0123abcd", "One", FIELDS)
    kept.file.rename(tmp_path / "elsewhere.json")
    kept.file.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(KeptUnusable, match="is a link"):
        kept.all()
    with pytest.raises(KeptUnusable, match="is a link"):
        kept.forget("0123abcd")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", '{"format": 2, "connections": {}}', '{"format": 1}', "[" * 100_000),
        '{"format": 1, "connections": {"local": {"title": "x", "connection": {}}}}',
        '{"format": 1, "connections": {"0123abcd": {"title": 1, "connection": {}}}}',
        '{"format": 1, "connections": {"0123abcd": {"title": "x", "connection": {"a": 1}}}}',
    ],
)
def test_a_file_of_another_kind_is_refused_and_left_alone(kept: KeptConnections, text: str) -> None:
    kept.file.parent.mkdir()
    kept.file.write_text(text, "utf-8")
    kept.file.chmod(0o600)
    with pytest.raises(KeptUnusable, match="is no file of kept connections"):
        kept.keep("0123abcd", "One", FIELDS)
    assert kept.file.read_text("utf-8") == text


def test_a_file_that_cannot_be_used_stops_no_start_and_is_told(
    bench: Bench, kept: KeptConnections
) -> None:
    kept.keep("0123abcd", "One", FIELDS)
    kept.file.chmod(0o644)
    workspaces, (problem,) = next_start(bench, kept)
    assert len(workspaces.all) == 1
    assert str(kept.file) in problem
    bench.workspaces.kept = kept
    page = bench.post("/connections/new", {**bench.local.connection(), "keep": "on"})
    assert "could not be kept" in page.words
    assert "can be read by others" in page.words
    assert bench.workspace.local is None


def test_a_kept_connection_that_became_wrong_is_told_without_its_values(
    bench: Bench, kept: KeptConnections
) -> None:
    kept.keep("0123abcd", "Old", Secret({"track_api_key": "zz7key-kept"}))
    kept.keep("4567abcd", "New", FIELDS)
    workspaces, (problem,) = next_start(bench, kept)
    assert [each.title for each in workspaces.all] == ["Local Customer.io", "New"]
    assert "'Old'" in problem
    assert "site_id is missing" in problem
    assert "zz7key" not in problem


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    kept: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.keep("0123abcd", "One", FIELDS)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeptUnusable, match="No space left"):
        kept.keep("4567abcd", "Two", FIELDS)
    assert json.loads(kept.file.read_text("utf-8"))["connections"].keys() == {"0123abcd"}
    assert [each.name for each in kept.file.parent.iterdir()] == [kept.file.name]


@pytest.mark.parametrize("obstacle", ["a file", "a link to nowhere"])
def test_the_page_tells_why_a_connection_could_not_be_kept_and_what_to_set(
    bench: Bench, kept: KeptConnections, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    folder = kept.file.parent  # stops any user, as a lack of permission stops most
    if obstacle == "a file":
        folder.write_text("")
    else:
        folder.symlink_to("nowhere")
    bench.workspaces.kept = kept
    page = bench.post("/connections/new", {**bench.local.connection(), "keep": "on"})
    assert "could not be kept" in page.words
    assert "XDG_CONFIG_HOME" in page.words


def test_a_problem_of_writing_is_told_until_a_change_is_kept(
    kept: KeptConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeptUnusable):
            kept.keep("0123abcd", "One", FIELDS)
    assert "No space left" in kept.problem()
    kept.keep("0123abcd", "One", FIELDS)
    assert kept.problem() == ""


def test_a_connection_that_is_too_large_to_be_read_again_is_not_kept(
    kept: KeptConnections,
) -> None:
    kept.keep("0123abcd", "Mine", FIELDS)
    with pytest.raises(KeptUnusable, match="too large"):
        kept.keep("0123abce", "Large", Secret({"site_id": "x" * 1_000_000}))
    assert (list(kept.all()), kept.problem()) == (["0123abcd"], "")


def test_the_file_is_in_the_folder_of_the_users_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert KeptConnections.of_user().file == tmp_path / "customerio-tool" / "connections.json"


def test_no_repr_shows_a_key(kept: KeptConnections) -> None:
    kept.keep("0123abcd", "One", FIELDS)
    assert "zz7key" not in repr((kept, kept.all()))


def test_the_command_opens_what_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "customerio-tool" / "connections.json"
    KeptConnections(file).keep("0123abcd", "Mine", Secret(sandbox.connection()))
    command = [sys.executable, "-c", MAIN, "workbench", "--port", "0", "--no-open", "--json"]
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, env=env) as process,
        Session() as session,
    ):
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            session.get(told["workbench"], timeout=PATIENCE)
            page = session.get(f"{told['url']}/connections", timeout=PATIENCE).text
        finally:
            process.kill()
    assert "kept on this machine" in page
    assert "Mine" in page
    assert sandbox.app_api_key not in page
