"""The marks that a send leaves on those to whom it goes, and what another send makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import Entry
from customerio_tool.calls.message_keys import addressee_key
from customerio_tool.errors import ConfirmationRequired, CustomerIoError
from customerio_tool.subtools import find
from tests.support.ledger_calls import START, NotingLedger, Sender

RUN = "r"
SETTLED = 20 + 600
OTHER: dict[str, Any] = {"subject": "another"}
BROADCAST = find("trigger_broadcast")


def key_of(kind: str, identifier: str) -> str:
    return addressee_key("w", (kind, identifier), RUN)


U1, ADA = key_of("id", "u1"), key_of("email", "ada@example.com")


def send(sender: Sender, **how: Any) -> str:
    """Return the outcome of a call, or the code of its error."""
    try:
        return str(sender.call(run_id=RUN, **how)["outcome"])
    except CustomerIoError as error:
        return error.code


def lose(sender: Sender, **how: Any) -> None:
    """Make a call whose outcome is unknown."""
    sender.lose(run_id=RUN, **how)


def mark(ledger: NotingLedger, key: str) -> Entry:
    held = ledger.find(key, START)
    assert held
    return held


def midway(sender: Sender, act: Callable[[], object]) -> None:
    """Do something once, in the middle of the next send."""

    def once() -> None:
        sender.meanwhile = bool
        act()

    sender.meanwhile = once


def test_a_copy_meets_doubts_and_leaves_none(ledger: NotingLedger, sender: Sender) -> None:
    bob = key_of("email", "bob@example.com")
    assert send(sender, cc="bob@example.com") == "accepted"
    assert [what for what, key, *_ in ledger.done if key == bob] == ["find"]
    lose(sender, to="bob@example.com", customer_id="u2")
    assert send(sender, bcc="bob@example.com", **OTHER) == "confirmation_required"
    assert send(sender, **OTHER) == "accepted"


@pytest.mark.parametrize("people", [15, 16, 17, 20])
def test_the_last_sixteen_of_many_are_marked_before_the_send(
    ledger: NotingLedger, sender: Sender, people: int
) -> None:
    names = [f"u{number}" for number in range(people)]
    arguments = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": names}
    lose(sender, subtool=BROADCAST, arguments=arguments)
    begun = {key for what, key, *_ in ledger.done if what == "claim"}
    assert [name for name in names if key_of("id", name) in begun] == names[-15:]
    assert key_of("broadcast", "30 to a list") in begun
    assert all(mark(ledger, key_of("id", name)).state == "unknown" for name in names)


@pytest.mark.parametrize(
    ("later", "outcome"), [(0, "accepted"), (19, "accepted"), (20, "confirmation_required")]
)
def test_a_message_that_is_under_way_is_a_doubt_once_it_should_have_ended(
    sender: Sender, later: float, outcome: str
) -> None:
    outcomes: list[str] = []

    def other() -> None:
        sender.clock.now += later
        outcomes.append(send(sender, **OTHER))

    midway(sender, other)
    send(sender)
    assert outcomes == [outcome]


def test_marks_that_were_not_ended_tell_of_the_message_that_was(
    ledger: NotingLedger, sender: Sender
) -> None:
    midway(sender, lambda: ledger.lost_at.update(range(len(ledger.done) + 2, 99)))
    lose(sender)
    ledger.lost_at.clear()
    assert mark(ledger, U1).state == "started"
    assert send(sender, **OTHER) == "confirmation_required"


@pytest.mark.parametrize("message", [None, 7, "x" * 64, "0" * 63])
def test_a_mark_that_names_no_message_is_a_doubt(
    ledger: NotingLedger, sender: Sender, message: Any
) -> None:
    send(sender)
    held = mark(ledger, U1)
    facts = {**held.facts, "message": message}
    ledger.settle(U1, replace(held, facts=facts), START)
    assert send(sender, **OTHER) == "confirmation_required"


@pytest.mark.parametrize(
    ("message", "outcome"), [("0" * 64, "accepted"), (None, "confirmation_required")]
)
def test_a_mark_of_a_message_that_the_ledger_does_not_have_is_none(
    ledger: NotingLedger, sender: Sender, message: str | None, outcome: str
) -> None:
    send(sender)
    held = mark(ledger, U1)
    facts = {**held.facts, **({"message": message} if message else {})}
    state: Any = "started" if message else "unknown"
    ledger.settle(U1, replace(held, state=state, facts=facts), START)
    assert send(sender, **OTHER) == outcome


def test_no_one_look_settles_two_messages_in_doubt(ledger: NotingLedger, sender: Sender) -> None:
    sender.clock.now += 1

    def other() -> None:
        sender.clock.now += 1
        lose(sender, **OTHER)
        sender.failure = RuntimeError()

    midway(sender, other)
    lose(sender)
    held = mark(ledger, U1)
    assert (held.state, held.started_at, held.facts) == ("unknown", START + 1, {})
    written = [entry for what, key, entry, *_ in settled(ledger) if key == U1]
    assert [each.facts for each in written] == [{}, {}]


def settled(ledger: NotingLedger) -> list[tuple[Any, ...]]:
    return [each for each in ledger.done if each[0] == "settle"]


@pytest.mark.parametrize("proven", ["u1", "u2"])
def test_one_doubt_that_is_disproved_leaves_the_other(sender: Sender, proven: str) -> None:
    push = find("send_transactional_push")
    for person in ("u1", "u2"):
        message = {"customer_id": person, "transactional_message_id": 3}
        lose(sender, subtool=push, arguments=message)
        sender.clock.now += 1
    sender.clock.now += SETTLED
    listed = {**LISTED, "type": "push", "customer_identifiers": {"id": "u1"}}

    def read(look: Any) -> dict[str, Any]:
        person = look.arguments["customer_id"]
        own = {**listed, "customer_identifiers": {"id": person}}
        return {"messages": [] if person == proven else [own]}

    sender.read = read
    both = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1", "u2"]}
    assert send(sender, subtool=BROADCAST, arguments=both) == "confirmation_required"
    sender.read = lambda _: {"messages": []}
    assert send(sender, subtool=BROADCAST, arguments=both) == "accepted"


def test_a_ledger_that_is_lost_as_a_doubt_is_disproved_lets_the_message_go(
    ledger: NotingLedger, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    def read(_: object) -> dict[str, Any]:
        ledger.lost_at = {len(ledger.done) + 1}
        return {"messages": []}

    lose(sender)
    sender.clock.now += SETTLED
    sender.read = read
    assert send(sender, **OTHER) == "accepted"
    assert len(caplog.records) == 1


def test_a_message_that_another_call_took_just_before_leaves_no_marks(
    ledger: NotingLedger, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[str] = []

    def late() -> None:
        ledger.done.clear()
        monkeypatch.setattr(ledger, "find", lambda *_: None)
        outcomes.append(send(sender))
        monkeypatch.undo()

    midway(sender, late)
    assert send(sender) == "accepted"
    assert outcomes == ["send_in_progress"]
    assert [what for what, key, *_ in ledger.done if key in (U1, ADA)] == []


def test_what_a_whole_list_proves_absent_is_a_doubt_no_more(
    ledger: NotingLedger, sender: Sender
) -> None:
    reads: list[Any] = []

    def nothing(look: Any) -> dict[str, Any]:
        reads.append(look)
        return {"messages": []}

    lose(sender)
    first = mark(ledger, U1)
    sender.clock.now += SETTLED
    sender.read = nothing
    assert send(sender, **OTHER) == "accepted"
    assert len(reads) == 1
    now = START + SETTLED
    for key, is_person in ((U1, True), (ADA, False)):
        held = mark(ledger, key)
        assert (held.state, held.started_at, held.facts["is_person"]) == ("started", now, is_person)
        assert held.facts["message"] != first.facts["message"]
    assert send(sender, subject="a third") == "accepted"
    assert len(reads) == 1


def test_who_is_not_marked_early_loses_a_doubt_that_was_disproved(
    ledger: NotingLedger, sender: Sender
) -> None:
    push = find("send_transactional_push")
    lose(sender, subtool=push, arguments={"customer_id": "u1", "transactional_message_id": 3})
    sender.clock.now += SETTLED
    sender.read = lambda _: {"messages": []}
    names = [f"u{number}" for number in range(1, 30)]
    many = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": names}
    assert send(sender, subtool=BROADCAST, arguments=many) == "accepted"
    assert ledger.find(U1, START) is None
    assert ("release", U1) in ledger.done


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), CustomerIoError("No.")])
def test_a_look_that_is_broken_off_leaves_the_message_free(
    ledger: NotingLedger, sender: Sender, failure: BaseException
) -> None:
    def fails(_: object) -> Any:
        raise failure

    lose(sender)
    sender.read = fails
    with pytest.raises(type(failure)):
        sender.call(run_id=RUN, **OTHER)
    sender.read = lambda _: None
    with pytest.raises(ConfirmationRequired):
        sender.call(run_id=RUN, **OTHER)
    assert sender.sent == 1


LISTED = {
    "id": "m",
    "type": "email",
    "created": int(START),
    "recipient": "ada@example.com",
    "customer_identifiers": {"id": "u1"},
}


def test_the_same_message_in_another_spelling_that_is_listed_is_told_as_sent(
    sender: Sender,
) -> None:
    lose(sender)
    sender.clock.now += 30
    sender.read = lambda _: {"messages": [LISTED]}
    assert sender.call(run_id=RUN, transactional_message_id="receipt") == {
        "ok": True,
        "summary": (
            "Nothing was sent now: a call of 2025-11-23T12:13:20Z for the same message got no "
            "usable answer, and Customer.io lists a message that is possibly of that call. Tell "
            "the user what the call in `verify` shows."
        ),
        "outcome": "already_sent",
        "first_sent_at": "2025-11-23T12:13:20Z",
        "possibly": "Message m of 2025-11-23T12:13:20Z is possibly of that call.",
        "verify": {
            "subtool": "list_messages",
            "arguments": {
                "customer_id": "u1",
                "start_time": "2025-11-23T12:08:20Z",
                "limit": 100,
            },
        },
    }
    assert sender.sent == 1


@pytest.mark.parametrize(
    ("listed", "how", "possibly"),
    [
        (LISTED, OTHER, True),
        ({**LISTED, "campaign_id": 3}, {"transactional_message_id": "receipt"}, True),
        ({**LISTED, "type": "push"}, {"transactional_message_id": "receipt"}, False),
    ],
)
def test_what_may_be_another_message_is_told_to_a_person(
    sender: Sender, listed: dict[str, Any], how: dict[str, Any], possibly: bool
) -> None:
    lose(sender)
    sender.read = lambda _: {"messages": [listed]}
    with pytest.raises(ConfirmationRequired) as caught:
        sender.call(run_id=RUN, **how)
    sentence = "Message m of 2025-11-23T12:13:20Z is possibly of that call."
    told = {"possibly": sentence} if possibly else {}
    assert caught.value.extra == {"confirmation_id": "1-0000000000000000", **told}
    sender.sends_again = True
    assert send(sender, **how) == "accepted"
