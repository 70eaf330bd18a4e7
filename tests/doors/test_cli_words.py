"""What a person reads when a command cannot be done: one line for each thing to put right."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from itertools import pairwise

import pytest

from tests.support.shell import MAIN, invoke

CREDENTIALS = ("CUSTOMERIO_SITE_ID", "CUSTOMERIO_TRACK_API_KEY", "CUSTOMERIO_APP_API_KEY")


@pytest.mark.parametrize("command", ["check", "call track_event {}"])
def test_each_variable_that_is_missing_has_a_line_of_its_own(command: str) -> None:
    lines = invoke(*command.split()).stderr.splitlines()
    needed = CREDENTIALS if command == "check" else CREDENTIALS[:2]
    assert lines[0] == "The connection cannot be used."
    assert [line.split()[0] for line in lines[1:-1]] == list(needed)
    assert all(" is missing; " in line for line in lines[1:-1])


def test_who_has_no_account_is_told_of_the_sandbox() -> None:
    assert "--sandbox" in invoke("check").stderr
    wrong = {**dict.fromkeys(CREDENTIALS, "one text"), "CUSTOMERIO_REGION": "asia"}
    told = invoke("check", env=wrong).stderr
    assert "CUSTOMERIO_REGION" in told
    assert "--sandbox" not in told


def test_no_option_is_advised_that_the_command_lacks() -> None:
    told = invoke("approvals", "list")
    assert "CUSTOMERIO_SITE_ID is missing" in told.stderr
    assert "--sandbox" not in told.stderr


def test_wrong_arguments_are_told_as_the_model_is_told() -> None:
    told = invoke("call", "--sandbox", "get_segment", "{bad")
    assert told.stderr == (
        "Nothing was read. arguments is not valid JSON; check its quotes and brackets.\n"
        "line 1, column 2: Expecting property name enclosed in double quotes\n"
        "  {bad\n"
        "   ^\n"
    )


def test_what_fails_is_broken_between_words_at_a_terminal() -> None:
    told = at_a_terminal("check", columns=60)
    assert all(len(line) <= 60 for line in told)
    whole = invoke("check").stderr
    assert " ".join(" ".join(told).split()) == " ".join(whole.split())


@pytest.mark.parametrize("command", ["call", "sandbox", "publish", "describe"])
def test_the_help_is_set_in_whole_lines(command: str) -> None:
    text = [
        line.strip() for line in invoke(command, "--help", env={"COLUMNS": "80"}).stdout.split("\n")
    ]
    prose = [line for line in text if line and line[0] not in "│╭╰"]
    for line, after in pairwise(prose):
        first_word = after.split()[0]
        assert line.endswith((".", "[OPTIONS]", "}", "]")) or len(f"{line} {first_word}") > 76


def test_an_address_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    told = invoke("describe", "send_transactional_email", env={"COLUMNS": "60"}).stdout
    (line,) = [line for line in told.splitlines() if line.startswith("source")]
    assert line.split()[1].endswith("/sendEmail/")


def at_a_terminal(*arguments: str, columns: int) -> list[str]:
    """Return the lines that a command writes to a terminal as its standard error."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMERIO_")}
    environment |= {"COLUMNS": str(columns), "TERM": "xterm"}
    subprocess.run(
        [sys.executable, "-c", MAIN, *arguments], stderr=theirs, env=environment, check=False
    )
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        return terminal.read(65_536).decode().splitlines()
