"""The shell's `approvals`: a person decides there about what another process asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from tests.support.approval_stores import STORES, Shared, spoil
from tests.support.clients import EMAIL, code_of
from tests.support.confirming import DELETE, posts
from tests.support.project import ROOT
from tests.support.requirements import requires
from tests.support.sandbox_api import Api
from tests.support.shell import MAIN, environment, invoke
from tests.support.terminal import at_terminal

ERASED = "DELETE", "/api/v1/customers/u1"
SHARED = ["sqlite", pytest.param("redis", marks=requires("redis-server"))]


@pytest.fixture
def careful(sandbox: Sandbox) -> dict[str, str]:
    """The environment of all processes, but for the store of waiting calls."""
    return {**environment(sandbox.connection()), "CUSTOMERIO_POLICY": "careful"}


@pytest.fixture
def store(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of the store that the test names; nothing for memory."""
    chosen = STORES[request.param]
    return chosen.variables(chosen.outside.place(request)) if chosen.outside else {}


@pytest.fixture
def env(careful: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**careful, "CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db")}


def whole(env: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **env, "COLUMNS": "200"}


class Worker:
    """A worker of a host, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, *verb: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(verb) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        return result


@contextmanager
def worker(env: dict[str, str]) -> Iterator[Worker]:
    command = [sys.executable, "-m", "tests.support.asking_worker"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=whole(env), **pipes) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()


def shell(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, *arguments]
    pipes: dict[str, Any] = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, cwd=ROOT, env=whole(env), **pipes)


def written(sandbox: Sandbox) -> list[tuple[str, str]]:
    return [(r["method"], r["path"]) for r in sandbox.requests() if r["method"] != "GET"]


@pytest.mark.parametrize("store", ["memory", *SHARED], indirect=True)
def test_a_call_asked_for_in_one_worker_is_approved_from_the_shell_and_runs_once(
    sandbox: Sandbox, careful: dict[str, str], store: dict[str, str]
) -> None:
    env = {**careful, **store}
    with worker(env) as host:
        asked = host.do("call", "delete_customer", DELETE)
        assert code_of(asked) == "confirmation_required"
        waiting = asked["confirmation_id"]
        told = shell(env, "approvals", "approve", waiting, "--yes")
        if not store:
            assert (told.returncode, told.stdout) == (3, "")
            assert "calls wait in the memory of the process that asked for them" in told.stderr
            assert "CUSTOMERIO_LEDGER_FILE" in told.stderr
            assert written(sandbox) == []
            assert host.do("approve", waiting)["ok"], "it waits on where it was asked for"
        else:
            assert (told.returncode, told.stderr) == (0, "")
            assert json.loads(told.stdout)["ok"]
            assert code_of(host.do("approve", waiting)) == "confirmation_unknown"
            again = shell(env, "approvals", "approve", waiting, "--yes")
            assert (again.returncode, code_of(json.loads(again.stdout))) == (
                4,
                "confirmation_unknown",
            )
    assert written(sandbox) == [ERASED]


@pytest.mark.parametrize("store", SHARED, indirect=True)
def test_a_call_asked_for_in_one_worker_is_declined_from_the_shell_and_never_runs(
    sandbox: Sandbox, careful: dict[str, str], store: dict[str, str]
) -> None:
    env = {**careful, **store}
    with worker(env) as host:
        waiting = host.do("call", "delete_customer", DELETE)["confirmation_id"]
        told = shell(env, "approvals", "decline", waiting, "--yes")
        assert (told.returncode, code_of(json.loads(told.stdout))) == (0, "policy_refused")
        assert "a person declined this call" in told.stdout
        assert code_of(host.do("approve", waiting)) == "confirmation_unknown"
    assert written(sandbox) == []


# A call of the shell itself


def asked(env: dict[str, str], name: str = "delete_customer", arguments: Any = None) -> str:
    told = invoke("call", name, json.dumps(arguments or DELETE), env=env)
    assert told.exit_code == 7
    waiting: str = json.loads(told.stdout)["confirmation_id"]
    return waiting


def test_a_call_that_waits_tells_the_person_and_not_the_model_how_to_approve_it(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    told = invoke("call", "delete_customer", json.dumps(DELETE), env=env)
    result = json.loads(told.stdout)
    assert (told.exit_code, code_of(result)) == (7, "confirmation_required")
    assert f"customerio-tool approvals approve {result['confirmation_id']}" in told.stderr
    assert "approvals approve" not in told.stdout
    assert posts(sandbox) == []


def test_the_command_that_is_told_approves_as_it_stands(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    told = invoke("call", "delete_customer", json.dumps(DELETE), env=env)
    _, command, *arguments = told.stderr.partition("runs:")[2].split()[:4]
    assert invoke(command, *arguments, "--yes", env=env).exit_code == 0
    assert written(sandbox) == [ERASED]


def test_the_new_customer_io_of_one_call_keeps_nothing_for_another(env: dict[str, str]) -> None:
    told = invoke("call", "delete_customer", json.dumps(DELETE), "--sandbox", env=env)
    assert code_of(json.loads(told.stdout)) == "policy_refused"
    assert "nobody could give it" in told.stderr


def test_what_waits_is_listed_with_its_plan_and_the_time_left(env: dict[str, str]) -> None:
    assert invoke("approvals", "list", env=env).stdout == "No call waits for a person.\n"
    assert json.loads(invoke("approvals", "list", "--json", env=env).stdout) == []
    erase, mail = asked(env), asked(env, "send_transactional_email", EMAIL)
    told = invoke("approvals", "list", env={**env, "COLUMNS": "300"})
    assert told.exit_code == 0
    lines = [line for line in told.stdout.splitlines() if line.startswith(("1-", "2-"))]
    assert [line.split()[:2] for line in lines] == [
        [erase, "delete_customer"],
        [mail, "send_transactional_email"],
    ]
    assert 'Delete the person "u1" and all of their data, for good.' in lines[0]
    assert " min " in lines[0]
    listed = json.loads(invoke("approvals", "list", "--json", env=env).stdout)
    assert [each["confirmation_id"] for each in listed] == [erase, mail]
    assert all(500 < each["seconds_left"] <= 600 for each in listed)
    assert "arguments" not in listed[0]


def test_on_a_narrow_terminal_the_whole_id_and_plan_are_listed(env: dict[str, str]) -> None:
    waiting = asked(env)
    told = invoke("approvals", "list", env={**env, "COLUMNS": "40"}).stdout
    assert waiting in told
    assert 'Delete the person "u1" and all of their data, for good.' in " ".join(told.split())


@pytest.mark.parametrize(("verb", "code"), [("approve", None), ("decline", "policy_refused")])
def test_a_decision_can_be_told_as_json(env: dict[str, str], verb: str, code: str | None) -> None:
    seen = at_terminal("approvals", verb, asked(env), "--yes", "--json", env=env)
    told = json.loads(seen.text[seen.text.index("{") : seen.text.rindex("}") + 1])
    assert (seen.exit_code, told.get("error", {}).get("code")) == (0, code)


def test_a_person_reads_how_a_decided_call_ended(env: dict[str, str]) -> None:
    run = at_terminal("approvals", "approve", asked(env), "--yes", env=env)
    assert run.text.startswith("Customer.io accepted the deletion of u1")
    dropped = at_terminal("approvals", "decline", asked(env), "--yes", env=env)
    assert "a person declined this call" in dropped.text


def test_one_call_is_shown_with_its_arguments(env: dict[str, str]) -> None:
    waiting = asked(env, "send_transactional_email", EMAIL)
    told = invoke("approvals", "show", waiting, env=env)
    assert told.exit_code == 0
    assert told.stdout.startswith(f"{waiting}  send_transactional_email  (")
    assert json.loads(told.stdout[told.stdout.index("{") :]) == EMAIL
    shown = json.loads(invoke("approvals", "show", waiting, "--json", env=env).stdout)
    assert (shown["confirmation_id"], shown["arguments"]) == (waiting, EMAIL)


@pytest.mark.parametrize("command", ["show", "approve", "decline"])
@pytest.mark.parametrize("unknown", ["1-0000000000000000", "u1", ""])
def test_an_unknown_id_exits_with_4_and_decides_nothing(
    env: dict[str, str], command: str, unknown: str
) -> None:
    waiting = asked(env)
    told = invoke("approvals", command, unknown, env=env)
    assert told.exit_code == 4
    assert "No call waits under this confirmation id" in told.stderr
    assert invoke("approvals", "show", waiting, env=env).exit_code == 0


def test_what_a_model_wrote_cannot_act_on_the_terminal(env: dict[str, str]) -> None:
    evil = "\x1b[2J\u202e\x9b31m hello"
    waiting = asked(env, "send_transactional_email", {**EMAIL, "message_data": {"x": evil}})
    for command in (["list"], ["show", waiting]):
        told = invoke("approvals", *command, env=env)
        assert told.exit_code == 0
        assert not {"\x1b", "\u202e", "\x9b"} & set(told.stdout)


def test_json_at_a_terminal_cannot_act_on_it_and_is_the_same_value(env: dict[str, str]) -> None:
    data = {"x": "\u202e\x9b31m\U000e0041 hello"}
    waiting = asked(env, "send_transactional_email", {**EMAIL, "message_data": data})
    seen = at_terminal("approvals", "show", waiting, "--json", env=env)
    assert not {"\u202e", "\x9b", "\U000e0041"} & set(seen.raw)
    assert json.loads(seen.raw)["arguments"]["message_data"] == data


@pytest.mark.parametrize("command", ["approve", "decline"])
def test_without_a_person_at_the_terminal_nothing_is_decided(
    sandbox: Sandbox, env: dict[str, str], command: str
) -> None:
    waiting = asked(env)
    told = invoke("approvals", command, waiting, env=env, stdin="y\n")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "no person is at a terminal" in told.stderr
    assert invoke("approvals", "show", waiting, env=env).exit_code == 0
    assert posts(sandbox) == []


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no such terminals here")
@pytest.mark.parametrize("answer", ["y", "n", "", "yep"])
def test_the_person_at_the_terminal_reads_what_will_happen_and_answers(
    sandbox: Sandbox, env: dict[str, str], answer: str
) -> None:
    waiting = asked(env)
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", MAIN, "approvals", "approve", waiting]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=whole(env), stdin=theirs, **pipes) as process:
        os.write(ours, f"{answer}\n".encode())
        told, asking = process.communicate()
    os.close(ours)
    os.close(theirs)
    assert 'Delete the person "u1" and all of their data, for good.' in asking
    assert '"customer_id": "u1"' in asking
    if answer == "y":
        assert (process.returncode, json.loads(told)["ok"]) == (0, True)
    else:
        assert (process.returncode, told) == (1, "")
        assert "the call waits on" in asking
        assert invoke("approvals", "show", waiting, env=env).exit_code == 0
    assert len(posts(sandbox)) == (answer == "y")


def test_the_policy_of_the_shell_applies_to_what_it_approves(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    waiting = asked(env)
    told = invoke(
        "approvals", "approve", waiting, "--yes", env={**env, "CUSTOMERIO_POLICY": "read_only"}
    )
    assert (told.exit_code, code_of(json.loads(told.stdout))) == (4, "policy_refused")
    assert posts(sandbox) == []


def test_other_credentials_decide_nothing_and_lose_nothing(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    waiting = asked(env)
    other = {**env, "CUSTOMERIO_TRACK_API_KEY": "another-key-0123456789"}
    told = invoke("approvals", "approve", waiting, "--yes", env=other)
    assert told.exit_code == 4
    assert "asked for with other credentials" in told.stderr
    assert (
        "The arguments cannot be read here."
        in invoke("approvals", "show", waiting, env=other).stdout
    )
    assert invoke("approvals", "approve", waiting, "--yes", env=env).exit_code == 0
    assert written(sandbox) == [ERASED]


def test_the_credentials_of_one_api_suffice_for_its_calls(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    waiting = asked(env, "send_transactional_email", EMAIL)
    narrow = {key: value for key, value in env.items() if "TRACK" not in key}
    assert invoke("approvals", "approve", waiting, "--yes", env=narrow).exit_code == 0
    assert posts(sandbox) == ["/v1/send/email"]


def test_where_the_call_would_reach_somebody_else_by_now_the_person_is_asked_again(
    sandbox: Sandbox, env: dict[str, str]
) -> None:
    waiting, api = asked(env), Api(sandbox)
    with api.session:
        api.accept("DELETE", "/api/v1/customers/u1")
        api.identify("u1", plan="new")
    sent = len(posts(sandbox))
    told = invoke("approvals", "approve", waiting, "--yes", env=env)
    again = json.loads(told.stdout)["confirmation_id"]
    assert (told.exit_code, len(posts(sandbox))) == (7, sent)
    assert f"customerio-tool approvals approve {again}" in told.stderr
    assert invoke("approvals", "approve", again, "--yes", env=env).exit_code == 0


def test_the_audit_trail_says_that_the_shell_decided(env: dict[str, str], tmp_path: Path) -> None:
    trail = tmp_path / "audit.jsonl"
    env = {**env, "CUSTOMERIO_AUDIT_FILE": str(trail)}
    invoke("approvals", "decline", asked(env), "--yes", env=env)
    invoke("approvals", "approve", asked(env), "--yes", env=env)
    lines = [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
    assert {line["door"] for line in lines} == {"shell"}
    assert [line.get("decision") for line in lines] == [None, "declined", None, "approved"]


def test_a_tampered_call_is_told_and_does_not_run(
    sandbox: Sandbox, env: dict[str, str], tmp_path: Path
) -> None:
    waiting, kind = asked(env), STORES["sqlite"]
    assert kind.outside is not None
    place = f"{tmp_path / 'sends.db'}-approvals"
    spoil(Shared("sqlite", kind, kind.outside, place), waiting, content=b"forged")
    told = invoke("approvals", "approve", waiting, "--yes", env=env)
    assert told.exit_code == 4
    assert "changed while it waited" in told.stderr
    assert posts(sandbox) == []


# Where nothing can be decided


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "1-0"], ["approve", "1-0"], ["decline", "1-0"]], ids=str
)
def test_in_memory_the_shell_says_why_and_what_to_set(
    careful: dict[str, str], arguments: list[str]
) -> None:
    told = invoke("approvals", *arguments, env=careful)
    assert (told.exit_code, told.stdout) == (3, "")
    assert "in the memory of the process that asked for them" in told.stderr
    assert "Set CUSTOMERIO_LEDGER_FILE (one machine) or CUSTOMERIO_REDIS_URL" in told.stderr


def test_a_store_that_is_lost_exits_with_5_and_does_not_say_where(
    careful: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "sends.db-approvals"
    other.write_text("dear diary " * 100)
    env = {**careful, "CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db")}
    for command in (["list"], ["approve", "1-0000000000000000", "--yes"]):
        told = invoke("approvals", *command, env=env)
        assert told.exit_code == 5
        assert "the store of calls that wait for a person cannot be used" in told.stderr
        assert str(tmp_path) not in told.output


def test_without_a_connection_the_variables_are_named(tmp_path: Path) -> None:
    env = {"CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.db")}
    told = invoke("approvals", "list", env=env)
    assert told.exit_code == 3
    assert "CUSTOMERIO_APP_API_KEY is missing" in told.stderr
    assert "--sandbox" not in told.stderr, "the command has no such option"
