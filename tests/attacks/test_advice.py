"""What an error advises reaches and erases nobody but those whom the call meant, and nothing twice.

Wrong calls are made from the examples of every subtool. A model without doubts does what each error
says, word for word, until the call is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.deadline import Clock
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect, Invocation
from tests.subtools.test_wrong_calls import NOW, ROWS, SAVED
from tests.support.advice import Arguments, followed
from tests.support.footprints import Footprint, Ground, Names, gone, ground

AT = Invocation(now=NOW, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
STEPS = 5
"""How often in a row an error's advice is followed."""

WRONG_VALUES: tuple[Any, ...] = (
    *(True, 7, 1.5, "", "  ", "undefined", "everybody", "u3", "yu@example.com"),
    *(float("nan"), [], ["u3"], [["u3"]], {}, {"id": "u3"}, {"u3": float("nan")}),
)
UNKNOWN: Mapping[str, Any] = {
    "recipients": ["u3"],
    "user_ids": ["u3"],
    "customer_id": "u3",
    "customerIds": ["u3"],
    "email": "yu@example.com",
    "segment_id": 1,
    "to": "yu@example.com",
}
"""Arguments that models invent, each of them somebody's name."""

EQ_PRO = {"attribute": {"field": "plan", "operator": "eq", "value": "pro"}}
NOBODY = {"attribute": {"field": "plan", "operator": "eq", "value": "nobody's"}}
FILTERS: tuple[tuple[Any, Any], ...] = (
    ({"attribute": {"field": "plan", "operator": "exists", "value": "pro"}}, EQ_PRO),
    ({"segment": {"id": 1}, **EQ_PRO}, {"and": [{"segment": {"id": 1}}, EQ_PRO]}),
    ({"attribute": {"field": "plan", "operator": "eq", "value": float("nan")}}, NOBODY),
    ({"attribute": {"field": "plan", "operator": "contains", "value": "pro"}}, EQ_PRO),
    ({"attribute": {"field": "plan", "operator": "eq"}}, NOBODY),
    ({"attribute": {"field": "plan", "operator": "ne", "value": "pro"}}, {"not": EQ_PRO}),
    ({"attribute": {"field": "plan", "value": "pro"}}, EQ_PRO),
    ({"not": {"attribute": {"field": "plan", "operator": "exists", "value": "pro"}}}, NOBODY),
    ({"not": {"attribute": {"field": "plan", "operator": "contains", "value": "p"}}}, NOBODY),
    ({"not": {"attribute": {"field": "plan", "operator": "ne", "value": "pro"}}}, EQ_PRO),
)
"""Wrong filters, each with the narrowest that it may mean."""

PRO = {"and": [{"segment": {"id": 1}}, {"attribute": {"field": "plan", "operator": "exists"}}]}
AUDIENCES: Mapping[str, Any] = {
    "customer_ids": ["u1"],
    "emails": ["ada+test@example.com"],
    "filter": {"segment": {"id": 1}},
    "per_user_data": [{"id": "u1"}],
    "data_file_url": "https://files.example.com/people.jsonl",
}
LISTS = ("customer_ids", "emails", "per_user_data")
CHOICES = ("default", "customer_ids", "emails", "filter", "per_user_data", "file")


def wrong_calls(name: str) -> Iterator[tuple[Arguments, Arguments]]:
    """Yield pairs of a right call and a wrong one made from it."""
    subtool = subtools()[name]
    others = {
        argument: value
        for example in subtool.examples
        for argument, value in example.arguments.items()
    }
    for example in subtool.examples:
        right = dict(example.arguments)
        for argument, given in right.items():
            yield right, {each: right[each] for each in right if each != argument}
            yield right, {**right, argument: [given, given]}
            yield right, {**right, argument: None}
            for value in WRONG_VALUES:
                yield right, {**right, argument: value}
        for argument in subtool.argument_names:
            for value in (others.get(argument, "u3"), float("nan"), "undefined", "", []):
                if argument not in right:
                    yield right, {**right, argument: value}
        for argument, value in UNKNOWN.items():
            if argument not in subtool.argument_names:
                yield right, {**right, argument: value}
                for one in list(right)[:1]:
                    rest = {each: right[each] for each in right if each != one}
                    yield right, {**rest, argument: right[one]}


def wrong_audiences() -> Iterator[tuple[Arguments, Arguments]]:
    """Yield triggers whose audience contradicts itself."""
    right = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1"]}
    for choice in (*CHOICES, "all", "u1", ["u1"], "customer_id", None):
        for first in AUDIENCES:
            for second in AUDIENCES:
                given = {name: AUDIENCES[name] for name in (first, second)}
                yield right, {"broadcast_id": 30, "audience": choice, **given}
                yield right, {"broadcast_id": 30, "audience": choice, **given, "emails": None}
    for flag in ("ignore_missing", "add_duplicates"):
        yield right, {"broadcast_id": 30, "audience": "default", "customer_ids": ["u1"], flag: True}
    filtered = {"broadcast_id": 30, "audience": "filter", "filter": PRO}
    for wrong, _ in FILTERS:
        for choice in CHOICES:
            yield filtered, {**filtered, "audience": choice, "filter": wrong}


def all_calls(name: str) -> list[tuple[Arguments, Arguments]]:
    calls = list(wrong_calls(name))
    rows = [row.given for row in ROWS.values() if row.subtool == name]
    to_all = {"broadcast_id": 30, "audience": "default"}
    calls += [
        (to_all if to_all.items() <= given.items() else {}, given)
        for given in rows
        if isinstance(given, dict)
    ]
    return calls + (list(wrong_audiences()) if name == "trigger_broadcast" else [])


@pytest.fixture(scope="module")
def place() -> Iterator[Ground]:
    made = ground()
    yield made
    made.sandbox.close()


DRY = CustomerIoTool(SAVED, policy={"dry_run": True}, clock=Clock(now=lambda: NOW))


def refusal(name: str, arguments: Arguments) -> dict[str, Any] | None:
    """Return the error that a call gets from its arguments alone, or None."""
    result = DRY.call(name, arguments)
    return None if result["ok"] else result


def taken_after_advice(name: str, wrong: Arguments) -> list[Arguments]:
    """Return the calls that are taken in the end, if every advice is followed."""
    taken: list[Arguments] = []
    seen: list[str] = [repr(wrong)]
    waiting = [wrong]
    for _ in range(STEPS):
        refused = [(call, refusal(name, call)) for call in waiting]
        taken += [call for call, error in refused if error is None and call is not wrong]
        following = [after for call, error in refused if error for after in followed(call, error)]
        waiting = [call for call in following if repr(call) not in seen][:40]
        seen += [repr(call) for call in waiting]
    return taken


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, (str, int)):
        yield str(value)
        yield from re.findall(r"[^\s<>:]+@[^\s<>]+", str(value))


def named_in(place: Ground, arguments: Arguments) -> list[Names]:
    """Return the people whom a call names."""
    texts = set(texts_in(arguments))
    return [person for person in place.people if person & texts]


def meant_by(place: Ground, name: str, right: Arguments, wrong: Arguments) -> Footprint:
    """Return the most that a wrong call may have meant.

    Where a broadcast names people, it means no others; else those of its filter, or else those of
    the right call. Any other call means what the right one does, or whom it names itself; what
    starts a campaign may so write to a person twice.
    """
    choice = {each: value for each, value in wrong.items() if each == "audience"}
    people = named_in(place, wrong)
    if name != "trigger_broadcast":
        did = (place.footprint(name, right) if right else None) or Footprint()
        touched = {each for each in _everything(place) if any(each & one for one in people)}
        may_start = subtools()[name].may_start_campaigns
        known = frozenset(text for one in place.people for text in one)
        unknown = frozenset(texts_in(wrong)) - known
        named = Counter(people * (2 if may_start else 1)) + Counter([unknown] if unknown else [])
        return Footprint(did.reached | named, did.erased | touched)
    lists = {each: wrong[each] for each in LISTS if wrong.get(each) is not None}
    if lists or (people and (people != named_in(place, choice) or "filter" not in wrong)):
        return Footprint(Counter(people))
    if "filter" in wrong:
        whole = {"broadcast_id": 30, "audience": "filter", "filter": wrong["filter"]}
        narrow = [meant for each, meant in FILTERS if repr(each) == repr(wrong["filter"])]
        narrowest = {**whole, "filter": (narrow or [NOBODY])[0]}
        return place.footprint(name, whole) or place.footprint(name, narrowest) or Footprint()
    if wrong.get("data_file_url"):  # a blank one is none
        return Footprint()
    return place.footprint(name, right) or Footprint()


def _everything(place: Ground) -> frozenset[Names]:
    return gone(place.before)


def excess(did: Footprint, meant: Footprint) -> list[Any]:
    """Return whom a call reached, reached twice or erased although it was not meant."""
    reached = [
        (sorted(person), times)
        for person, times in did.reached.items()
        if times > sum(count for one, count in meant.reached.items() if one & person)
    ]
    erased = [sorted(one) for one in did.erased if not any(one & each for each in meant.erased)]
    return reached + erased


@pytest.mark.parametrize("name", [n for n, s in subtools().items() if not s.effect.read_only])
def test_advice_followed_word_for_word_reaches_and_erases_nobody_else(
    name: str, place: Ground
) -> None:
    refused = 0
    for right, wrong in all_calls(name):
        if refusal(name, wrong) is None:
            continue
        refused += 1
        for call in taken_after_advice(name, wrong):
            did = place.footprint(name, call)
            meant = meant_by(place, name, right, wrong)
            assert did is None or not excess(did, meant), (wrong, call)
    assert refused > 30


def test_a_model_that_follows_advice_gets_somewhere() -> None:
    wrong = {"broadcast_id": 30, "audience": "default", "customer_ids": ["u1"]}
    right = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1"]}
    assert right in taken_after_advice("trigger_broadcast", wrong)
    misspelt = {"customerId": "u1"}
    assert taken_after_advice("delete_customer", misspelt) == [{"customer_id": "u1"}]
    late = {"customer_id": "u1", "transactional_message_id": "3", "send_at": "2020-01-01"}
    assert taken_after_advice("send_transactional_push", late) == [
        {"customer_id": "u1", "transactional_message_id": "3"}
    ]


def test_a_wider_audience_would_be_noticed(place: Ground) -> None:
    wrong = {"broadcast_id": 30, "audience": "default", "customer_ids": ["u1"]}
    did = place.footprint("trigger_broadcast", {"broadcast_id": 30, "audience": "default"})
    assert did is not None
    assert len(excess(did, meant_by(place, "trigger_broadcast", {}, wrong))) > 1
    erased = place.footprint("delete_customer", {"customer_id": "u3"})
    assert erased is not None
    one = {"customer_id": "u1"}
    assert excess(erased, meant_by(place, "delete_customer", one, one))


@pytest.mark.parametrize("name", subtools())
def test_every_look_that_an_error_or_a_result_names_is_a_read(name: str) -> None:
    subtool = subtools()[name]
    for example in subtool.examples:
        args = subtool.parse(example.arguments)
        look = subtool.look(args, AT) if subtool.look else None
        assert look is None or subtools()[look.subtool].effect is Effect.READ


@pytest.mark.parametrize("name", [n for n, s in subtools().items() if s.effect is Effect.SEND])
def test_a_token_sent_as_advised_and_once_more_sends_once(name: str, place: Ground) -> None:
    place.sandbox.restore("before")
    known = len(place.sandbox.requests())
    given = dict(subtools()[name].examples[0].arguments)
    now, run = place.sandbox.clock.now, CallContext(run_id="r")
    with CustomerIoTool(
        place.sandbox.connection(),
        policy={"confirm": "repeat"},
        clock=Clock(now=now, sleep=lambda _: None),
    ) as tool:
        asked = tool.call(name, given, context=run)
        assert asked["error"]["next_step"] == "fix_arguments"
        repeated = {**given, "confirmation_token": asked["confirmation_token"]}
        assert tool.call(name, repeated, context=run)["ok"]
        tool.call(name, repeated, context=run)
    new = place.sandbox.requests()[known:]
    assert sum(each["method"] == "POST" and each["applied"] for each in new) == 1
