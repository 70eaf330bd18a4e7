"""Odd files and options: each is told in words, and nothing of it stops or hides the other rows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.bulk import Input, InputInvalid, JournalLost, run
from customerio_tool.sandbox import Sandbox
from tests.support.bulk import lines_of, mails, quick, rows_in, written
from tests.support.bulk_jobs import RATES
from tests.support.shell import environment, invoke

SUBTOOL = "identify_customer"


def test_half_a_surrogate_pair_rejects_its_row_and_stops_no_other(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text('{"customer_id": "a\\ud800"}\n{"customer_id": "u1"}\n')
    with quick(sandbox) as tool:
        summary = run(tool, SUBTOOL, Input.of(path, SUBTOOL))
    assert (summary.counts.done, rows_in(summary, "rejected")) == (1, [1])
    (line,) = lines_of(summary.files["rejected"])
    assert line["arguments"] == {"customer_id": "a\ud800"}


def test_two_jobs_on_one_file_keep_what_each_left_out(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("customer_id\nu1\nu2 \n")
    with quick(sandbox) as tool:
        first = run(tool, SUBTOOL, Input.of(path, SUBTOOL))
        constants = {"customer_id": "u1", "name": "seen"}
        source = Input.of(path, "track_event", constants=constants)
        second = run(tool, "track_event", source)
    assert rows_in(first, "rejected") == rows_in(second, "rejected") == [3]
    assert lines_of(first.files["rejected"])[0]["arguments"] == {"customer_id": "u2 "}
    assert lines_of(second.files["rejected"])[0]["arguments"]["name"] == "seen"


REFUSED: dict[str, tuple[str, bytes, dict[str, Any], str]] = {
    "header": ("x.csv", b"customer_id,pr\xe9nom\na,b\n", {}, "header of x.csv is not UTF-8"),
    "same titles": ("x.csv", b"email,email\na,b\n", {}, "give one of them another title"),
    "a long delimiter": ("x.csv", b"email\n", {"delimiter": "\\t"}, "give one character"),
    "a quote": ("x.csv", b"email\n", {"delimiter": '"'}, "give one character"),
    "a map": ("x.jsonl", b"{}\n", {"columns": {"A": "email"}}, "is for CSV"),
    "a delimiter": ("x.jsonl", b"{}\n", {"delimiter": ";"}, "is for CSV"),
    "an array": ("x.jsonl", b"[]\n", {}, r"as  jq -c '\.\[\]'  makes them"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_before_a_row(tmp_path: Path, name: str) -> None:
    file, content, options, said = REFUSED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputInvalid, match=said):
        Input.of(tmp_path / file, SUBTOOL, **options).survey()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused_as_its_rows_can_be_read_only_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")
    with pytest.raises(InputInvalid, match="standard input, as -"):
        Input.of(tmp_path / "rows.jsonl", SUBTOOL).survey()


@pytest.mark.parametrize("name", ["lock.sqlite", "journal.sqlite"])
def test_a_damaged_file_of_the_folder_is_told(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text(json.dumps({"customer_id": "u1"}))
    folder = tmp_path / "people.jsonl.bulk"
    folder.mkdir()
    (folder / name).write_bytes(b"no database" * 500)
    with quick(sandbox) as tool, pytest.raises(JournalLost, match="cannot be used"):
        run(tool, SUBTOOL, Input.of(path, SUBTOOL))
    assert sandbox.requests() == []


def test_a_job_that_gives_up_waiting_says_what_it_waited_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = written(tmp_path / "mails.jsonl", mails(2))
    sandbox.fault(status=429, retry_after=60)
    env = {**environment(sandbox.connection()), **RATES}
    command = ("bulk", "send_transactional_email", str(path), "--patience", "0.5")
    told = invoke(*command, env=env)
    assert told.exit_code == 5
    assert "Run the same command later to go on. " in told.stdout
    assert "Too many requests" in told.stdout.splitlines()[-1]
