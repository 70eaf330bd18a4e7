"""The start: which workspaces there are, what to do next, what was called, and what waits."""

from __future__ import annotations

import pytest

from customerio_tool import Connection, Policy
from customerio_tool.doors.ground import Ground
from customerio_tool.sandbox import Sandbox
from tests.support.workbench import Bench

LIVE = {"site_id": "s", "track_api_key": "t", "app_api_key": "a", "region": "eu"}


def test_a_new_reader_sees_the_local_customer_io_and_three_steps(bench: Bench) -> None:
    page = bench.get("/")
    assert bench.local.track_url in page.words
    assert bench.local.console_url in page.links
    assert len(page.all("li")) == 3
    assert {"/connections/new", "/tool", "/try"} <= set(page.links)
    assert "Done." not in page.words
    assert not page.all("li", **{"class": "past"})


def test_a_step_that_was_taken_is_marked_and_a_call_ends_the_steps(
    bench: Bench, sandbox: Sandbox
) -> None:
    bench.post("/connections/new", sandbox.connection())
    assert bench.get("/").words.count("Done.") == 1
    bench.post("/tool", {"enabled": ["list_segments"]})
    assert bench.get("/").words.count("Done.") == 2
    with bench.workspace.tool() as tool:
        tool.call("list_segments")
    page = bench.get("/")
    assert not page.all("li")
    assert "list_segments" in page.words
    assert "done" in page.words


def test_the_last_calls_are_those_of_the_workspace_in_use(bench: Bench, sandbox: Sandbox) -> None:
    with bench.workspace.tool() as tool:
        tool.call("get_segment", {"segment_id": 999_999})
    assert "not_found" in bench.get("/").words
    bench.post("/connections/new", sandbox.connection())
    assert "not_found" not in bench.get("/").words


def test_what_waits_for_approval_is_told_with_a_link(bench: Bench) -> None:
    bench.workspace.policy = Policy.careful()
    assert "for your approval" not in bench.get("/").words
    for person, words in (("u1", "1 call waits"), ("u2", "2 calls wait")):
        with bench.workspace.tool() as tool:
            tool.call("delete_customer", {"customer_id": person})
        page = bench.get("/")
        assert f"{words} for your approval" in page.words
        assert page.links.count("/approvals") == 2


def test_a_connection_shows_its_region_its_workspace_and_its_last_test(
    bench: Bench, sandbox: Sandbox
) -> None:
    bench.post("/connections/new", {**sandbox.connection(), "title": "Mine"})
    page = bench.get("/")
    card = page.words.partition("Mine")[2].partition("Another connection")[0]
    number = (bench.workspace.found or {})["workspace_id"]
    assert [each in card for each in ("works", "us", str(number))] == [True] * 3
    bench.workspace.found = {"ok": False, "summary": "The key is wrong."}
    assert "The key is wrong." in bench.get("/").words


def test_a_live_connection_is_marked_on_every_page(bench: Bench) -> None:
    ground = Ground.of(Connection.load(LIVE))
    bench.workspaces.add_connection("Production", ground, bench.workspace.bound)
    assert bench.workspace.is_live
    page = bench.get("/")
    assert "Live: calls reach people. Production. Test it to see its workspace" in page.words
    assert f"/connections/{bench.workspace.key}" in page.links
    assert page.all("span", **{"class": "pill bad"})
    bench.workspace.found = {"ok": True, "summary": "It works.", "workspace_id": 77}
    assert "Production, workspace 77" in bench.get("/tool").words
    bench.workspace.found = {
        "ok": False,
        "summary": "Nothing answers.",
        **{key: {"ok": False, "problem": "Nothing answers."} for key in ("track", "app")},
    }
    for path in ("/", "/connections", f"/connections/{bench.workspace.key}", "/tool"):
        page = bench.get(path)
        assert "Live: calls reach people. Production\n" in page.words
        assert path == "/tool" or "problem" in page.words


@pytest.mark.parametrize("url", ["track_url", "app_url"])
def test_half_a_connection_on_this_machine_is_live_by_its_other_half(
    bench: Bench, url: str
) -> None:
    ground = Ground.of(Connection.load({**LIVE, url: bench.local.track_url}))
    assert bench.workspaces.add_connection("Half", ground, bench.workspace.bound).is_live


def test_a_workspace_is_chosen_and_forgotten_from_its_card(bench: Bench, sandbox: Sandbox) -> None:
    bench.post("/connections/new", {**sandbox.connection(), "title": "Mine"})
    key = bench.workspace.key
    bench.post("/choose", {"workspace": "local"})
    assert bench.workspace.local is bench.local
    page = bench.post(f"/connections/{key}/forget", {"then": "/"})
    assert page.response.url.startswith(f"{bench.url}/?")
    assert "Mine" not in page.words
    assert bench.post("/choose", {"workspace": key}).status == 404
