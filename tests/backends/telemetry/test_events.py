"""Watchers are told of every call: which, for whom by hash, how it ended; never what was in it."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any, NoReturn

import pytest
import responses

from customerio_tool import CallContext, Connection
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.calls.watch import keyed_hash
from customerio_tool.policy import Policy
from tests.support.clients import APP_US, EMAIL, SAVED_US, US
from tests.support.telemetry import ADA, NOW, PERSON, Recorder, made


class Broken:
    """Fails whatever it is told, with a text that nobody may see."""

    def started(self, call: CallStart) -> None:
        raise RuntimeError("secret words")

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        raise RuntimeError("secret words")

    def ended(self, call: CallStart, end: CallEnd) -> None:
        raise RuntimeError("secret words")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


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
        ("PUT", "/api/v1/customers/{customer_id}", US)
    }
    assert (end.outcome, end.ok, end.attempts) == ("accepted", True, 2)
    assert end.seconds >= sum(attempt.seconds for attempt in recorder.attempts)


def test_the_person_is_told_as_a_hash_that_only_the_holder_of_the_keys_can_make(
    net: responses.RequestsMock, recorder: Recorder
) -> None:
    net.put(PERSON, json={})
    for saved in (SAVED_US, {**SAVED_US, "track_api_key": "another-key"}):
        with made(recorder, saved=saved) as tool:
            tool.call("identify_customer", ADA)

    first, other = (call.person for call in recorder.calls)
    key = Connection.load(SAVED_US).digest.encode()
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
    net.get(f"{APP_US}/v1/segments/7", status=404)

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
        ({"confirm": "human"}, "send_transactional_email", EMAIL, "confirmation_required"),
        ({"confirm": "repeat"}, "send_transactional_email", EMAIL, "confirmation_required"),
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


def test_a_call_that_a_person_decided_is_told_once_more(
    net: responses.RequestsMock, recorder: Recorder
) -> None:
    net.delete(f"{US}/api/v1/customers/u1")
    with made(recorder, policy=Policy(confirm="human")) as tool:
        ids = [
            tool.call("delete_customer", {"customer_id": person})["confirmation_id"]
            for person in ("u1", "u2")
        ]
        tool.approve(ids[0])
        tool.decline(ids[1])

    assert [end.outcome for end in recorder.ends[2:]] == ["accepted", "policy_refused"]
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

    net.add_callback(responses.GET, f"{APP_US}/v1/segments/7", callback=stop)

    with made(recorder) as tool, pytest.raises(KeyboardInterrupt):
        tool.call("get_segment", {"segment_id": 7})

    assert [end.outcome for end in recorder.ends] == ["interrupted"]


# A watcher that fails


def test_a_watcher_that_raises_changes_nothing_and_is_named_without_its_words(
    net: responses.RequestsMock, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7, "name": "Beta"}})
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
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7, "name": "Beta"}})
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
        f"print(CustomerIoTool({SAVED_US!r}).call('get_segment', {{}})['error']['code'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("arguments_invalid\n", "")
