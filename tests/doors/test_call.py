"""The command `call`: how arguments are given, who is asked, and what a person sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.doors.cli.arguments import mistake_in
from customerio_tool.sandbox import Sandbox
from tests.support.conversation import MAIL
from tests.support.shell import MAIN, environment, invoke
from tests.support.terminal import at_terminal
from tests.support.timeouts import PATIENCE

DELETE = ("call", "delete_customer", '{"customer_id": "u1"}')


@pytest.fixture
def careful(sandbox: Sandbox) -> dict[str, str]:
    return {**environment(sandbox.connection()), "CUSTOMERIO_POLICY": "careful"}


def is_known(sandbox: Sandbox, name: str = "u1") -> bool:
    return any(each["id"] == name for each in sandbox.state()["people"])


def attributes(sandbox: Sandbox, name: str) -> dict[str, Any]:
    (found,) = (each for each in sandbox.state()["people"] if each["id"] == name)
    known: dict[str, Any] = found["attributes"]
    return known


# --- Arguments


def test_arguments_are_given_one_by_one_as_text_or_json(sandbox: Sandbox) -> None:
    pairs = ("customer_id=007", 'attributes={"plan": "a=b", "n": 7, "zip": "007"}', "email=7@b.co")
    told = invoke(
        "call",
        "identify_customer",
        *(word for pair in pairs for word in ("--arg", pair)),
        env=environment(sandbox.connection()),
    )
    assert told.exit_code == 0, told.stderr
    assert attributes(sandbox, "007") == {"plan": "a=b", "n": 7, "zip": "007"}


def test_a_value_that_is_no_json_is_text() -> None:
    told = invoke("call", "get_segment", "--arg", "segment_id=Beta testers", "--sandbox")
    assert json.loads(told.stdout)["error"]["look"]["subtool"] == "list_segments"


def test_single_arguments_add_to_those_in_json() -> None:
    command = ("call", "get_segment", '{"segment_id": 1}', "--arg", "include_count=true")
    result = json.loads(invoke(*command, "--sandbox").stdout)
    assert (result["segment"]["id"], result["customer_count"]) == (1, 2)


def test_arguments_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "arguments.json"
    file.write_text('\ufeff{"segment_id": 2}', encoding="utf-8")
    told = invoke("call", "get_segment", f"@{file}", "--sandbox")
    assert json.loads(told.stdout)["segment"]["name"] == "Pro plan"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["@/no/such/file"], "cannot be read: No such file"),
        (["@/"], "cannot be read"),
        (["--arg", "segment_id"], "takes NAME=VALUE"),
        (["--arg", "segment_id=1", "--arg", "segment_id=2"], "given twice"),
        (['{"segment_id": 1}', "--arg", "segment_id=2"], "given twice"),
    ],
)
def test_what_cannot_be_read_sends_nothing_and_exits_with_2(
    arguments: list[str], told: str
) -> None:
    refused = invoke("call", "get_segment", *arguments, "--sandbox", env={"COLUMNS": "200"})
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert told in refused.stderr


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        ("{bad", 1, 2, "{bad"),
        ('{"a": 1,\n "b": }', 2, 7, ' "b": }'),
        ('{"ключ": 1 2}', 1, 12, '{"ключ": 1 2}'),
        (b"\xef\xbb\xbf[1,,2]", 1, 4, "[1,,2]"),
        ('{"a": 1,\n', 2, 1, ""),
    ],
)
def test_a_mistake_in_json_is_pointed_at(
    text: str | bytes, line: int, column: int, shown: str
) -> None:
    place, below, caret = (mistake_in(text, 80) or "").split("\n")
    assert place.startswith(f"line {line}, column {column}: ")
    assert below == f"  {shown}"
    assert caret == " " * (1 + column) + "^"


def test_of_a_long_line_only_the_part_around_the_mistake_is_shown() -> None:
    text = '{"a": "' + "x" * 500 + '", "b": ?, "c": "' + "\x1b[31m" * 99 + '"}'
    _, shown, caret = (mistake_in(text, 40) or "").split("\n")
    assert max(len(shown), len(caret)) <= 40
    assert shown[caret.index("^")] == "?"
    assert "\x1b" not in shown


def test_the_caret_stands_below_a_mistake_behind_wide_characters() -> None:
    _, _, caret = (mistake_in('{"漢字": ?}', 80) or "").split("\n")
    assert caret == "  " + " " * 9 + "^"


@pytest.mark.parametrize("text", ["{}", "", "  ", None, '{"a": 1, "a": 2}', "[" * 100_000])
def test_what_is_json_or_nothing_has_no_mistake_to_point_at(text: str | None) -> None:
    assert mistake_in(text, 80) is None


# --- Who is asked


@pytest.mark.parametrize(
    ("typed", "code", "stays"),
    [("y\n", 0, False), ("n\n", 4, True), ("\n", 4, True)],
)
def test_a_person_at_the_terminal_decides(
    sandbox: Sandbox, careful: dict[str, str], typed: str, code: int, stays: bool
) -> None:
    seen = at_terminal(*DELETE, typed=typed, env=careful)
    assert 'Delete the person "u1"' in seen.text
    assert '"customer_id": "u1"' in seen.text
    assert "Run it? [y/N]" in seen.text
    assert (seen.exit_code, is_known(sandbox)) == (code, stays)


@pytest.mark.parametrize(("is_shared", "code"), [(False, 4), (True, 7)])
def test_who_leaves_the_question_unanswered_is_told_that_nothing_ran(
    sandbox: Sandbox, careful: dict[str, str], tmp_path: Path, is_shared: bool, code: int
) -> None:
    store = {"CUSTOMERIO_LEDGER_FILE": str(tmp_path / "sends.sqlite")} if is_shared else {}
    seen = at_terminal(*DELETE, typed="\x04", env={**careful, **store})
    assert (seen.exit_code, is_known(sandbox)) == (code, True)
    assert "Nobody answered, so the call was not run." in seen.text
    assert seen.text.count("approvals approve") == is_shared


def test_consent_on_the_command_line_asks_nobody(sandbox: Sandbox, careful: dict[str, str]) -> None:
    told = invoke(*DELETE, "--yes", env=careful)
    assert (told.exit_code, is_known(sandbox)) == (0, False)


def test_consent_beforehand_is_none_for_a_message_that_may_have_gone(
    sandbox: Sandbox, careful: dict[str, str]
) -> None:
    sandbox.fault(operation="send_email", action="reset_after_applying", times=1)
    mail = ("call", "send_transactional_email", json.dumps(MAIL), "--yes")
    lost = invoke(*mail, env=careful)
    assert lost.exit_code == 6
    key = {**MAIL, "idempotency_key": "again"}
    again = invoke("call", "send_transactional_email", json.dumps(key), "--yes", env=careful)
    assert again.exit_code in (4, 7)
    assert sum(r["operation"] == "send_email" for r in sandbox.requests()) == 1


def test_without_a_terminal_and_without_a_store_the_call_is_refused(
    sandbox: Sandbox, careful: dict[str, str]
) -> None:
    told = invoke(*DELETE, env=careful)
    assert (told.exit_code, json.loads(told.stdout)["error"]["code"]) == (4, "policy_refused")
    assert "at a terminal" in told.stderr
    assert is_known(sandbox)


def test_what_is_asked_cannot_steer_the_terminal(careful: dict[str, str]) -> None:
    sneaky = json.dumps({"customer_id": "u1\u202e\x9b31m"}, ensure_ascii=False)
    seen = at_terminal("call", "delete_customer", sneaky, typed="n\n", env=careful)
    assert "\u202e" not in seen.raw
    assert "\x9b" not in seen.raw


def test_a_call_of_the_shell_says_so_in_the_audit_trail(
    careful: dict[str, str], tmp_path: Path
) -> None:
    trail = tmp_path / "audit.jsonl"
    invoke(*DELETE, "--yes", env={**careful, "CUSTOMERIO_AUDIT_FILE": str(trail)})
    lines = [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
    assert {line["door"] for line in lines} == {"shell"}
    assert lines[-1]["decision"] == "approved"


def test_ctrl_c_ends_the_call_and_says_how_it_ended(sandbox: Sandbox) -> None:
    sandbox.fault(operation="list_segments", delay=30.0)
    env = {**os.environ, **environment(sandbox.connection())}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", MAIN, "call", "list_segments"]
    with subprocess.Popen(command, env=env, **pipes) as process:
        while not sandbox.requests():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=PATIENCE)
    assert (process.returncode, json.loads(printed)["error"]["code"]) == (1, "cancelled")
    assert "Traceback" not in told


# --- What a person sees


def test_a_person_sees_the_summary_first_and_json_only_if_asked_for(sandbox: Sandbox) -> None:
    env = environment(sandbox.connection())
    command = ("call", "get_segment", '{"segment_id": 1}')
    seen = at_terminal(*command, env=env)
    assert seen.text.startswith("Segment 1 is manual")
    asked = at_terminal(*command, "--json", env=env)
    assert json.loads(asked.text) == json.loads(invoke(*command, env=env).stdout)


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "command", ["check --sandbox", "subtools", "describe get_segment", "call nonsense"]
)
def test_no_line_is_wider_than_the_terminal_but_what_is_to_be_copied(
    command: str, columns: int
) -> None:
    seen = at_terminal(*command.split(), columns=columns)
    for line in seen.text.splitlines():
        assert len(line) <= columns or line.startswith(("  {", "source")), line


def test_no_color_is_shown_where_none_is_wanted() -> None:
    seen = at_terminal("check", "--sandbox", env={"NO_COLOR": "1"})
    assert "\x1b[3" not in seen.raw
    assert "\x1b[3" in at_terminal("check", "--sandbox").raw


# --- Completion


def completed(*words: str) -> list[str]:
    environment = {
        **os.environ,
        "_CUSTOMERIO_TOOL_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("customerio-tool", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", MAIN], capture_output=True, text=True, env=environment
    )
    return done.stdout.split()


@pytest.mark.parametrize("command", ["call", "describe"])
def test_a_shell_completes_the_names_of_subtools(command: str) -> None:
    assert completed(command, "list_") == ["list_campaigns", "list_segments", "list_messages"]


def test_a_shell_completes_the_names_of_look_ups_where_they_are_on() -> None:
    assert "list_broadcasts" in completed("call", "--lookups", "list_")


def test_a_shell_completes_the_arguments_of_the_subtool_on_the_line() -> None:
    assert completed("call", "get_segment", "--arg", "") == ["segment_id=", "include_count="]
    assert completed("call", "nonsense", "--arg", "") == []


def test_a_shell_completes_the_values_to_choose_from() -> None:
    assert completed("call", "list_segments", "--arg", "type=m") == ["type=manual"]
