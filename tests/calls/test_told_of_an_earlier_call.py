"""What a call is told, word for word, whose message an earlier call sent or may have sent."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.message_keys import DAY, explicit_key
from customerio_tool.errors import ArgumentsInvalid, CustomerIoError
from customerio_tool.subtools import find
from tests.support.ledger_calls import START, Clock, NotingLedger, Sender
from tests.support.whole import LOOK_FOR_MAIL

MAIL = "send_transactional_email"
IN_DOUBT = {
    "code": "outcome_unknown",
    "next_step": "look_first",
    "took_effect": "unknown",
    "look": LOOK_FOR_MAIL,
}
TELL = "Make the call in `look`, and tell the user what it shows."
ASKS = {"code": "confirmation_required", "next_step": "ask_user", "took_effect": "no"}
APPROVAL = (
    "No argument changes that: this call waits for a person's approval, which only the application "
    "that runs this agent can pass on. "
)


def lose(sender: Sender, **how: Any) -> None:
    """Make a call whose outcome is unknown, and let five seconds pass."""
    sender.lose(run_id="r", **how)
    sender.clock.now += 5


def told(sender: Sender, **how: Any) -> dict[str, Any]:
    """Return the envelope of a call."""
    try:
        return sender.call(run_id="r", **how)
    except CustomerIoError as error:
        return error.as_result()


def test_a_repeat_of_what_was_sent_is_told_when_and_how_to_see_it(sender: Sender) -> None:
    payload = {"delivery_id": "d1", "queued_at": 1_763_900_000, "colour": "blue"}
    sender.call(run_id="r", payload=payload)
    sender.clock.now += DAY - 1
    assert told(sender) == {
        "ok": True,
        "summary": "Nothing was sent now: Customer.io accepted the same call of "
        "2025-11-23T12:13:20Z.",
        "outcome": "already_sent",
        "first_sent_at": "2025-11-23T12:13:20Z",
        "delivery_id": "d1",
        "queued_at": "2025-11-23T12:13:20Z",
        "verify": LOOK_FOR_MAIL,
    }


def test_of_an_entry_that_another_program_wrote_only_what_a_result_may_have_is_told(
    ledger: NotingLedger, sender: Sender
) -> None:
    sender.call(run_id="r")
    _, key, entry, _ = ledger.done[-1]
    facts = {"delivery_id": "d\u202e" + "x" * 100_000, "queued_at": 7, "outcome": "accepted"}
    ledger.settle(key, replace(entry, facts=facts), START)
    result = told(sender)
    assert (result["outcome"], "queued_at" in result) == ("already_sent", False)
    assert result["delivery_id"].startswith("dxxx")
    assert len(result["delivery_id"]) < 10_000


def test_a_repeat_of_what_is_in_doubt_is_told_since_when_and_to_look(sender: Sender) -> None:
    lose(sender)
    assert told(sender) == {
        "ok": False,
        "summary": "Nothing was sent now: the same call began at 2025-11-23T12:13:20Z and got no "
        f"usable answer, so that it may have happened. {TELL}",
        "error": IN_DOUBT,
    }


def test_a_new_key_of_what_is_in_doubt_waits_for_a_person(sender: Sender) -> None:
    lose(sender)
    asked = told(sender, idempotency_key="k")
    assert asked == {
        "ok": False,
        "summary": "Nothing was sent yet: the same message began at 2025-11-23T12:13:20Z and got "
        f"no usable answer, so that it may have gone. {APPROVAL}{TELL}",
        "confirmation_id": "1-0000000000000000",
        "error": {**ASKS, "look": LOOK_FOR_MAIL},
    }
    sender.is_spent = True
    assert told(sender, idempotency_key="k")["error"] == IN_DOUBT


def test_a_key_whose_message_is_in_doubt_waits_for_nobody(sender: Sender) -> None:
    lose(sender, idempotency_key="k")
    assert told(sender, idempotency_key="k")["error"] == IN_DOUBT
    sender.sends_again = True
    assert told(sender, idempotency_key="k")["outcome"] == "accepted"


def test_another_message_to_somebody_in_doubt_waits_for_a_person(sender: Sender) -> None:
    lose(sender)
    arguments = {n: v for n, v in LOOK_FOR_MAIL["arguments"].items() if n != "type"}
    assert told(sender, subject="another") == {
        "ok": False,
        "summary": "Nothing was sent yet: another message to the same recipient began at "
        "2025-11-23T12:13:20Z and got no usable answer, so that it may have gone. "
        f"{APPROVAL}{TELL}",
        "confirmation_id": "1-0000000000000000",
        "error": {**ASKS, "look": {**LOOK_FOR_MAIL, "arguments": arguments}},
    }
    sender.is_spent = True
    assert told(sender, subject="another")["outcome"] == "accepted", "`send` itself would refuse it"


def test_a_key_of_another_message_is_refused_and_the_fix_is_told(sender: Sender) -> None:
    sender.call(run_id="r", idempotency_key="k")
    fix = "repeat that one's arguments, or ask the user whether this one is to go as well"
    assert told(sender, idempotency_key="k", subject="another") == {
        "ok": False,
        "summary": "Nothing was sent. idempotency_key was used for another message; " + fix + ".",
        "error": {
            "code": ArgumentsInvalid.code,
            "next_step": "fix_arguments",
            "took_effect": "no",
            "fields": [{"path": "idempotency_key", "fix": fix}],
        },
    }


@pytest.mark.parametrize(("later", "wait"), [(3.24949, 16.751), (0.0, 20.0), (-50.0, 20.0)])
def test_a_message_that_is_under_way_is_told_with_the_longest_wait(
    sender: Sender, later: float, wait: float
) -> None:
    results: list[dict[str, Any]] = []

    def repeat() -> None:
        sender.clock.now += later
        results.append(told(sender))

    sender.meanwhile = repeat
    told(sender)
    assert results == [
        {
            "ok": False,
            "summary": "Nothing was sent by this call: the same message is being sent by another "
            "call. Wait, then repeat this call to learn how that ended.",
            "error": {
                "code": "send_in_progress",
                "next_step": "wait",
                "took_effect": "unknown",
                "retry_after_seconds": wait,
            },
        }
    ]


def test_a_call_that_should_have_ended_is_in_doubt(sender: Sender) -> None:
    results: list[dict[str, Any]] = []

    def repeat() -> None:
        sender.clock.now += 20
        results.append(told(sender))

    sender.meanwhile = repeat
    told(sender)
    assert [result["error"] for result in results] == [IN_DOUBT]


def test_a_key_that_another_version_of_the_tool_took_is_in_doubt(
    ledger: NotingLedger, sender: Sender
) -> None:
    sender.call(run_id="r")
    entry = ledger.done[-1][2]
    key = explicit_key(MAIL, "w", "k")
    ledger.settle(key, replace(entry, fingerprint="1:abc", started_at=START), START)
    assert told(sender, idempotency_key="k") == {
        "ok": False,
        "summary": "Nothing was sent now: a call with this key began at 2025-11-23T12:13:20Z "
        f"under another version of this tool, so that it may have sent the same message. {TELL}",
        "error": IN_DOUBT,
    }


@pytest.mark.parametrize(
    ("state", "spoils", "later", "code"),
    [
        ("sent", True, 0, "ledger_unavailable"),
        ("unknown", True, 0, "ledger_unavailable"),
        ("sent", False, 0, ""),
        ("started", False, 19, "send_in_progress"),
        ("started", False, 20, "outcome_unknown"),
    ],
)
def test_the_entry_of_a_message_must_be_of_that_message(
    ledger: NotingLedger, sender: Sender, state: Any, spoils: bool, later: float, code: str
) -> None:
    sender.call(run_id="r")
    _, key, entry, _ = ledger.done[-1]
    other = "2:abc" if spoils else entry.fingerprint
    ledger.settle(key, replace(entry, state=state, fingerprint=other), START)
    sender.clock.now += later
    assert told(sender).get("error", {"code": ""})["code"] == code
    assert sender.sent == 1


GOES_ON = "goes on although the ledger is lost: a repeat of it would send twice"
UNAVAILABLE = {
    "ok": False,
    "summary": "Nothing was sent: the ledger that keeps a message from going twice cannot be used.",
    "error": {"code": "ledger_unavailable", "next_step": "wait", "took_effect": "no"},
}


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6])
def test_a_ledger_that_is_lost_before_the_message_goes_refuses_it(
    ledger: NotingLedger, sender: Sender, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.lost_at = {at}
    assert told(sender, idempotency_key="k") == UNAVAILABLE
    assert (sender.sent, caplog.records) == (0, [])
    assert told(sender, idempotency_key="k")["outcome"] == "accepted", "it has left nothing behind"


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6])
def test_under_best_effort_it_goes_on_and_says_so(
    ledger: NotingLedger, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender(ledger, Clock(), best_effort=True)
    ledger.lost_at = {at}
    assert told(sender, idempotency_key="k")["outcome"] == "accepted"
    assert [(each.name, each.levelno, each.getMessage()) for each in caplog.records] == [
        (
            "customerio_tool.calls.send_once",
            logging.WARNING,
            f"{MAIL} {GOES_ON} (unplugged)",
        )
    ]
    assert told(sender, idempotency_key="k")["outcome"] == "already_sent"
    assert sender.sent == 1


@pytest.mark.parametrize("at", [7, 8])
def test_a_ledger_that_is_lost_after_the_message_went_leaves_it_as_begun(
    ledger: NotingLedger, sender: Sender, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.lost_at = {at}
    assert told(sender, idempotency_key="k")["outcome"] == "accepted"
    assert [each.getMessage() for each in caplog.records] == [
        "the ledger was lost before the end of a send was kept (unplugged)"
    ]
    sender.clock.now += 20
    assert told(sender, idempotency_key="k").get("outcome") == (None if at == 7 else "already_sent")
    assert sender.sent == 1


def test_a_push_is_looked_for_as_a_push() -> None:
    sender = Sender(MemoryLedger(), Clock())
    push = find("send_transactional_push")
    arguments = {"customer_id": "u1", "transactional_message_id": "3"}
    sender.failure = RuntimeError()
    with pytest.raises(RuntimeError):
        sender.call(push, arguments=arguments, run_id="r")
    with pytest.raises(CustomerIoError) as caught:
        sender.call(push, arguments=arguments, run_id="r")
    assert caught.value.look
    assert caught.value.look.arguments["type"] == "push"
