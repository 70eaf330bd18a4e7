"""What a send writes to the ledger, and when: at each moment its process may die."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.backends.ledger.entry import Entry
from customerio_tool.calls.message_keys import addressee_key, digest_of, explicit_key, message_key
from customerio_tool.errors import (
    ConfirmationRequired,
    RequestRejected,
    Unreachable,
)
from customerio_tool.subtools.declare import Invocation
from customerio_tool.subtools.transactional import send_transactional_email
from tests.support.ledger_calls import EMAIL, START, NotingLedger, Sender

WEEK, DAY, WINDOW, SECONDS = 604_800.0, 86_400.0, 600.0, 20.0
MAIL = "send_transactional_email"


AT = Invocation(now=START, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")


class Kept:
    """The keys and entries of the e-mail, where its call began at START.

    Args:
        run: The run of the call.
        ends: When the call must have ended, in Unix seconds.
    """

    def __init__(self, run: str | None = None, began: float = START) -> None:
        args = send_transactional_email.parse(EMAIL)
        assert send_transactional_email.identity
        identity = send_transactional_email.identity(args, AT)
        self.fingerprint = digest_of(MAIL, "w", identity)
        self.says = [
            digest_of("says", "w", each)
            for each in send_transactional_email.addressees_of(args, AT).says
        ]
        self.began, self.run = began, run
        self.key = explicit_key(MAIL, "w", "k")
        self.message = message_key(MAIL, "w", self.fingerprint, run)
        self.person = addressee_key("w", ("id", "u1"), run)
        self.address = addressee_key("w", ("email", "ada@example.com"), run)

    def entry(self, state: Any, lasts: float, **facts: Any) -> Entry:
        ends = self.began + SECONDS
        return Entry(state, self.fingerprint, self.began, ends, self.began + lasts, facts)

    def mark(self, state: Any, *, is_person: bool) -> Entry:
        return self.entry(
            state,
            SECONDS + (DAY if self.run else WINDOW),
            is_listed=True,
            channel="email",
            says=self.says,
            message=self.message,
            is_person=is_person,
        )

    def begun(self, keys: list[str], lasts: float, now: float = START) -> list[tuple[Any, ...]]:
        """Return what a send does before it goes: it looks at its keys, and takes them."""
        own = self.entry("started", SECONDS + lasts)
        return [
            *(("find", key, now) for key in keys),
            *(("claim", key, own, now) for key in keys),
            ("claim", self.person, self.mark("started", is_person=True), now),
            ("claim", self.address, self.mark("started", is_person=False), now),
        ]


def failed(sender: Sender, failure: BaseException, **how: Any) -> BaseException:
    """Return what a call raises whose send fails."""
    sender.failure = failure
    with pytest.raises(type(failure)) as caught:
        sender.call(**how)
    return caught.value


@pytest.mark.parametrize(("run", "lasts"), [("r", DAY), (None, WINDOW), ("", WINDOW)])
def test_a_message_is_begun_before_it_goes_and_sent_after(
    ledger: NotingLedger, sender: Sender, run: str | None, lasts: float
) -> None:
    kept, midway = Kept(run), list[Any]()
    sender.meanwhile = lambda: midway.extend(ledger.done)
    sender.call(run_id=run)
    sent = kept.entry("sent", lasts, delivery_id="delivery-1")
    assert midway == kept.begun([kept.message], DAY)
    assert ledger.done[len(midway) :] == [("settle", kept.message, sent, START)]


def test_a_key_of_the_caller_is_taken_first_and_kept_for_a_week(
    ledger: NotingLedger, sender: Sender
) -> None:
    kept = Kept("r")
    sender.call(run_id="r", idempotency_key="k")
    told = {"delivery_id": "delivery-1"}
    assert ledger.done == [
        *kept.begun([kept.key, kept.message], WEEK),
        ("settle", kept.key, kept.entry("sent", WEEK, **told), START),
        ("settle", kept.message, kept.entry("sent", DAY, **told), START),
    ]


@pytest.mark.parametrize(
    "failure", [Unreachable("No.", took_effect="unknown"), RuntimeError("x"), KeyboardInterrupt()]
)
def test_a_message_in_doubt_is_kept_as_unknown_with_all_to_whom_it_went(
    ledger: NotingLedger, sender: Sender, failure: BaseException
) -> None:
    kept = Kept("r")
    assert failed(sender, failure, run_id="r", idempotency_key="k") is failure
    begun = kept.begun([kept.key, kept.message], WEEK)
    assert ledger.done == [
        *begun,
        ("settle", kept.key, kept.entry("unknown", WEEK), START),
        ("settle", kept.message, kept.entry("unknown", DAY), START),
        ("find", kept.person, START),
        ("settle", kept.person, kept.mark("unknown", is_person=True), START),
        ("find", kept.address, START),
        ("settle", kept.address, kept.mark("unknown", is_person=False), START),
    ]


def test_a_message_that_was_refused_frees_its_keys_and_nothing_else(
    ledger: NotingLedger, sender: Sender
) -> None:
    kept = Kept("r")
    failed(sender, RequestRejected("No."), run_id="r", idempotency_key="k")
    assert ledger.done == [
        *kept.begun([kept.key, kept.message], WEEK),
        ("release", kept.key),
        ("release", kept.message),
    ]


def test_a_copy_under_a_new_key_replaces_the_entry_and_gives_it_back_if_it_is_refused(
    ledger: NotingLedger, sender: Sender
) -> None:
    sender.call(run_id="r")
    first = Kept("r").entry("sent", DAY, delivery_id="delivery-1")
    ledger.done.clear()
    sender.clock.now += 60
    now, kept = START + 60, Kept("r", START + 60)
    failed(sender, RequestRejected("No."), run_id="r", idempotency_key="k")
    begun = kept.begun([kept.key, kept.message], WEEK, now)
    own = kept.entry("started", SECONDS + WEEK)
    assert ledger.done == [
        *begun[:4],
        ("settle", kept.message, own, now),
        *(done for mark in begun[4:] for done in (mark, ("settle", *mark[1:]))),
        ("release", kept.key),
        ("settle", kept.message, first, now),
    ]


def test_a_copy_whose_entry_cannot_be_given_back_is_as_begun(
    ledger: NotingLedger, sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    sender.call(run_id="r")
    begun = len(ledger.done)
    ledger.lost_at = {begun + 11}
    failure = RequestRejected("No.")
    assert failed(sender, failure, run_id="r", idempotency_key="k") is failure
    assert ledger.done[begun + 10][0] == "settle"
    assert [each.getMessage() for each in caplog.records] == [
        "the ledger was lost before the end of a send was kept (unplugged)"
    ]


def test_another_message_to_the_same_people_looks_what_became_of_the_first(
    ledger: NotingLedger, sender: Sender
) -> None:
    sender.call(run_id="r")
    first, begun = Kept("r"), len(ledger.done)
    sender.call(run_id="r", subject="another")
    looks = [each for each in ledger.done[begun:] if each[:2] == ("find", first.message)]
    marks = [each for each in ledger.done[begun:] if each[1] in (first.person, first.address)]
    assert looks == [("find", first.message, START)] * 2
    assert [what for what, *_ in marks] == ["claim", "settle"] * 2
    assert marks[0][1:] == marks[1][1:]
    assert marks[2][1:] == marks[3][1:]


def test_a_doubt_about_somebody_that_meets_another_proves_nothing_any_more(
    ledger: NotingLedger, sender: Sender
) -> None:
    kept = Kept("r")
    failed(sender, RuntimeError("x"), run_id="r")
    sender.clock.now += 1
    sender.failure = None
    with pytest.raises(ConfirmationRequired):
        sender.call(run_id="r", subject="another")
    assert ledger.find(kept.person, START) == kept.mark("unknown", is_person=True)
    sender.sends_again = True
    failed(sender, RuntimeError("x"), run_id="r", subject="another")
    held = ledger.find(kept.person, START)
    assert held
    assert (held.state, held.started_at, held.facts) == ("unknown", START, {})
    assert (held.ends_at, held.expires_at) == (START + 1 + SECONDS, START + 1 + SECONDS + DAY)
