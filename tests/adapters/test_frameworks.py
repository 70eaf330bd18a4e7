"""An agent of any framework meets the same subtools, results, errors and approvals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from customerio_tool import Backends, CustomerIoTool, Policy
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.workbench.tool_exports import exports_of
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import example_of
from tests.support.confirming import ASKED, posts
from tests.support.frameworks.hosts import HOSTS, RUN, Host, host_of
from tests.support.targets import writes
from tests.support.telemetry import Recorder

Made: TypeAlias = Callable[..., CustomerIoTool]
Hosted: TypeAlias = Callable[..., Host]

ERASE = ("delete_customer", {"customer_id": "u1"})
EMAIL = (
    "send_transactional_email",
    {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"},
)
MERGE = ("identify_customer", {"customer_id": "u2", "email": "ada+test@example.com"})
"""Gives a person the address of another, which may merge the two."""


def people(sandbox: Sandbox) -> list[str]:
    return [each["id"] for each in sandbox.state()["people"]]


def test_every_subtool_is_listed_with_its_own_schema(host: Hosted, made: Made) -> None:
    tool = made()
    declared = {each["name"]: each["input_schema"] for each in tool.definitions()}
    assert host(tool).schemas() == declared
    assert list(declared) == list(subtools())


def test_an_agent_is_shown_as_much_as_was_asked_for(host: Hosted, made: Made) -> None:
    tool = made()
    basic = {each["name"]: each["input_schema"] for each in tool.definitions(detail="basic")}
    assert host(tool, detail="basic").schemas() == basic != host(tool, detail="full").schemas()


def test_a_call_takes_effect(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    turn = host(made()).play(
        [("identify_customer", {"customer_id": "new", "attributes": {"n": 1}})]
    )
    (result,) = turn.results
    assert result["outcome"] == "accepted"
    (person,) = (each for each in sandbox.state()["people"] if each["id"] == "new")
    assert person["attributes"]["n"] == 1


def test_a_wrong_call_is_told_what_to_send(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    given = {"customer_id": "u1", "attribute": {"plan": "pro"}}
    agent = host(made())
    (wrong,) = agent.play([("identify_customer", given)]).results
    assert wrong["error"]["code"] == "arguments_invalid"
    assert posts(sandbox) == []
    (right,) = agent.play([("identify_customer", wrong["error"]["try"])]).results
    assert right["ok"]


def test_a_confirmed_call_runs_once(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    agent = host(made(confirm="human"))
    for number, name in enumerate(ASKED):
        asking = agent.play([(name, example_of(name))])
        assert (asking.asked, asking.results, len(writes(sandbox))) == ([name], [], number)
        agreed = agent.decide(approved=True)
        assert (len(agreed.results), agreed.asked) == (1, [])
        assert "confirmation_id" not in agreed.results[0]
        assert len(writes(sandbox)) == number + 1


def test_a_declined_call_does_not_run(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    agent = host(made(confirm="human"))
    assert agent.play([ERASE]).asked == ["delete_customer"]
    refused = agent.decide(approved=False)
    assert refused.asked == []
    assert [each["error"]["code"] for each in refused.results] == ["policy_refused"] * len(
        refused.results
    )
    assert len(refused.results) + len(refused.told) == 1
    assert writes(sandbox) == []


def test_a_call_that_may_merge_runs_only_after_a_person_agreed(
    host: Hosted, made: Made, sandbox: Sandbox
) -> None:
    agent = host(made(confirm="human"))
    turn = agent.play([MERGE])
    assert writes(sandbox) == []
    if turn.asked:
        (result,) = agent.decide(approved=True).results
        assert result["ok"]
        assert len(writes(sandbox)) == 1
    else:
        (result,) = turn.results
        assert result["error"]["code"] == "confirmation_required"


def test_a_harmless_call_asks_nobody(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    harmless = {"customer_id": "u2", "attributes": {"plan": "pro"}}
    turn = host(made(confirm="human")).play([("identify_customer", harmless)])
    assert turn.asked == []
    assert len(posts(sandbox)) == 1


def test_the_second_look_asks_no_person(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    agent = host(made(confirm="repeat"))
    (first,) = agent.play([ERASE]).results
    token = first["confirmation_token"]
    (second,) = agent.play([(ERASE[0], {**ERASE[1], "confirmation_token": token})]).results
    assert second["ok"]
    assert len(writes(sandbox)) == 1


def test_a_policy_leaves_subtools_out(host: Hosted, made: Made) -> None:
    tool = made(read_only=True)
    reads = [name for name, each in subtools().items() if each.effect is Effect.READ]
    assert sorted(host(tool).schemas()) == sorted(reads)


def test_a_subtool_that_is_disabled_later_refuses(
    host: Hosted, made: Made, sandbox: Sandbox
) -> None:
    tool = made()
    agent = host(tool)
    agent.play([("list_segments", {})])
    tool.disable("track_event")
    turn = agent.play([("track_event", {"customer_id": "u1", "name": "paid"})])
    assert posts(sandbox) == []
    codes = [each["error"]["code"] for each in turn.results]
    assert codes == ["subtool_disabled"] * len(codes)


def test_a_dry_run_asks_nobody_and_shows_the_request(
    host: Hosted, made: Made, sandbox: Sandbox
) -> None:
    turn = host(made(confirm="human", dry_run=True)).play([ERASE])
    assert turn.asked == []
    assert [each["outcome"] for each in turn.results] == ["dry_run"]
    assert sandbox.requests() == []


def test_parallel_calls_are_each_answered(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    calls = [("track_event", {"customer_id": who, "name": "paid"}) for who in ("u1", "u2")]
    turn = host(made()).play(calls)
    assert ["u1" in turn.results[0]["summary"], "u2" in turn.results[1]["summary"]] == [True, True]
    assert len(posts(sandbox)) == 2


def test_of_two_parallel_calls_both_are_asked_and_each_runs_once(
    host: Hosted, made: Made, sandbox: Sandbox
) -> None:
    agent = host(made(confirm="human"))
    turn = agent.play([ERASE, EMAIL])
    assert sorted(turn.asked) == sorted([ERASE[0], EMAIL[0]])
    assert writes(sandbox) == []
    assert [each["ok"] for each in agent.decide(approved=True).results] == [True, True]
    assert len(writes(sandbox)) == 2


@pytest.mark.parametrize("approved", [True, False])
def test_what_needs_nobody_beside_what_is_asked_runs_once(
    host: Hosted, made: Made, sandbox: Sandbox, approved: bool
) -> None:
    agent = host(made(confirm="human"))
    agent.play([("track_event", {"customer_id": "u2", "name": "paid"}), ERASE])
    agent.decide(approved=approved)
    assert len(writes(sandbox)) == 1 + approved


AWKWARD = (
    "self", "config", "runtime", "run_manager", "callbacks", "tool_call_id", "args", "kwargs",
    "agent", "team", "fc", "name_", "run_context", "_agno_run_context", "ctx", "tool", "given",
    "context", "state", "store", "images",
)  # fmt: skip
"""Names that are parameters of a framework's or an adapter's functions."""


def test_no_argument_that_a_model_makes_up_raises(host: Hosted, made: Made) -> None:
    agent = host(made())
    for name in AWKWARD:
        turn = agent.play([("list_segments", {name: {"a": 1}})])
        assert (len(turn.results), turn.told) == (1, []), name


FAULTS: dict[str, dict[str, Any]] = {
    "credentials_rejected": {"status": 401},
    "permission_denied": {"status": 403},
    "request_rejected": {"status": 400},
    "outcome_unknown": {"action": "reset_after_applying"},
}


def test_every_error_is_a_result(host: Hosted, made: Made, sandbox: Sandbox) -> None:
    agent = host(made())
    for code, fault in FAULTS.items():
        sandbox.faults.set([{"operation": "send_email", **fault}])
        (result,) = agent.play([EMAIL]).results
        assert result["error"]["code"] == code


def test_a_closed_tool_is_a_result(host: Hosted, made: Made) -> None:
    tool = made()
    agent = host(tool)
    tool.close()
    (result,) = agent.play([("list_segments", {})]).results
    assert result["error"]["code"] == "tool_closed"


def test_the_run_is_the_conversation(host: Hosted, sandbox: Sandbox) -> None:
    recorder = Recorder()
    backends = Backends(telemetry=[recorder])
    with CustomerIoTool(sandbox.connection(), backends=backends) as tool:
        agent = host(tool)
        first, second = (agent.play([EMAIL]).results[0] for _ in range(2))
    assert (first["outcome"], second["outcome"]) == ("accepted", "already_sent")
    assert {each.run_id for each in recorder.calls} == {RUN}


@pytest.mark.parametrize("name", HOSTS)
def test_the_door_is_the_framework(name: str, sandbox: Sandbox) -> None:
    recorder = Recorder()
    with CustomerIoTool(
        sandbox.connection(), backends=Backends(telemetry=[recorder]), policy="careful"
    ) as tool:
        agent = host_of(name)(tool)
        agent.play([ERASE])
        agent.decide(approved=True)
    assert {each.door for each in recorder.calls} == {name.partition(",")[0]}


@pytest.mark.parametrize("word", ["langchain", "pydantic-ai", "openai-agents"])
def test_the_program_that_the_workbench_shows_runs_as_it_stands(
    sandbox: Sandbox, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace("local", "Local", Ground.on(sandbox), Policy(enabled=["get_segment"]))
    (program,) = (each.text for each in exports_of(workspace) if each.word == word)
    names: dict[str, Any] = {}
    exec(compile(program, word, "exec"), names)  # noqa: S102 - what is shown must run
    assert names["tool"].subtools() == ["get_segment"]
    assert capsys.readouterr().out.endswith("['get_segment']\n")
