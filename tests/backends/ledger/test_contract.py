"""What the ledger promises to whoever calls a send, on each of the stores."""

from __future__ import annotations

import pytest

from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.calls.message_keys import DAY
from customerio_tool.errors import (
    ArgumentsInvalid,
    OutcomeUnknown,
    RateLimited,
    RequestRejected,
    SendInProgress,
    Unreachable,
)
from customerio_tool.subtools.transactional import send_transactional_push
from tests.support.ledger_calls import EMAIL, SECONDS, START, Clock, Loseable, Sender

MINUTE = 60.0
PUSH = {"customer_id": "u1", "transactional_message_id": "1"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(ledger: Ledger, clock: Clock) -> Sender:
    return Sender(ledger, clock)


def test_a_repeat_sends_nothing_and_tells_of_the_first(sender: Sender, clock: Clock) -> None:
    first = sender.call()
    clock.now += 5 * MINUTE
    again = sender.call()
    assert sender.sent == 1
    assert again == {
        "ok": True,
        "summary": "Nothing was sent now: Customer.io accepted the same call of "
        "2025-11-23T12:13:20Z.",
        "outcome": "already_sent",
        "first_sent_at": "2025-11-23T12:13:20Z",
        "delivery_id": first["delivery_id"],
        "verify": first["verify"],
    }


def test_the_same_message_in_two_runs_is_two_messages(sender: Sender) -> None:
    sender.call(run_id="monday")
    assert sender.call(run_id="tuesday")["outcome"] == "accepted"
    assert sender.sent == 2


def test_the_same_message_in_one_run_is_one_for_a_day(sender: Sender, clock: Clock) -> None:
    sender.call(run_id="monday")
    clock.now = START + DAY - 1
    assert sender.call(run_id="monday")["outcome"] == "already_sent"
    clock.now = START + DAY
    assert sender.call(run_id="monday")["outcome"] == "accepted"


def test_a_second_send_is_remembered_beyond_the_end_of_the_first(
    sender: Sender, clock: Clock
) -> None:
    for seconds in (0, DAY):
        clock.now = START + seconds
        assert sender.call(run_id="monday")["outcome"] == "accepted"
    for seconds in (DAY + SECONDS, 2 * DAY - 1):
        clock.now = START + seconds
        assert sender.call(run_id="monday")["outcome"] == "already_sent"


@pytest.mark.parametrize("run_id", [None, ""])
def test_without_a_run_a_message_is_one_for_ten_minutes(
    sender: Sender, clock: Clock, run_id: str | None
) -> None:
    sender.call(run_id=run_id)
    clock.now = START + 10 * MINUTE - 1
    assert sender.call(run_id=run_id)["outcome"] == "already_sent"
    clock.now = START + 10 * MINUTE
    assert sender.call(run_id=run_id)["outcome"] == "accepted"


def test_the_window_counts_from_the_first_send_and_not_from_its_repeats(
    sender: Sender, clock: Clock
) -> None:
    for _ in range(11):
        sender.call()
        clock.now += MINUTE
    assert sender.sent == 2


def test_an_explicit_key_is_one_message_for_seven_days_in_whatever_run(
    sender: Sender, clock: Clock
) -> None:
    sender.call(idempotency_key="invoice-17", run_id="monday")
    clock.now = START + DAY
    assert sender.call(idempotency_key="invoice-17", run_id="tuesday")["outcome"] == "already_sent"
    clock.now = START + 7 * DAY - 1
    assert sender.call(idempotency_key="invoice-17")["outcome"] == "already_sent"
    clock.now = START + 7 * DAY
    assert sender.call(idempotency_key="invoice-17")["outcome"] == "accepted"


def test_a_new_key_sends_the_same_message_again_on_purpose(sender: Sender) -> None:
    for key in (None, "a", "b"):
        assert sender.call(idempotency_key=key)["outcome"] == "accepted"


def test_a_key_used_for_another_message_is_refused_by_name(sender: Sender) -> None:
    sender.call(idempotency_key="invoice-17")
    with pytest.raises(ArgumentsInvalid) as caught:
        sender.call(idempotency_key="invoice-17", subject="Reminder")
    assert [problem.path for problem in caught.value.fields] == ["idempotency_key"]
    assert caught.value.took_effect == "no"
    assert "ask the user" in caught.value.summary
    assert sender.sent == 1


def test_one_key_may_name_an_email_and_a_push(sender: Sender) -> None:
    sender.call(idempotency_key="order-17")
    sender.call(send_transactional_push, arguments=PUSH, idempotency_key="order-17")
    assert sender.sent == 2


def test_workspaces_do_not_share_keys(sender: Sender) -> None:
    sender.call(idempotency_key="order-17", workspace="production")
    sender.call(idempotency_key="order-17", workspace="staging")
    assert sender.sent == 2


def test_the_order_of_members_makes_no_other_message(sender: Sender) -> None:
    sender.call()
    data = dict(reversed(EMAIL["message_data"].items()))
    assert sender.call(message_data=data)["outcome"] == "already_sent"


def test_a_message_with_an_unreadable_delivery_id_is_told_again_as_such(sender: Sender) -> None:
    assert sender.call(payload={})["delivery_id"] is None
    assert sender.call()["delivery_id"] is None
    assert sender.sent == 1


def test_a_lost_answer_is_not_sent_again_but_looked_for_since_the_first_call(
    sender: Sender, clock: Clock
) -> None:
    sender.failure = OutcomeUnknown("Customer.io did not answer in time.")
    with pytest.raises(OutcomeUnknown):
        sender.call()
    clock.now += 30 * MINUTE
    with pytest.raises(OutcomeUnknown) as caught:
        sender.call()
    told = caught.value.as_result()
    assert sender.sent == 1
    assert told["summary"].startswith(
        "Nothing was sent now: the same call began at 2025-11-23T12:13"
    )
    assert told["error"]["next_step"] == "look_first"
    assert told["error"]["took_effect"] == "unknown"
    assert told["error"]["look"]["arguments"]["start_time"] <= "2025-11-23T12:13:20Z"
    assert told["error"]["look"]["arguments"]["type"] == "email"


@pytest.mark.parametrize(("key", "seconds"), [(None, DAY), ("invoice-17", 7 * DAY)])
def test_an_unknown_outcome_is_kept_for_a_day_or_as_long_as_its_key(
    sender: Sender, clock: Clock, key: str | None, seconds: float
) -> None:
    sender.failure = OutcomeUnknown("Customer.io did not answer in time.")
    with pytest.raises(OutcomeUnknown):
        sender.call(idempotency_key=key)
    sender.failure = None
    clock.now = START + seconds - 1
    with pytest.raises(OutcomeUnknown):
        sender.call(idempotency_key=key)
    clock.now = START + seconds
    assert sender.call(idempotency_key=key)["outcome"] == "accepted"


@pytest.mark.parametrize(
    "failure",
    [
        KeyError("a bug after the answer"),
        KeyboardInterrupt(),
        RequestRejected("Refused, after an attempt in doubt.", took_effect="unknown"),
    ],
)
def test_whatever_else_ends_a_send_leaves_it_unknown(
    sender: Sender, failure: BaseException
) -> None:
    sender.failure = failure
    with pytest.raises(type(failure)):
        sender.call()
    with pytest.raises(OutcomeUnknown):
        sender.call()
    assert sender.sent == 1


@pytest.mark.parametrize("error", [RequestRejected, RateLimited, Unreachable])
def test_what_was_certainly_not_sent_may_be_sent(
    sender: Sender, error: type[RequestRejected | Unreachable]
) -> None:
    sender.failure = error("It was not accepted.")
    with pytest.raises(error):
        sender.call(idempotency_key="invoice-17")
    sender.failure = None
    told = sender.call(idempotency_key="invoice-17", subject="Corrected")
    assert told["outcome"] == "accepted"


def test_a_message_being_sent_by_another_call_is_waited_for(
    sender: Sender, ledger: Ledger, clock: Clock
) -> None:
    other = Sender(ledger, clock)
    told = []

    def repeat() -> None:
        clock.now += 3
        with pytest.raises(SendInProgress) as caught:
            other.call()
        told.append(caught.value.as_result()["error"])

    sender.meanwhile = repeat
    sender.call()
    assert told == [
        {
            "code": "send_in_progress",
            "next_step": "wait",
            "took_effect": "unknown",
            "retry_after_seconds": SECONDS - 3,
        }
    ]
    assert other.call()["outcome"] == "already_sent"
    assert other.sent == 0


def test_a_call_that_never_ended_becomes_unknown_at_its_deadline_and_is_kept_a_day(
    ledger: Ledger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    loseable = Loseable(ledger)
    sender = Sender(loseable, clock)
    sender.meanwhile = lambda: setattr(loseable, "lost", True)
    assert sender.call()["outcome"] == "accepted"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    loseable.lost = False
    clock.now = START + SECONDS - 1
    with pytest.raises(SendInProgress):
        sender.call()
    for now in (START + SECONDS, START + SECONDS + DAY - 1):
        clock.now = now
        with pytest.raises(OutcomeUnknown):
            sender.call()
    assert sender.sent == 1
    clock.now = START + SECONDS + DAY
    assert sender.call()["outcome"] == "accepted"
