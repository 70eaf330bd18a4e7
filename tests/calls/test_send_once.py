"""What holds whatever the store: keys, what a lost ledger means, and what is told."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customerio_tool.backends.ledger.entry import Entry, LedgerLost
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.message_keys import (
    DAY,
    digest_of,
    explicit_key,
    lifetime,
    message_key,
)
from customerio_tool.errors import LedgerUnavailable, OutcomeUnknown, RequestRejected
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect, Subtool
from tests.support.ledger_calls import START, Clock, Loseable, Sender

SENDS = [subtool for subtool in subtools().values() if subtool.effect is Effect.SEND]
texts = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def identities(draw: st.DrawFn) -> dict[str, Any]:
    """Make all that a key may depend on, from few texts, so that they often meet."""
    few = st.sampled_from(["", "a", "b", "ab", '","', "run", "window", "\ud800"])
    named = dict.fromkeys(("operation", "workspace", "fingerprint"), few)
    optional = dict.fromkeys(("explicit", "run_id"), st.none() | few)
    return draw(st.fixed_dictionaries({**named, **optional}))


def key_of(identity: dict[str, Any]) -> str:
    place = identity["operation"], identity["workspace"]
    if identity["explicit"] is not None:
        return explicit_key(*place, identity["explicit"])
    return message_key(*place, identity["fingerprint"], identity["run_id"])


def meant(identity: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a key stands for: a blank run is none."""
    place = identity["operation"], identity["workspace"]
    if identity["explicit"] is not None:
        return (*place, "explicit", identity["explicit"])
    return (*place, "derived", identity["fingerprint"], identity["run_id"] or None)


@given(identities(), identities())
def test_two_keys_are_equal_exactly_when_they_mean_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (key_of(one) == key_of(other)) == (meant(one) == meant(other))


@given(identities())
def test_a_key_shows_nothing_of_what_it_is_made_from(identity: dict[str, Any]) -> None:
    assert re.fullmatch("[0-9a-f]{64}", key_of(identity))


def message(body: Any, path: str = "/v1/send/email") -> str:
    """Return the fingerprint of a message."""
    return digest_of("send", "w", ["POST", path, json.loads(json.dumps(body))])


@given(st.dictionaries(texts, json_values, max_size=4), st.randoms())
def test_a_fingerprint_does_not_depend_on_the_order_of_members(
    body: dict[str, Any], random: Any
) -> None:
    names = list(body)
    random.shuffle(names)
    assert message({name: body[name] for name in names}) == message(body)


def _typed(value: Any) -> Any:
    """Return JSON in which true is not 1, while 1 is 1.0 as JSON has it."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return {name: _typed(item) for name, item in value.items()}
    return [_typed(item) for item in value] if isinstance(value, list) else value


@given(json_values, json_values)
@example(1, True)
@example(1, 1.0)
@example([0.0], [-0.0])
@example(["a", "b"], ["b", "a"])
@example({"a": None}, {})
def test_messages_that_differ_on_the_wire_have_different_fingerprints(one: Any, other: Any) -> None:
    same = _typed(one) == _typed(other)
    assert (message(one) == message(other)) == same


def test_the_path_and_the_subtool_belong_to_the_message() -> None:
    assert message({}, "/v1/campaigns/1/triggers") != message({}, "/v1/campaigns/2/triggers")
    assert digest_of("a", "w", {}) != digest_of("b", "w", {})
    assert digest_of("a", "w", {}) != digest_of("a", "v", {})


def test_lifetimes_are_those_that_were_agreed() -> None:
    def hours(state: Any, explicit: str | None, run_id: str | None) -> float:
        return lifetime(state, is_explicit=explicit is not None, run_id=run_id) / 3600

    assert [hours("sent", "k", None), hours("unknown", "k", "r")] == [168, 168]
    assert [hours("sent", None, "r"), hours("unknown", None, "r")] == [24, 24]
    assert [hours("sent", None, None), hours("unknown", None, None)] == [1 / 6, 24]


@pytest.mark.parametrize("subtool", SENDS, ids=lambda subtool: subtool.name)
def test_every_send_declares_what_a_repeat_tells(subtool: Subtool[Any]) -> None:
    sender = Sender(MemoryLedger(), Clock())
    arguments = subtool.examples[0].arguments
    first = sender.call(subtool, arguments=arguments)
    again = sender.call(subtool, arguments=arguments)
    assert again["outcome"] == "already_sent"
    assert {name: again[name] for name in again if name.endswith("_id")} == {
        name: first[name] for name in first if name.endswith("_id")
    }
    assert "idempotency_key" in subtool.argument_names
    for told in (first, again):
        jsonschema.validate(told, {**subtool.output_schema(), "additionalProperties": False})


def test_a_repeat_looks_for_messages_since_the_first_call() -> None:
    sender = Sender(MemoryLedger(), Clock())
    first = sender.call(idempotency_key="k")
    sender.clock.now += DAY
    assert sender.call(idempotency_key="k")["verify"] == first["verify"]


@pytest.fixture
def loseable() -> Loseable:
    return Loseable(MemoryLedger())


def test_a_lost_ledger_refuses_sends_before_anything_is_sent(loseable: Loseable) -> None:
    sender = Sender(loseable, Clock())
    loseable.lost = True
    with pytest.raises(LedgerUnavailable) as caught:
        sender.call()
    assert sender.sent == 0
    assert caught.value.as_result()["error"] == {
        "code": "ledger_unavailable",
        "next_step": "wait",
        "took_effect": "no",
    }
    assert caught.value.__cause__ is None
    loseable.lost = False
    assert sender.call()["outcome"] == "accepted"


def test_best_effort_sends_with_one_warning_that_names_nobody(
    loseable: Loseable, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender(loseable, Clock(), best_effort=True)
    loseable.lost = True
    assert sender.call(idempotency_key="invoice-17")["outcome"] == "accepted"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "send_transactional_email" in caplog.text
    for secret in ("ada", "u1", "invoice-17"):
        assert secret not in caplog.text


def test_a_failure_under_best_effort_drags_no_ledger_along(loseable: Loseable) -> None:
    sender = Sender(loseable, Clock(), best_effort=True)
    loseable.lost = True
    sender.failure = RequestRejected("Refused.")
    with pytest.raises(RequestRejected) as caught:
        sender.call()
    assert caught.value.__context__ is None


def test_a_ledger_that_comes_back_during_a_send_remembers_it(loseable: Loseable) -> None:
    sender = Sender(loseable, Clock(), best_effort=True)
    loseable.lost = True
    sender.meanwhile = lambda: setattr(loseable, "lost", False)
    sender.call()
    assert sender.call()["outcome"] == "already_sent"
    assert sender.sent == 1


def test_a_refusal_without_a_claim_frees_no_key_of_another(loseable: Loseable) -> None:
    clock = Clock()
    claimless, other = Sender(loseable, clock, best_effort=True), Sender(loseable, clock)

    def meanwhile() -> None:
        loseable.lost = False
        other.call()

    loseable.lost = True
    claimless.meanwhile = meanwhile
    claimless.failure = RequestRejected("Refused.")
    with pytest.raises(RequestRejected):
        claimless.call()
    assert other.call()["outcome"] == "already_sent"


def test_a_ledger_lost_after_a_refusal_leaves_the_refusal_and_plays_safe(
    loseable: Loseable, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender(loseable, Clock())
    sender.meanwhile = lambda: setattr(loseable, "lost", True)
    sender.failure = RequestRejected("Refused.")
    with pytest.raises(RequestRejected):
        sender.call()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    loseable.lost = False
    sender.clock.now += DAY / 2
    with pytest.raises(OutcomeUnknown):
        sender.call()


@given(st.dictionaries(texts, json_values, max_size=3), st.sampled_from(["sent", "unknown"]))
def test_an_entry_reads_back_as_it_was_written(facts: dict[str, Any], state: Any) -> None:
    entry = Entry(state, "f" * 64, START + 0.123456, START + 20, START + DAY, facts)
    assert Entry.from_json(json.dumps(entry.as_json())) == entry


@pytest.mark.parametrize("text", ["", "null", "{}", "[1]", '{"state": "gone"}', '{"state": []}'])
def test_what_is_no_entry_counts_as_a_lost_ledger(text: str) -> None:
    with pytest.raises(LedgerLost):
        Entry.from_json(text)


def test_a_later_versions_members_are_ignored() -> None:
    entry = Entry("sent", "f", START, START, START, {"delivery_id": None})
    assert Entry.from_json(json.dumps({**entry.as_json(), "colour": "blue"})) == entry


def test_a_forgotten_send_frees_its_memory() -> None:
    ledger = MemoryLedger()
    sender = Sender(ledger, Clock())
    for number in range(100):
        sender.call(customer_id=f"u{number}")
    sender.clock.now += DAY
    sender.call()
    assert len(ledger._entries) == 3, "a message, its person and its address"
