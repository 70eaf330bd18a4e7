"""What is taken along from the tool: every form is what was chosen, and runs as it is shown."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import tomli

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.doors.mcp.hosts import HOSTS
from customerio_tool.doors.workbench.tool_exports import exports_of
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Api
from tests.support.canaries import APP_KEY, KEYED, TRACK_KEY, spellings
from tests.support.shell import environment
from tests.support.workbench import Bench, workbench

PATH = "/tool/export"
CHOSEN = {
    "enabled": ["list_segments", "get_segment", "track_event", "delete_customer"],
    "hidden_attributes": "email",
    "allowed_recipients": "example.com",
    "allow_triggers": "true",
    "confirm.erase": "human",
    "confirm.send": "never",
}
PROGRAMS = ("python", "langchain", "pydantic-ai", "openai-agents", "openai")


@pytest.fixture(scope="module")
def two() -> Iterator[Bench]:
    """A workbench with a local Customer.io and a connection to it, and the same policy for both."""
    with Sandbox(options=KEYED) as local, workbench(local) as bench:
        bench.post("/tool", CHOSEN)
        bench.post("/connections/new", local.connection())
        bench.post("/tool", CHOSEN)
        yield bench


@pytest.fixture
def chosen(two: Bench) -> Bench:
    """The workbench about the local Customer.io."""
    two.workspaces.choose("local")
    return two


@pytest.fixture
def connected(two: Bench) -> Bench:
    """The workbench about the connection."""
    two.workspaces.choose(two.workspaces.all[1].key)
    return two


def text_of(bench: Bench, word: str) -> str:
    text: str = bench.get(f"{PATH}/{word}").response.text
    return text


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "shown", "exec"), names)  # noqa: S102 - what is shown must run
    return names


def test_every_form_is_shown_and_downloaded_without_a_key(chosen: Bench) -> None:
    links = [each for each in chosen.get(PATH).links if each.startswith(f"{PATH}?as=")]
    words = [each.partition("=")[2] for each in links]
    assert words == [
        *("variable", "policy", "phinite"),
        *(f"mcp-{host}" for host in HOSTS),
        *(*PROGRAMS, "strict"),
    ]
    for word in ("policy", "mcp-cursor", "python"):
        page, answer = chosen.get(f"{PATH}?as={word}"), chosen.get(f"{PATH}/{word}").response
        assert answer.text.strip() in page.words
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert chosen.get(f"{PATH}?as=other").status == 404


def test_no_form_holds_a_key(connected: Bench) -> None:
    hidden = {spelt for key in (TRACK_KEY, APP_KEY) for spelt in spellings(key)}
    for workspace in connected.workspaces.all:
        for each in exports_of(workspace):
            assert not any(spelt in each.text + each.how for spelt in hidden)


def test_the_policy_that_is_taken_along_is_the_one_that_was_chosen(chosen: Bench) -> None:
    policy = chosen.workspace.policy
    assert Policy.load(json.loads(text_of(chosen, "policy"))) == policy
    (line,) = shlex.split(text_of(chosen, "variable"))
    name, _, value = line.partition("=")
    assert Policy.from_env({name: value}) == policy


def test_the_studios_rules_are_those_of_the_policy(chosen: Bench) -> None:
    (policy,) = json.loads(text_of(chosen, "phinite"))["policies"]
    effects = {rule["action"]: rule["effect"] for rule in policy["actions"]}
    assert list(effects) == list(subtools())
    assert {name for name, effect in effects.items() if effect != "Deny"} == set(CHOSEN["enabled"])
    assert effects["delete_customer"] == "Human approval"
    assert effects["track_event"] == "Allow"
    beside = Policy.from_env(policy["environment"])
    assert beside.confirm == "never"
    assert beside.hidden_attributes == {"email"}


def started_by(text: str, host: str) -> tuple[list[str], dict[str, str]]:
    """What a host is told: the command's arguments, and its environment."""
    if host == "claude-code":
        words = shlex.split(text)
        split = words.index("--")
        given = [each.split("=", 1) for each in words[5:split:2]]
        return words[split + 1 :], dict(given)
    if host == "codex":
        server = tomli.loads(text)["mcp_servers"]["customerio"]
        return server["args"], server["env"]
    server = json.loads(text)["mcpServers"]["customerio"]
    return server["args"], server["env"]


@pytest.mark.parametrize("host", ["claude-code", "claude-desktop", "codex", "gemini"])
def test_a_host_starts_the_server_under_the_policy(chosen: Bench, host: str) -> None:
    arguments, env = started_by(text_of(chosen, f"mcp-{host}"), host)
    assert arguments[-4:] == ["mcp", "--preset", "open", "--sandbox"]
    assert env.keys() == {"CUSTOMERIO_POLICY"}
    assert Policy.from_env(env) == chosen.workspace.policy


def test_a_host_of_a_saved_connection_is_told_of_its_keys(connected: Bench) -> None:
    arguments, env = started_by(text_of(connected, "mcp-gemini"), "gemini")
    assert arguments[-3:] == ["mcp", "--preset", "open"]
    assert env.pop("CUSTOMERIO_APP_API_KEY") == "$CUSTOMERIO_APP_API_KEY"
    assert Policy.from_env({"CUSTOMERIO_POLICY": env["CUSTOMERIO_POLICY"]}) == (
        connected.workspace.policy
    )


@pytest.mark.parametrize("word", ["python", "openai"])
def test_a_program_runs_as_it_stands(
    chosen: Bench, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run(text_of(chosen, word))
    assert names["tool"].policy == chosen.workspace.policy
    said = capsys.readouterr().out.splitlines()[0]
    assert set(ast.literal_eval(said)) == set(CHOSEN["enabled"])


@pytest.mark.parametrize("word", ["python", "openai"])
def test_a_program_of_a_saved_connection_reads_it_from_the_environment(
    connected: Bench,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment(connected.local.connection()).items():
        monkeypatch.setenv(name, value)
    names = run(text_of(connected, word))
    assert names["tool"].policy == connected.workspace.policy
    assert "list_segments" in capsys.readouterr().out


def test_one_api_alone_is_taken_along_with_its_subtools(
    same_bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = same_bench.local.connection()
    given = {key: saved[key] for key in ("app_api_key", "app_url")}
    same_bench.post("/connections/new", given)
    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)
    names = run(text_of(same_bench, "python"))
    app_alone = {name for name, each in subtools().items() if each.apis == {Api.APP}}
    assert set(names["tool"].subtools()) == app_alone
    assert "'ok': True" in capsys.readouterr().out


def test_the_strict_definitions_are_those_of_the_tool(chosen: Bench) -> None:
    with chosen.workspace.tool() as tool, CustomerIoTool.sandbox(policy=tool.policy) as same:
        assert json.loads(text_of(chosen, "strict")) == same.definitions(dialect="openai_strict")


def test_what_is_taken_along_has_the_detail_of_the_workbench(
    chosen: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen.workspace, "detail", "basic")
    with chosen.workspace.tool() as tool:
        basic = tool.definitions(None, "openai_strict", "basic")
    assert json.loads(text_of(chosen, "strict")) == basic
    assert '"--detail",\n        "basic"' in text_of(chosen, "mcp-claude-desktop")


def test_where_nothing_is_on_the_program_still_runs(
    same_bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    same_bench.post("/tool", {})
    run(text_of(same_bench, "python"))
    assert capsys.readouterr().out == "[]\n"
