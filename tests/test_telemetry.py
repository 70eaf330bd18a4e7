"""Watchers are told of every call: which, for whom by hash, how it ended; never what was in it."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import responses

from customerio_tool import CallContext, Connection, CustomerIoTool
from customerio_tool.audit import AuditTrail
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.policy import Policy
from customerio_tool.shared import telemetry_from_env
from customerio_tool.telemetry import (
    Attempt,
    CallEnd,
    CallStart,
    LogTelemetry,
    Telemetry,
    keyed_hash,
)

SAVED = {
    "site_id": "site-5e1f77a0",
    "track_api_key": "track-0b9c41d2",
    "app_api_key": "app-77d3e8f6",
    "region": "us",
}
TRACK, APP = "https://track.customer.io", "https://api.customer.io"
PERSON = f"{TRACK}/api/v1/customers/ada%40example.com"
NOW = 1763900000.5
ADA = {"customer_id": "ada@example.com", "attributes": {"plan": "pro"}}
EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}


class Recorder:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[CallStart] = []
        self.attempts: list[Attempt] = []
        self.ends: list[CallEnd] = []
        self.told: list[str] = []

    def started(self, call: CallStart) -> None:
        self.calls.append(call)
        self.told.append("started")

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        assert call is self.calls[-1]
        self.attempts.append(attempt)
        self.told.append("attempted")

    def ended(self, call: CallStart, end: CallEnd) -> None:
        assert call is self.calls[-1]
        self.ends.append(end)
        self.told.append("ended")


class Broken:
    """Fails whatever it is told, with a text that nobody may see."""

    def started(self, call: CallStart) -> None:
        raise RuntimeError("secret words")

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        raise RuntimeError("secret words")

    def ended(self, call: CallStart, end: CallEnd) -> None:
        raise RuntimeError("secret words")


class Stopwatch:
    """A monotonic clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def made(*watchers: Telemetry, saved: Any = SAVED, **options: Any) -> CustomerIoTool:
    watch = Stopwatch()
    return CustomerIoTool(
        saved,
        telemetry=watchers,
        clock=lambda: NOW,
        monotonic=watch,
        sleep=watch.sleep,
        **options,
    )


# What is told


def test_a_call_is_told_as_it_begins_at_each_attempt_and_as_it_ends(
    net: responses.RequestsMock, recorder: Recorder
) -> None:
    net.put(PERSON, status=503)
    net.put(PERSON, json={})

    with made(recorder) as tool:
        tool.call("identify_customer", ADA, context=CallContext(run_id="run-7"))

    assert recorder.told == ["started", "attempted", "attempted", "ended"]
    (call,), (end,) = recorder.calls, recorder.ends
    assert (call.subtool, call.effect, call.api) == ("identify_customer", "overwrite", "track")
    assert (call.started_at, call.run_id, call.id_type) == (NOW, "run-7", "email")
    assert [(a.number, a.status, a.fate) for a in recorder.attempts] == [
        (1, 503, "failed"),
        (2, 200, "answered"),
    ]
    assert {(a.method, a.template, a.origin) for a in recorder.attempts} == {
        ("PUT", "/api/v1/customers/{customer_id}", TRACK)
    }
    assert (end.outcome, end.ok, end.attempts) == ("accepted", True, 2)
    assert end.seconds >= sum(attempt.seconds for attempt in recorder.attempts)


def test_the_person_is_told_as_a_hash_that_only_the_holder_of_the_keys_can_make(
    net: responses.RequestsMock, recorder: Recorder
) -> None:
    net.put(PERSON, json={})
    for saved in (SAVED, {**SAVED, "track_api_key": "another-key"}):
        with made(recorder, saved=saved) as tool:
            tool.call("identify_customer", ADA)

    first, other = (call.person for call in recorder.calls)
    key = Connection.load(SAVED).digest.encode()
    assert first == keyed_hash(key, "ada@example.com")
    assert other != first


@pytest.mark.parametrize(
    ("name", "arguments", "id_type"),
    [
        ("delete_customer", {"customer_id": "cio_03000001"}, "cio_id"),
        ("get_customer_attributes", {"customer_id": "a@b.co", "id_type": "id"}, "id"),
        ("merge_customers", {"primary_id": "u1", "secondary_id": "u2"}, "id"),
        (
            "merge_customers",
            {"primary_id": "a@b.co", "primary_id_type": "id", "secondary_id": "u2"},
            "id",
        ),
        ("list_segments", {}, None),
    ],
)
def test_the_id_type_is_the_one_given_else_the_one_of_its_shape(
    recorder: Recorder, name: str, arguments: Any, id_type: str | None
) -> None:
    with made(recorder, policy={"dry_run": True}) as tool:
        assert tool.call(name, arguments)["ok"]

    assert recorder.calls[0].id_type == id_type
    assert (recorder.calls[0].person is None) == (id_type is None)


def test_a_failure_is_told_by_its_code(net: responses.RequestsMock, recorder: Recorder) -> None:
    net.get(f"{APP}/v1/segments/7", status=404)

    with made(recorder) as tool:
        tool.call("get_segment", {"segment_id": 7})

    (end,) = recorder.ends
    assert (end.outcome, end.ok, end.attempts) == ("not_found", False, 1)


@pytest.mark.parametrize(
    ("policy", "name", "arguments", "outcome"),
    [
        ({}, "identify_customer", {"customer_id": 7.5}, "arguments_invalid"),
        ({}, "identify_customer", "{", "arguments_invalid"),
        ({"enabled": "get_segment"}, "identify_customer", ADA, "subtool_disabled"),
        ({"read_only": True}, "identify_customer", ADA, "policy_refused"),
        ({"allowed_recipients": []}, "send_transactional_email", EMAIL, "policy_refused"),
        ({"send_budget": 0}, "send_transactional_email", EMAIL, "policy_refused"),
        ({"confirm": "human"}, "delete_customer", {"customer_id": "u1"}, "confirmation_required"),
        ({"confirm": "repeat"}, "delete_customer", {"customer_id": "u1"}, "confirmation_required"),
    ],
)
def test_a_refused_call_is_told_without_any_attempt(
    net: responses.RequestsMock,
    recorder: Recorder,
    policy: Any,
    name: str,
    arguments: Any,
    outcome: str,
) -> None:
    with made(recorder, policy=policy) as tool:
        assert tool.call(name, arguments)["error"]["code"] == outcome

    assert recorder.told == ["started", "ended"]
    (end,) = recorder.ends
    assert (end.outcome, end.ok, end.attempts) == (outcome, False, 0)


def test_a_refused_call_names_its_person_where_its_arguments_could_be_read(
    recorder: Recorder,
) -> None:
    with made(recorder, policy={"confirm": "human"}) as tool:
        tool.call("delete_customer", {"customer_id": "u1"})
        tool.call("delete_customer", {"customer_id": "u1", "more": 1})

    assert [call.id_type for call in recorder.calls] == ["id", None]


def test_a_call_that_a_person_decided_is_told_once_more(recorder: Recorder) -> None:
    with made(recorder, policy=Policy(confirm="human", dry_run=True)) as tool:
        ids = [
            tool.call("delete_customer", {"customer_id": person})["confirmation_id"]
            for person in ("u1", "u2")
        ]
        tool.approve(ids[0])
        tool.decline(ids[1])

    assert [end.outcome for end in recorder.ends[2:]] == ["dry_run", "policy_refused"]
    assert [call.person for call in recorder.calls[2:]] == [
        call.person for call in recorder.calls[:2]
    ]


def test_a_call_of_no_subtool_is_not_told_as_its_name_may_be_anything(recorder: Recorder) -> None:
    with made(recorder) as tool:
        tool.call("ada@example.com", {})

    assert recorder.told == []


def test_an_interrupted_call_is_told(net: responses.RequestsMock, recorder: Recorder) -> None:
    def stop(_: Any) -> NoReturn:
        raise KeyboardInterrupt

    net.add_callback(responses.GET, f"{APP}/v1/segments/7", callback=stop)

    with made(recorder) as tool, pytest.raises(KeyboardInterrupt):
        tool.call("get_segment", {"segment_id": 7})

    assert [end.outcome for end in recorder.ends] == ["interrupted"]


# A watcher that fails


def test_a_watcher_that_raises_changes_nothing_and_is_named_without_its_words(
    net: responses.RequestsMock, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    net.get(f"{APP}/v1/segments/7", json={"segment": {"id": 7, "name": "Beta"}})
    with made() as tool:
        expected = tool.call("get_segment", {"segment_id": 7})

    with made(Broken(), recorder) as tool:
        assert tool.call("get_segment", {"segment_id": 7}) == expected

    assert recorder.told == ["started", "attempted", "ended"]
    assert [record.getMessage() for record in caplog.records] == ["Broken raised RuntimeError"] * 3
    assert not any(record.exc_info for record in caplog.records)


# The log


def test_the_log_has_a_line_per_call_and_a_warning_where_it_failed(
    net: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    net.get(f"{APP}/v1/segments/7", json={"segment": {"id": 7, "name": "Beta"}})
    caplog.set_level(logging.DEBUG)

    with made(LogTelemetry()) as tool:
        tool.call("get_segment", {"segment_id": 7})
        tool.call("get_segment", {"segment_id": "seven"})

    told = [(record.name, record.levelname, record.getMessage()[27:]) for record in caplog.records]
    assert told == [
        ("customerio_tool", "DEBUG", "get_segment: attempt 1 GET answered (status 200)"),
        ("customerio_tool", "INFO", "get_segment: done after 1 attempts in 0 ms"),
        ("customerio_tool", "WARNING", "get_segment: arguments_invalid after 0 attempts in 0 ms"),
    ]


def test_nothing_is_printed_where_the_host_set_up_no_logging() -> None:
    script = (
        "from customerio_tool import CustomerIoTool\n"
        f"print(CustomerIoTool({SAVED!r}).call('get_segment', {{}})['error']['code'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("arguments_invalid\n", "")


# The audit trail


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def lines_of(trail: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]


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
from customerio_tool.audit import AuditTrail
from customerio_tool.telemetry import CallEnd, CallStart

trail = AuditTrail(sys.argv[1])
sys.stdin.readline()  # all begin at once
for number in range(200):
    call = CallStart(f"{sys.argv[2]}-{number}", "track_event", "record", "track", 1.0, "r" * 3000)
    trail.ended(call, CallEnd("accepted", True, 1, 0.01))
"""


def test_lines_of_many_processes_stay_whole(trail: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, trail, str(n)], stdin=subprocess.PIPE)
        for n in range(4)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4

    told = [line["call_id"] for line in lines_of(trail)]
    assert sorted(told) == sorted(f"{n}-{number}" for n in range(4) for number in range(200))


def test_an_audit_trail_that_cannot_be_written_any_more_fails_no_call(
    trail: Path, recorder: Recorder
) -> None:
    with made(AuditTrail(trail), recorder, policy={"dry_run": True}) as tool:
        trail.unlink()
        trail.mkdir()
        assert tool.call("list_segments", {})["ok"]

    assert recorder.told == ["started", "ended"]


# The environment


def test_the_environment_names_the_audit_file(monkeypatch: pytest.MonkeyPatch, trail: Path) -> None:
    monkeypatch.setenv("CUSTOMERIO_AUDIT_FILE", f" {trail} ")
    with CustomerIoTool(SAVED, policy={"dry_run": True}) as tool:
        tool.call("list_segments", {})

    assert [line["outcome"] for line in lines_of(trail)] == ["dry_run"]


@pytest.mark.parametrize("path", ["", "  "])
def test_without_an_audit_file_the_log_alone_is_told(path: str) -> None:
    watchers = telemetry_from_env({"CUSTOMERIO_AUDIT_FILE": path})

    assert [type(watcher) for watcher in watchers] == [LogTelemetry]


@pytest.mark.parametrize("name", ["missing/audit.jsonl", ".", "nul\0"])
def test_an_audit_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        telemetry_from_env({"CUSTOMERIO_AUDIT_FILE": str(tmp_path / name)})

    assert [problem.path for problem in caught.value.fields] == ["CUSTOMERIO_AUDIT_FILE"]
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_whole_tool_can_be_made_as_the_environment_says(trail: Path) -> None:
    environ = {
        **{f"CUSTOMERIO_{key.upper()}": value for key, value in SAVED.items()},
        "CUSTOMERIO_POLICY": "read_only",
        "CUSTOMERIO_DRY_RUN": "true",
        "CUSTOMERIO_LEDGER_FILE": str(trail.with_name("ledger.db")),
        "CUSTOMERIO_AUDIT_FILE": str(trail),
    }
    with CustomerIoTool.from_env(environ) as tool:
        assert tool.call("list_segments", {})["ok"]
        assert tool.call("identify_customer", ADA)["error"]["code"] == "policy_refused"

    assert [line["outcome"] for line in lines_of(trail)] == ["dry_run", "policy_refused"]


def test_the_ledger_of_the_environment_is_that_of_the_tool(
    net: responses.RequestsMock, tmp_path: Path
) -> None:
    net.post(f"{APP}/v1/send/email", json={"delivery_id": "d1"})
    ledger = tmp_path / "ledger.db"
    environ = {f"CUSTOMERIO_{key.upper()}": value for key, value in SAVED.items()}
    outcomes = []
    for _ in range(2):
        with CustomerIoTool.from_env({**environ, "CUSTOMERIO_LEDGER_FILE": str(ledger)}) as tool:
            outcomes.append(tool.call("send_transactional_email", EMAIL)["outcome"])

    assert outcomes == ["accepted", "already_sent"]
    assert len(net.calls) == 1


@pytest.mark.parametrize(
    "wrong", [{"CUSTOMERIO_READ_ONLY": "perhaps"}, {"CUSTOMERIO_APP_API_KEY": ""}]
)
def test_a_variable_that_is_wrong_is_named_before_anything_else(
    wrong: dict[str, str], trail: Path
) -> None:
    environ = {f"CUSTOMERIO_{key.upper()}": value for key, value in SAVED.items()}

    with pytest.raises(ConnectionInvalid) as caught:
        CustomerIoTool.from_env({**environ, **wrong, "CUSTOMERIO_AUDIT_FILE": str(trail)})

    assert [problem.path for problem in caught.value.fields] == list(wrong)
    assert not trail.exists()
