"""The page Approvals: a person decides about what waits, once, and sees what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, CustomerIoTool, Policy
from customerio_tool.backends.approvals.waiting import LIFE_SECONDS
from customerio_tool.connection import Connection
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.newest import Newest
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.sandbox import Sandbox
from tests.support.http_door import served
from tests.support.shell import environment
from tests.support.visitor import Visitor
from tests.support.workbench import Bench, workbench

BY = CallContext(run_id="run-7", door="api")
MAIL = {
    "to": "ada@example.com",
    "customer_id": "u1",
    "subject": "<script>alert(1)</script>\u202e",
    "body": "<p>Hello</p>",
    "from_address": "shop@example.com",
}


@pytest.fixture
def bench(sandbox: Sandbox) -> Iterator[Bench]:
    with workbench(sandbox, Policy.careful()) as running:
        yield running


def asked(bench: Bench, name: str = "delete_customer", arguments: Any = None) -> str:
    with bench.workspace.tool() as tool:
        result = tool.call(name, arguments or {"customer_id": "u1"}, context=BY)
        waiting: str = result["confirmation_id"]
    return waiting


def decide(bench: Bench, waiting: str, choice: str = "approve") -> Any:
    fields = {"choice": choice, "workspace": bench.workspace.key}
    return bench.post(f"/approvals/{waiting}", fields)


def people(bench: Bench) -> set[str]:
    return {each["id"] for each in bench.local.state()["people"]}


def deliveries(bench: Bench) -> int:
    return len(bench.local.state()["deliveries"])


def test_what_waits_is_shown_with_who_asked_and_how_long_it_waits(bench: Bench) -> None:
    assert "No call waits for a person." in bench.get("/approvals").words
    waiting = asked(bench)
    for path in ("/approvals", f"/approvals/{waiting}"):
        words = bench.get(path).words
        assert 'Delete the person "u1"' in words
        assert '"customer_id": "u1"' in words
        assert "the door api, run run-7" in words
        assert "9 min" in words or "10 min" in words
    assert {"href": f"/approvals/{waiting}"} in bench.get("/approvals").all("a")


def test_an_approved_call_runs_once_and_a_reload_approves_nothing(bench: Bench) -> None:
    before, waiting = deliveries(bench), asked(bench, "send_transactional_email", MAIL)
    answer = bench.sent(
        f"/approvals/{waiting}", {"choice": "approve", "workspace": bench.workspace.key}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/approvals/{waiting}")
    for _ in range(2):
        page = bench.get(f"/approvals/{waiting}")
        assert "You approved this call, and it ran once." in page.words
        assert '"delivery_id"' in page.words
    again = decide(bench, waiting)
    assert "it ran once" in again.words
    assert deliveries(bench) == before + 1


def test_a_declined_call_never_runs(bench: Bench) -> None:
    waiting = asked(bench)
    assert "You declined this call: it never runs." in decide(bench, waiting, "decline").words
    assert "You declined" in decide(bench, waiting, "approve").words, "it is decided"
    assert "u1" in people(bench)
    assert "declined" in bench.get("/approvals").words


def test_of_many_decisions_at_once_one_counts(bench: Bench) -> None:
    before, waiting = deliveries(bench), asked(bench, "send_transactional_email", MAIL)
    with ThreadPoolExecutor(8) as clicks:
        pages = list(clicks.map(lambda _: decide(bench, waiting), range(8)))
    assert all("You approved this call, and it ran once." in each.words for each in pages)
    assert deliveries(bench) == before + 1


@pytest.mark.parametrize("waiting", ["7-0123456789abcdef", "7-", "x" * 500])
def test_an_unknown_id_is_told_plainly_and_sends_nothing(bench: Bench, waiting: str) -> None:
    sent = len(bench.local.requests())
    for page in (bench.get(f"/approvals/{waiting}"), decide(bench, waiting)):
        assert page.status == 404
        assert "No call waits under this id" in page.words
    assert len(bench.local.requests()) == sent


def test_a_call_whose_time_is_over_is_told_as_such(bench: Bench) -> None:
    waiting = asked(bench)
    bench.local.clock.advance(LIFE_SECONDS + 1)
    assert "its ten minutes are over" in decide(bench, waiting).words
    assert "u1" in people(bench)


def test_a_decision_about_a_workspace_that_was_left_decides_nothing(
    bench: Bench, sandbox: Sandbox
) -> None:
    waiting = asked(bench)
    bench.workspaces.add_connection("Another", Ground.on(sandbox), Policy())
    fields = {"choice": "approve", "workspace": "local"}
    page = bench.post(f"/approvals/{waiting}", fields)
    assert (page.status, "another workspace" in page.words) == (409, True)
    assert "u1" in people(bench)


def test_what_the_chosen_policy_would_refuse_waits_on(bench: Bench) -> None:
    waiting = asked(bench)
    bench.workspace.policy = Policy(read_only=True)
    assert "do not allow this subtool" in bench.get("/approvals").words
    assert decide(bench, waiting).status == 409
    bench.workspace.policy = Policy(dry_run=True)
    assert "approving would send nothing" in decide(bench, waiting).words
    bench.workspace.policy = bench.workspace.bound
    assert "it ran once" in decide(bench, waiting).words


def test_nothing_else_than_the_two_choices_is_taken(bench: Bench) -> None:
    waiting = asked(bench)
    assert decide(bench, waiting, "approve ").status == 400
    assert bench.sent(f"/approvals/{waiting}", {"form_key": "another"}).status_code == 403
    assert "u1" in people(bench)


def test_nothing_of_a_call_becomes_a_part_of_the_page(bench: Bench) -> None:
    waiting = asked(bench, "send_transactional_email", MAIL)
    for path in ("/approvals", f"/approvals/{waiting}"):
        page = bench.get(path)
        assert page.script == ""
        assert "<script>alert(1)</script>" in page.words, "as words"
        assert "\u202e" not in page.words
    decide(bench, waiting)
    assert bench.get(f"/approvals/{waiting}").script == ""


def test_only_so_many_results_are_kept() -> None:
    kept: Newest[int] = Newest(most=3)
    for number in range(10):
        kept.put(str(number), number)
    kept.put("9", -1)
    assert (kept.newest, kept.get("0"), kept.get("9")) == ([9, 8, 7], None, 9)


# --- The calls of other doors


def test_a_call_at_the_api_of_the_same_process_waits_and_is_approved_here(
    sandbox: Sandbox,
) -> None:
    with served(env=environment(sandbox.connection())) as server:
        waiting = server.post("delete_customer", {"customer_id": "u1"}, {"X-Run-Id": "r1"}).json()
        assert waiting["error"]["code"] == "confirmation_required"
        assert f"{server.ready['url']}/approvals" in waiting["summary"], "the agent is told where"
        with Visitor(server.ready) as browser:
            assert "the door api, run r1" in browser.get("/approvals")
            path = f"/approvals/{waiting['confirmation_id']}"
            assert "it ran once" in browser.send(path, choice="approve", workspace="served")
            calls = browser.get("/calls")
    assert all(each["id"] != "u1" for each in sandbox.state()["people"])
    assert ("approved" in calls, "confirmation_required" in calls) == (True, True)


def test_a_call_of_another_process_waits_here_where_the_store_is_shared(
    bench: Bench, sandbox: Sandbox, tmp_path: Path
) -> None:
    env = environment(sandbox.connection())
    env |= {
        "CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.sqlite"),
        "CUSTOMERIO_POLICY": "careful",
    }
    ground = Ground(Connection.from_env(env), Backends.from_env(env))
    bench.workspaces.add(Workspace("shared", "Shared", ground, Policy.careful()))
    with CustomerIoTool.from_env(env) as agent:
        waiting = agent.call("delete_customer", {"customer_id": "u1"})["confirmation_id"]
        words = bench.get("/approvals").words
        assert ("the door python" in words, "other processes" in words) == (True, True)
        assert "it ran once" in decide(bench, waiting).words
        assert agent.waiting() == []
