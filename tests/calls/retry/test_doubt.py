"""What may have been applied is looked for, never sent twice, and told as in doubt."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import requests
import responses

from customerio_tool import CallContext
from customerio_tool.sandbox import Sandbox
from tests.support.clients import US
from tests.support.retries import (
    BROADCAST_CALL,
    CREATE_CALL,
    LIST_CALL,
    LOST,
    MAIL_CALL,
    NOW,
    PERSON_CALL,
    Call,
    SkippingClock,
    Tries,
    tool_on,
)

LOGIN_URL = f"{US}/api/v1/customers/u1"
UNTRUSTED = requests.exceptions.SSLError(ssl.SSLCertVerificationError("not trusted"))


def operations(sandbox: Sandbox) -> list[str]:
    return [one["operation"] for one in sandbox.requests()]


# A segment


def test_a_segment_that_an_attempt_without_an_answer_made_is_found_and_not_claimed(
    local: Call, sandbox: Sandbox
) -> None:
    sandbox.fault(operation="create_segment", action=LOST)
    result = local(CREATE_CALL)
    assert (result["error"]["code"], result["error"]["next_step"]) == (
        "outcome_unknown",
        "look_first",
    )
    assert result["possibly"] == (
        "There is segment 4 of this name, created at 2026-11-23T12:00:00Z, possibly by this call."
    )
    assert operations(sandbox) == ["create_segment", "list_segments"]


def test_an_older_segment_of_the_same_name_is_not_taken_for_the_new_one(
    local: Call, sandbox: Sandbox
) -> None:
    with_name = {"segments": [{"name": "Launch"}]}
    sandbox.clock.set(NOW - 86_400)
    sandbox.seed(with_name)
    sandbox.clock.set(NOW)
    sandbox.fault(operation="create_segment", action="reset_before_applying", times=1)
    assert local(CREATE_CALL)["segment_id"] == 5
    assert operations(sandbox) == ["create_segment", "list_segments", "create_segment"]


@pytest.mark.parametrize("broken", [{"status": 500}, {"action": "malformed_json"}], ids=str)
def test_a_segment_that_cannot_be_looked_for_is_not_created_again(
    local: Call, sandbox: Sandbox, broken: dict[str, Any]
) -> None:
    sandbox.fault(operation="create_segment", action=LOST)
    sandbox.fault(operation="list_segments", **broken)
    error = local(CREATE_CALL)["error"]
    assert (error["code"], error["look"]["subtool"]) == ("outcome_unknown", "list_segments")
    assert operations(sandbox).count("create_segment") == 1


def test_the_repeat_of_a_create_waits_as_it_is_asked_to(
    local: Call, sandbox: Sandbox, clock: SkippingClock
) -> None:
    sandbox.fault(operation="create_segment", status=503, retry_after=5, times=1)
    assert local(CREATE_CALL)["segment_id"] == 4
    assert clock.monotonic() >= 5


@pytest.mark.parametrize("status", [422, 429, 401])
def test_a_repeated_create_that_is_refused_leaves_the_first_in_doubt(
    local: Call, sandbox: Sandbox, status: int
) -> None:
    sandbox.fault(operation="create_segment", action="reset_before_applying", times=1)
    sandbox.fault(operation="create_segment", status=status, retry_after=600)
    result = local(CREATE_CALL)
    error = result["error"]
    assert (error["took_effect"], error["next_step"]) == ("unknown", "look_first")
    assert error["look"]["subtool"] == "list_segments"
    assert "An earlier attempt of this call may have been applied" in result["summary"]


# A broadcast


@pytest.mark.parametrize("fault", [{"action": LOST}, {"status": 502, "apply": True}], ids=str)
def test_a_broadcast_in_doubt_is_not_sent_again_and_its_possible_trigger_is_told(
    local: Call, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    sandbox.fault(operation="trigger_broadcast", **fault)
    result = local(BROADCAST_CALL)
    assert (result["error"]["code"], result["error"]["next_step"]) == (
        "outcome_unknown",
        "look_first",
    )
    assert result["possibly"].startswith("Trigger 2 started at 2026-11-23T12:00:00")
    assert operations(sandbox).count("trigger_broadcast") == 1
    assert len(sandbox.state()["triggers"]) == 2


@pytest.mark.parametrize(
    ("call", "fault", "reading"),
    [
        (CREATE_CALL, {"operation": "create_segment", "status": 503}, "list_segments"),
        (BROADCAST_CALL, {"operation": "trigger_broadcast", "action": LOST}, "list_triggers"),
    ],
    ids=["a segment", "a broadcast"],
)
def test_a_look_that_is_nested_too_deeply_leaves_the_call_in_doubt(
    local: Call, sandbox: Sandbox, call: Any, fault: dict[str, Any], reading: str
) -> None:
    deep = f'{{"segments": {"[" * 150}{"]" * 150}, "triggers": {"[" * 150}{"]" * 150}}}'
    sandbox.fault(**fault)
    sandbox.fault(operation=reading, body=deep)
    assert local(call)["error"]["code"] == "outcome_unknown"


def test_a_message_that_is_answered_with_where_to_see_it_is_in_doubt(
    local: Call, sandbox: Sandbox
) -> None:
    sandbox.fault(operation="send_email", status=303)
    assert [local(MAIL_CALL)["error"]["code"] for _ in range(2)] == ["outcome_unknown"] * 2
    assert operations(sandbox) == ["send_email"]


def test_a_broadcast_that_left_no_trace_stays_in_doubt(local: Call, sandbox: Sandbox) -> None:
    sandbox.fault(operation="trigger_broadcast", action="reset_before_applying")
    result = local(BROADCAST_CALL)
    assert result["error"]["code"] == "outcome_unknown"
    assert "possibly" not in result


# What the host says of a call, and is told


@pytest.mark.parametrize(
    ("fault", "took_effect"),
    [({"status": 429}, "no"), ({"status": 500}, "unknown"), ({"action": LOST}, "unknown")],
    ids=str,
)
def test_a_cancelled_call_is_not_repeated(
    local: Call, sandbox: Sandbox, tries: Tries, fault: dict[str, Any], took_effect: str
) -> None:
    sandbox.fault(**fault)
    # An attempt is told of when its answer was read; cancelled before, any would be in doubt.
    result = local(PERSON_CALL, cancelled=lambda: bool(tries.made))
    assert (result["error"]["code"], result["error"]["took_effect"]) == ("cancelled", took_effect)
    assert len(sandbox.requests()) == 1


@pytest.mark.parametrize(
    ("failure", "next_step"),
    [(requests.ConnectTimeout(), "wait"), (UNTRUSTED, "ask_user")],
    ids=["silence", "a certificate"],
)
def test_where_no_connection_was_made_the_next_step_is_what_mends_it(
    vendor: Call, net: responses.RequestsMock, failure: Exception, next_step: str
) -> None:
    net.put(LOGIN_URL, body=failure)
    error = vendor(PERSON_CALL)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert error["next_step"] == next_step


@pytest.mark.parametrize("ask", [1, 2, 3, 4, 5])
def test_a_call_that_is_cancelled_anywhere_after_a_lost_answer_is_in_doubt(
    clock: SkippingClock, tries: Tries, ask: int
) -> None:
    asks: list[bool] = []

    def cancelled() -> bool:
        asks.extend([True] if tries.made else [])
        return len(asks) >= ask

    # On one of its own: the request that the call gave up may arrive when the call has ended.
    with Sandbox() as sandbox, tool_on(clock, sandbox.connection(), tries) as tool:
        sandbox.fault(action=LOST)
        result = tool.call(*PERSON_CALL, context=CallContext(cancelled=cancelled))
    assert result["error"]["took_effect"] == "unknown"


@pytest.mark.parametrize("call", [PERSON_CALL, MAIL_CALL, LIST_CALL])
def test_a_call_that_was_cancelled_while_it_waited_sends_nothing(
    local: Call, sandbox: Sandbox, call: Any
) -> None:
    error = local(call, cancelled=lambda: True)["error"]
    assert (error["code"], error["took_effect"]) == ("cancelled", "no")
    assert sandbox.requests() == []


def test_a_call_that_is_cancelled_while_it_waits_for_its_slot_sends_nothing(
    local: Call, sandbox: Sandbox, clock: SkippingClock
) -> None:
    for _ in range(2):
        local(LIST_CALL)
    began, sent = clock.monotonic(), len(sandbox.requests())
    local(LIST_CALL, cancelled=lambda: clock.monotonic() > began)
    assert clock.monotonic() > began
    assert len(sandbox.requests()) == sent


def test_a_create_that_is_cancelled_after_a_lost_answer_stays_in_doubt(
    local: Call, sandbox: Sandbox
) -> None:
    sandbox.fault(operation="create_segment", action="reset_before_applying")
    error = local(CREATE_CALL, cancelled=lambda: len(sandbox.requests()) == 2)["error"]
    assert (error["code"], error["took_effect"]) == ("cancelled", "unknown")
    assert error["look"]["subtool"] == "list_segments"
    assert operations(sandbox) == ["create_segment", "list_segments"]


def test_a_repeat_is_told_before_its_wait_without_a_word_of_the_person(
    local: Call, sandbox: Sandbox
) -> None:
    told: list[str] = []
    sandbox.fault(status=503, retry_after=2, times=1)
    assert local(PERSON_CALL, on_progress=told.append)["ok"]
    assert told == ["Trying again in 2.0 s: 5xx or 408: may have been applied."]


def test_a_host_that_cannot_be_told_of_progress_changes_nothing(
    local: Call, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_sentence: str) -> None:
        raise RuntimeError("ada@example.com")

    sandbox.fault(operation="send_email", status=429, times=1)
    assert local(MAIL_CALL, on_progress=broken)["outcome"] == "accepted"
    assert "on_progress raised RuntimeError" in caplog.text
    assert "ada" not in caplog.text


def test_a_host_that_cannot_be_asked_ends_the_call_before_anything_is_sent(
    local: Call, sandbox: Sandbox
) -> None:
    def broken() -> bool:
        raise RuntimeError

    error = local(MAIL_CALL, cancelled=broken)["error"]
    assert (error["code"], error["took_effect"]) == ("cancelled", "no")
    assert sandbox.requests() == []
    assert local(MAIL_CALL)["outcome"] == "accepted"


def test_the_attempts_of_a_call_are_told_apart_from_those_of_its_look(
    local: Call, sandbox: Sandbox, tries: Tries
) -> None:
    sandbox.fault(operation="create_segment", action=LOST)
    local(CREATE_CALL)
    assert tries.made == [("POST", "/v1/segments"), ("GET", "/v1/segments")]
