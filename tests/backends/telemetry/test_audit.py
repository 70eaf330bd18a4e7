"""The audit trail has one whole line per call, for its owner alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.telemetry.audit import AuditTrail
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.errors import ConnectionInvalid
from tests.support.clients import EMAIL, SAVED_US
from tests.support.telemetry import ADA, NOW, PERSON, Recorder, lines_of, made


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_the_audit_trail_has_one_line_per_call(net: responses.RequestsMock, trail: Path) -> None:
    net.put(PERSON, json={})

    with made(AuditTrail(trail)) as tool:
        tool.call("identify_customer", ADA, context=CallContext(run_id="run\n7"))
        tool.call("identify_customer", {})

    done, refused = lines_of(trail)
    assert list(done) == [
        "at",
        "call_id",
        "run_id",
        "subtool",
        "effect",
        "id_type",
        "person",
        "door",
        "outcome",
        "attempts",
        "ms",
    ]
    assert (done["at"], done["run_id"], done["subtool"]) == (NOW, "run\n7", "identify_customer")
    assert (done["id_type"], done["outcome"], done["attempts"]) == ("email", "accepted", 1)
    assert (refused["person"], refused["outcome"]) == (None, "arguments_invalid")
    assert "ada" not in trail.read_text(encoding="utf-8")


def test_the_audit_trail_is_for_its_owner_alone(trail: Path) -> None:
    before = os.umask(0)
    try:
        AuditTrail(trail)
    finally:
        os.umask(before)

    assert stat.S_IMODE(trail.stat().st_mode) == 0o600


def test_the_audit_trail_begins_anew_where_its_file_was_moved_away(trail: Path) -> None:
    with made(AuditTrail(trail)) as tool:
        tool.call("identify_customer", {})
        trail.rename(trail.with_suffix(".1"))
        tool.call("identify_customer", {})

    assert len(lines_of(trail)) == len(lines_of(trail.with_suffix(".1"))) == 1


WRITER = """
import sys
from customerio_tool.backends.telemetry.audit import AuditTrail
from customerio_tool.backends.telemetry.events import CallEnd, CallStart

trail = AuditTrail(sys.argv[1])
sys.stdin.readline()  # all begin at once
for number in range(200):
    call = CallStart(f"{sys.argv[2]}-{number}", "track_event", "record", "track", 1.0, "r" * 3000)
    trail.ended(call, CallEnd("accepted", True, 1, 0.01))
"""


def test_lines_of_many_processes_stay_whole(trail: Path) -> None:
    with ExitStack() as ends:
        writers = [
            ends.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, trail, str(n)], stdin=subprocess.PIPE
                )
            )
            for n in range(4)
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"\n")
            writer.stdin.close()
    assert [writer.returncode for writer in writers] == [0] * 4

    told = [line["call_id"] for line in lines_of(trail)]
    assert sorted(told) == sorted(f"{n}-{number}" for n in range(4) for number in range(200))


def test_an_audit_trail_that_cannot_be_written_any_more_fails_no_call(trail: Path) -> None:
    recorder = Recorder()
    with made(AuditTrail(trail), recorder, policy={"dry_run": True}) as tool:
        trail.unlink()
        trail.mkdir()
        assert tool.call("list_segments", {})["ok"]

    assert recorder.told == ["started", "ended"]


# The environment


def test_the_environment_names_the_audit_file(trail: Path) -> None:
    backends = Backends.from_env({"CUSTOMERIO_AUDIT_FILE": f" {trail} "})
    with CustomerIoTool(SAVED_US, policy={"dry_run": True}, backends=backends) as tool:
        tool.call("list_segments", {})

    assert [line["outcome"] for line in lines_of(trail)] == ["dry_run"]


@pytest.mark.parametrize("path", ["", "  "])
def test_without_an_audit_file_the_log_alone_is_told(path: str) -> None:
    watchers = Backends.from_env({"CUSTOMERIO_AUDIT_FILE": path}).telemetry

    assert [type(watcher) for watcher in watchers] == [LogTelemetry]


@pytest.mark.parametrize("name", ["missing/audit.jsonl", ".", "nul\0"])
def test_an_audit_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        Backends.from_env({"CUSTOMERIO_AUDIT_FILE": str(tmp_path / name)})

    assert [problem.path for problem in caught.value.fields] == ["CUSTOMERIO_AUDIT_FILE"]
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.__context__ is None


FOREIGN = {
    "text": b"dear diary\n",
    "database": b"SQLite format 3\0" + bytes(84),
    "other JSON": b'{"level": "info"}\n',
    "half a line": b'{"a',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_nothing_is_appended_to_the_file_of_another_program(trail: Path, content: bytes) -> None:
    trail.write_bytes(content)
    with pytest.raises(ConnectionInvalid) as caught:
        Backends.from_env({"CUSTOMERIO_AUDIT_FILE": str(trail)})
    assert "another program" in str(caught.value)
    assert trail.read_bytes() == content


def test_a_file_that_another_program_put_in_its_place_stays_as_it_is(trail: Path) -> None:
    recorder = Recorder()
    with made(AuditTrail(trail), recorder, policy={"dry_run": True}) as tool:
        trail.write_bytes(b"dear diary\n")
        assert tool.call("list_segments", {})["ok"]
    assert trail.read_bytes() == b"dear diary\n"
    assert recorder.told == ["started", "ended"]


def test_one_file_is_not_both_ledger_and_audit_trail(
    net: responses.RequestsMock, trail: Path
) -> None:
    net.post("https://api.customer.io/v1/send/email", json={"delivery_id": "d1"})
    files = {"CUSTOMERIO_AUDIT_FILE": str(trail), "CUSTOMERIO_LEDGER_FILE": str(trail)}
    for _ in range(2):
        with CustomerIoTool(SAVED_US, backends=Backends.from_env(files)) as tool:
            assert tool.call("send_transactional_email", EMAIL)["ok"]
        files = {"CUSTOMERIO_LEDGER_FILE": str(trail)}
    assert len(net.calls) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_that_nobody_reads_is_refused_and_not_waited_for(trail: Path) -> None:
    os.mkfifo(trail)
    with pytest.raises(ConnectionInvalid):
        Backends.from_env({"CUSTOMERIO_AUDIT_FILE": str(trail)})


def test_a_trail_that_exists_is_continued(trail: Path) -> None:
    for _ in range(2):
        with made(AuditTrail(trail)) as tool:
            tool.call("identify_customer", {})
    assert len(lines_of(trail)) == 2


# Reading the end of the file


def test_the_newest_lines_are_read_from_the_end(trail: Path) -> None:
    audit = AuditTrail(trail)
    with made(audit) as tool:
        for number in range(5):
            tool.call("identify_customer", {}, context=CallContext(run_id=f"run{number}"))
    size = trail.stat().st_size
    assert [line.run_id for line in audit.newest()] == ["run4", "run3", "run2", "run1", "run0"]
    assert [line.run_id for line in audit.newest(size // 2)] == ["run4", "run3"], "whole lines"
    assert audit.size == size


def test_a_line_that_is_broken_or_of_another_kind_is_skipped(trail: Path) -> None:
    audit = AuditTrail(trail)
    with made(audit) as tool:
        tool.call("identify_customer", {}, context=CallContext(run_id="before"))
        with trail.open("ab") as file:
            file.write(
                b'{"at":1,"call_id\n\xff\xfe\n[]\n\n{"at":"soon","call_id":"x"}\n{"at":1e999}\n'
            )
        tool.call("identify_customer", {}, context=CallContext(run_id="after"))
    assert [line.run_id for line in audit.newest()] == ["after", "before"]


def test_nothing_is_read_of_a_file_that_another_program_put_there(trail: Path) -> None:
    audit = AuditTrail(trail)
    with made(audit) as tool:
        tool.call("identify_customer", {})
    line = trail.read_text(encoding="utf-8")
    trail.write_text(f"a log\n{line}", encoding="utf-8")
    assert audit.newest() == []
    trail.unlink()
    assert (audit.newest(), audit.size) == ([], 0)
    os.mkfifo(trail)
    assert audit.newest() == [], "a pipe is not waited for"
