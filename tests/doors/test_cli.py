"""The shell's door: each command, its exit code, and that no key is ever printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from customerio_tool import CustomerIoTool, Detail, Dialect
from customerio_tool.doors.cli.main import main
from customerio_tool.sandbox import Options, Sandbox
from customerio_tool.subtools import PAGE, subtools
from tests.support.project import ROOT
from tests.support.shell import MAIN, environment, invoke

CANARY = "canary7f3"
INSTALL = "pip install 'customerio-tool[cli]'"


# --- main, and the extra


def python(code: str, **extra: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **extra)


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("typer", "demo", "cli"),
        ("rich", "demo", "cli"),
        ("yaml", "publish --check", "cli"),
        ("typer", "demo --open", "web"),
        ("typer", "workbench", "web"),
        ("typer", "serve --sandbox", "web"),
        ("typer", "mcp --sandbox", "mcp"),
    ],
)
def test_without_the_extra_the_install_line_is_printed_and_the_exit_code_is_2(
    missing: str, command: str, extra: str
) -> None:
    arguments = f"sys.modules[{missing!r}] = None; sys.argv[1:] = {command.split()}"
    done = python(f"import sys; {arguments}; {MAIN}", cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"pip install 'customerio-tool[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


HEARS_CTRL_C = "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""What begins a process in the background with SIGINT ignored may have begun the tests."""


def test_ctrl_c_while_the_commands_load_ends_them_without_a_traceback() -> None:
    done = python(
        f"{HEARS_CTRL_C}class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.meta_path.insert(0, Interrupted()); sys.argv[1:] = ['demo']\n{MAIN}"
    )
    said = "Ended by Ctrl-C before anything was done.\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", said)


def test_ctrl_c_while_typer_makes_the_commands_ends_them_without_a_traceback() -> None:
    done = python(
        f"{HEARS_CTRL_C}import typer.main\ndef interrupted(*_):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        f"typer.main.get_command = interrupted; sys.argv[1:] = ['demo']\n{MAIN}"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Ended by Ctrl-C.\n")


def test_a_module_of_ours_that_is_missing_is_not_blamed_on_the_extra() -> None:
    done = python(
        f"import sys; sys.modules['customerio_tool.doors.cli.publish.files'] = None; {MAIN}"
    )
    assert done.returncode == 1
    assert INSTALL not in done.stderr


def test_importing_the_door_loads_no_extra() -> None:
    loaded = "{m.partition('.')[0] for m in sys.modules} & {'typer', 'rich', 'click', 'yaml'}"
    assert (
        python(f"import sys, customerio_tool.doors.cli.main; print({loaded})").stdout.strip()
        == "set()"
    )


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["nonsense"], 2)])
def test_main_exits_with_the_code_of_the_command(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code


def test_the_version_is_the_distributions() -> None:
    assert invoke("--version").stdout.startswith("customerio-tool 0.")


# --- subtools, describe


def test_subtools_are_listed_with_effect_api_and_first_sentence() -> None:
    told = invoke("subtools")
    assert told.exit_code == 0
    rows = [line.split() for line in told.stdout.splitlines()]
    for name, each in subtools().items():
        assert [name, each.effect.word, each.endpoint.api.value] in [row[:3] for row in rows]
    assert "Removes a push device from a person." in told.stdout


def test_subtools_as_json_hold_what_is_declared() -> None:
    listed = json.loads(invoke("subtools", "--json").stdout)
    assert [each["name"] for each in listed] == list(subtools())
    merge = next(each for each in listed if each["name"] == "merge_customers")
    assert (merge["effect"], merge["api"]) == ("erase", "track")
    assert merge["description"] == subtools()["merge_customers"].description


@pytest.mark.parametrize("dialect", get_args(Dialect))
def test_definitions_are_printed_in_every_dialect(dialect: Dialect, sandbox: Sandbox) -> None:
    printed = json.loads(invoke("subtools", "--json", "--dialect", dialect).stdout)
    with CustomerIoTool(sandbox.connection()) as tool:
        assert printed == tool.definitions(dialect=dialect)


@pytest.mark.parametrize("detail", get_args(Detail))
def test_definitions_are_printed_in_every_detail(detail: Detail, sandbox: Sandbox) -> None:
    plain = json.loads(invoke("subtools", "--json", "--detail", detail).stdout)
    options = ("--dialect", "openai", "--detail", detail)
    printed = json.loads(invoke("subtools", "--json", *options).stdout)
    with CustomerIoTool(sandbox.connection()) as tool:
        assert plain == tool.definitions(detail=detail)
        assert printed == tool.definitions(dialect="openai", detail=detail)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--json --dialect open_ai", "'openai_strict'"),
        ("--dialect openai", "needs --json"),
        ("--json --detail short", "'compact'"),
        ("--detail basic", "needs --json"),
    ],
)
def test_what_cannot_be_printed_is_told_why(options: str, told: str) -> None:
    refused = invoke("subtools", *options.split(), env={"COLUMNS": "400"})
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert told in refused.stderr


@pytest.mark.parametrize("name", subtools())
def test_a_description_shows_every_argument_and_example(name: str) -> None:
    told = invoke("describe", name, env={"COLUMNS": "4000"})
    assert told.exit_code == 0
    subtool = subtools()[name]
    words = told.stdout.split()
    assert set(subtool.argument_names) <= set(words)
    assert subtool.description in told.stdout
    for example in subtool.examples:
        assert json.dumps(dict(example.arguments), ensure_ascii=False) in told.stdout


def test_a_description_as_json_is_all_that_describe_tells(sandbox: Sandbox) -> None:
    told = json.loads(invoke("describe", "get_segment", "--json").stdout)
    with CustomerIoTool(sandbox.connection()) as tool:
        assert told.items() >= tool.describe("get_segment").items()
    assert told["examples"][0]["arguments"] == {"segment_id": 1}


@pytest.mark.parametrize("command", ["subtools", "describe get_segment"])
def test_listing_takes_the_sandbox_option_as_calling_does(command: str) -> None:
    arguments = command.split()
    assert invoke(*arguments, "--sandbox").stdout == invoke(*arguments).stdout


@pytest.mark.parametrize("command", ["describe", "call"])
def test_an_unknown_subtool_is_answered_with_the_nearest_one(command: str) -> None:
    told = invoke(command, "get_segmnt")
    assert told.exit_code == 2
    assert "did you mean 'get_segment'?" in told.stderr


# --- call, check


def test_a_call_writes_its_result_as_one_line_of_json() -> None:
    told = invoke("call", "get_segment", '{"segment_id": "1"}', "--sandbox")
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.count("\n") == 1
    assert json.loads(told.stdout)["segment"]["name"] == "Beta testers"


def test_a_call_may_have_no_arguments() -> None:
    told = invoke("call", "list_segments", "--sandbox")
    assert json.loads(told.stdout)["total"] == 3


def test_arguments_are_read_from_standard_input() -> None:
    told = invoke("call", "get_segment", "-", "--sandbox", stdin='{"segment_id": 2}')
    assert json.loads(told.stdout)["segment"]["name"] == "Pro plan"


def test_a_call_uses_the_connection_of_the_environment(sandbox: Sandbox) -> None:
    arguments = json.dumps({"customer_id": "zoë/1", "attributes": {"plan": "pro"}})
    told = invoke("call", "identify_customer", arguments, env=environment(sandbox.connection()))
    assert told.exit_code == 0
    assert "zoë/1" in told.stdout
    assert [each["id"] for each in sandbox.state()["people"]][-1] == "zoë/1"


def test_a_call_needs_the_credentials_of_its_own_api_only(sandbox: Sandbox) -> None:
    saved = sandbox.connection()
    app_only = environment({key: saved[key] for key in ("app_api_key", "app_url")})
    assert invoke("call", "list_segments", env=app_only).exit_code == 0
    told = invoke("call", "delete_customer", '{"customer_id": "u1"}', env=app_only)
    assert told.exit_code == 3
    assert "CUSTOMERIO_SITE_ID is missing" in told.stderr
    assert "APP" not in told.stderr


@pytest.mark.parametrize("text", ['{"segment": 1}', "{", "[1]", '{"segment_id": "one"}'])
def test_wrong_arguments_exit_with_2_and_name_the_repair(text: str) -> None:
    told = invoke("call", "get_segment", text, "--sandbox")
    assert told.exit_code == 2
    assert json.loads(told.stdout)["error"]["code"] == "arguments_invalid"
    assert told.stderr.startswith("Nothing was read.")


def test_what_customer_io_does_not_know_exits_with_1() -> None:
    told = invoke("call", "get_segment", '{"segment_id": 999}', "--sandbox")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["error"]["code"] == "not_found"


@pytest.mark.parametrize("command", ["call list_segments", "check"])
def test_a_missing_connection_exits_with_3_and_names_the_variables(command: str) -> None:
    told = invoke(*command.split())
    assert told.exit_code == 3
    assert "CUSTOMERIO_APP_API_KEY is missing" in told.stderr
    assert "Traceback" not in told.stderr


def test_check_names_the_key_that_is_wrong(sandbox: Sandbox) -> None:
    wrong = {**sandbox.connection(), "app_api_key": f"app-{CANARY}"}
    told = invoke("check", env=environment(wrong))
    assert told.exit_code == 3
    assert "ok Track API" in told.stdout
    assert "no App API: Customer.io rejected app_api_key" in told.stdout


def test_check_of_a_server_that_is_down_exits_with_5() -> None:
    with Sandbox() as gone:
        saved = gone.connection()
    told = invoke("check", env=environment(saved))
    assert told.exit_code == 5
    assert "could not be reached" in told.stderr
    assert "refuses connections" in " ".join(told.stdout.split())


def test_check_names_the_ledger_and_whether_it_works(sandbox: Sandbox, tmp_path: Path) -> None:
    other, own = tmp_path / "no-database", tmp_path / "sends.sqlite"
    other.write_text("text " * 100)
    saved = environment(sandbox.connection())

    bad = invoke("check", env={**saved, "CUSTOMERIO_LEDGER_FILE": str(other)})
    good = invoke("check", env={**saved, "CUSTOMERIO_LEDGER_FILE": str(own)})

    assert (bad.exit_code, good.exit_code) == (5, 0)
    assert "ok Track API" in bad.stdout
    assert "no Ledger: The ledger of sends cannot be used" in bad.stdout
    assert "ok Ledger" in good.stdout


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["check"], 3),
        (["call", "list_segments"], 3),
        (["call", "delete_customer", '{"customer_id": "u1"}'], 3),
        (["call", "list_segments", "{"], 2),
        (["describe", "get_segment"], 0),
        (["subtools", "--json"], 0),
    ],
)
def test_no_key_of_the_environment_is_ever_printed(
    sandbox: Sandbox, command: list[str], code: int
) -> None:
    keys = {key: f"{key}-{CANARY}" for key in ("site_id", "track_api_key", "app_api_key")}
    told = invoke(*command, env=environment({**sandbox.connection(), **keys}))
    assert told.exit_code == code
    assert CANARY not in told.output


@pytest.mark.parametrize("where", [["--sandbox"], []], ids=["local", "named"])
def test_the_policy_of_the_environment_holds_in_the_shell(
    sandbox: Sandbox, where: list[str]
) -> None:
    env = {**environment(sandbox.connection()), "CUSTOMERIO_POLICY": "read_only"}
    told = invoke("call", "delete_customer", '{"customer_id": "u1"}', *where, env=env)
    assert (told.exit_code, json.loads(told.stdout)["error"]["code"]) == (4, "policy_refused")
    assert invoke("call", "list_segments", *where, env=env).exit_code == 0


def test_the_shell_promises_no_approval_that_nobody_could_give(sandbox: Sandbox) -> None:
    env = {**environment(sandbox.connection()), "CUSTOMERIO_POLICY": "careful"}
    told = invoke("call", "delete_customer", '{"customer_id": "u1"}', env=env)
    result = json.loads(told.stdout)
    assert (told.exit_code, result["error"]["code"]) == (4, "policy_refused")
    assert "nobody could give it" in result["summary"]
    assert "confirmation_id" not in result
    assert any(person["id"] == "u1" for person in sandbox.state()["people"])


def test_a_policy_that_makes_no_sense_stops_the_shell_and_names_its_variable(
    sandbox: Sandbox,
) -> None:
    env = {**environment(sandbox.connection()), "CUSTOMERIO_READ_ONLY": "perhaps"}
    told = invoke("call", "list_segments", env=env)
    assert told.exit_code == 3
    assert "CUSTOMERIO_READ_ONLY is neither true nor false" in told.stderr


def test_a_redis_that_makes_no_sense_stops_the_shell_and_names_its_variable(
    sandbox: Sandbox,
) -> None:
    env = {**environment(sandbox.connection()), "CUSTOMERIO_REDIS_URL": f"ftp://{CANARY}"}
    told = invoke("call", "list_segments", env=env)
    assert told.exit_code == 3
    assert "CUSTOMERIO_REDIS_URL" in told.stderr
    assert CANARY not in told.output
    assert isinstance(told.exception, SystemExit)


def test_a_call_from_the_shell_leaves_its_line_in_the_audit_trail(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    trail = tmp_path / "audit.jsonl"
    env = {**environment(sandbox.connection()), "CUSTOMERIO_AUDIT_FILE": str(trail)}
    invoke("call", "list_segments", env=env)
    assert json.loads(trail.read_text(encoding="utf-8"))["subtool"] == "list_segments"


def test_a_new_sandbox_has_no_past_in_the_ledger(tmp_path: Path) -> None:
    arguments = '{"to": "a@b.co", "customer_id": "u1", "transactional_message_id": "1"}'
    command = ("call", "send_transactional_email", arguments, "--sandbox")
    env = {"CUSTOMERIO_LEDGER_FILE": str(tmp_path / "ledger.db")}
    outcomes = [json.loads(invoke(*command, env=env).stdout).get("outcome") for _ in range(2)]
    assert outcomes == ["accepted"] * 2


def test_a_key_in_the_wrong_form_is_named_and_not_printed() -> None:
    told = invoke("check", env={"CUSTOMERIO_APP_API_KEY": f"Bearer {CANARY}"})
    assert told.exit_code == 3
    assert "CUSTOMERIO_APP_API_KEY starts with an authorization scheme" in told.stderr
    assert CANARY not in told.output


def test_a_restricted_key_exits_with_3(sandbox: Sandbox) -> None:
    narrow = {**sandbox.connection(), "app_api_key": Options().restricted_app_key}
    told = invoke("call", "list_segments", env=environment(narrow))
    assert (told.exit_code, json.loads(told.stdout)["error"]["code"]) == (3, "permission_denied")


# --- demo, publish


def test_the_demo_command_proves_all_subtools_of_the_page() -> None:
    told = invoke("demo")
    assert told.exit_code == 0
    assert "subtools did what they promise." in told.stdout


def test_the_demo_command_exits_with_1_when_a_subtool_only_says_it_worked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = CustomerIoTool.call

    def lying(self: CustomerIoTool, name: str, arguments: str) -> dict[str, Any]:
        if name == "delete_device":
            return {"ok": True, "summary": "Done.", "outcome": "accepted"}
        return honest(self, name, arguments)

    monkeypatch.setattr(CustomerIoTool, "call", lying)
    told = invoke("demo")
    assert told.exit_code == 1
    assert "devices: expected [], found [{'id': 'fcm:mara/phone'" in told.stdout
    assert f"1 of {len(PAGE)} subtools did not: delete_device." in told.stdout
