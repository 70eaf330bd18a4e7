"""Definitions in the form of each provider: by its rules, and every call comes out the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, get_args

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import CustomerIoTool, Dialect, dialects
from customerio_tool.deadline import Clock
from customerio_tool.subtools import subtools
from tests.subtools.test_wrong_calls import ROWS, WrongCall, refusal
from tests.support.clients import SAVED_US, example_of
from tests.support.dialects import PARAMETERS, PROVIDERS, as_filled, problems

NOW = 1_795_435_200.5  # 2026-11-23 12:00 UTC
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
EXAMPLES = {
    f"{name}-{number}": (name, dict(example.arguments))
    for name, subtool in subtools().items()
    for number, example in enumerate(subtool.examples, start=1)
}
ANYTHING = re.compile("https://.*")

each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def made(**options: Any) -> CustomerIoTool:
    clock = Clock(now=lambda: NOW, sleep=lambda _: None, entropy=bytes)
    return CustomerIoTool(SAVED_US, clock=clock, **options)


@pytest.fixture(scope="module")
def tool() -> Iterator[CustomerIoTool]:
    with made() as ready:
        yield ready


@pytest.fixture(scope="module")
def with_lookups() -> Iterator[CustomerIoTool]:
    with made(lookups=True) as ready:
        yield ready


def filled(tool: CustomerIoTool, dialect: Dialect, name: str, arguments: Any) -> Any:
    """Return a call as a model makes it that was given the definition in this dialect."""
    schema = tool.definition(name, dialect)[PARAMETERS[dialect]]
    return as_filled(schema, arguments)


def requests_of(name: str, arguments: Any) -> list[tuple[Any, ...]]:
    """Return what a call sends to a vendor who knows nobody."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as vendor, made() as tool:
        for method in ("GET", "POST", "PUT", "DELETE"):
            vendor.add(method, ANYTHING, json={})
        tool.call(name, arguments)
        return [(sent.request.method, sent.request.url, sent.request.body) for sent in vendor.calls]


# --- the definitions


@pytest.mark.parametrize("confirm", ["never", "repeat", "human"])
@pytest.mark.parametrize("dialect", PROVIDERS)
def test_a_definition_keeps_the_rules_of_its_provider(dialect: Dialect, confirm: str) -> None:
    with made(policy={"confirm": confirm}) as tool:
        broken = {each["name"]: problems(dialect, each) for each in tool.definitions(None, dialect)}
    assert broken == {name: [] for name in subtools()}


@each_dialect
def test_a_definition_has_the_same_words_in_every_dialect(
    dialect: Dialect, tool: CustomerIoTool
) -> None:
    for form, plain in zip(tool.definitions(dialect=dialect), tool.definitions(), strict=True):
        assert (form["name"], form["description"]) == (plain["name"], plain["description"])
        schema, known = form[PARAMETERS[dialect]], plain["input_schema"]
        assert schema["properties"].keys() == known["properties"].keys()
        for name, member in schema["properties"].items():
            assert member["description"].startswith(known["properties"][name]["description"])


def test_plain_is_what_a_tool_shows_without_a_dialect(tool: CustomerIoTool) -> None:
    assert json.dumps(tool.definitions(dialect="plain")) == json.dumps(tool.definitions())
    assert tool.definitions()[0] == next(iter(subtools().values())).definition()


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_without_strict_mode_the_schema_is_the_plain_one(
    dialect: Dialect, tool: CustomerIoTool
) -> None:
    for form, plain in zip(tool.definitions(dialect=dialect), tool.definitions(), strict=True):
        assert form[PARAMETERS[dialect]] == plain["input_schema"]


def test_a_free_map_is_text_in_strict_mode_and_never_an_empty_object(tool: CustomerIoTool) -> None:
    for plain, strict in zip(
        tool.definitions(), tool.definitions(dialect="openai_strict"), strict=True
    ):
        for name, member in plain["input_schema"]["properties"].items():
            if member["type"] == "object" and "properties" not in member:
                shown = strict["parameters"]["properties"][name]
                assert shown["type"] == ["string", "null"]
                assert shown["description"].endswith(dialects.JSON_TEXT)


@each_dialect
def test_the_token_of_a_second_look_is_an_argument_that_may_be_left_out(dialect: Dialect) -> None:
    with made(policy={"confirm": "repeat"}) as tool:
        asked = tool.definition("delete_customer", dialect)
        schema = asked[PARAMETERS[dialect]]
        token = tool.call("delete_customer", as_filled(schema, {"customer_id": "u1"}))
        again = {"customer_id": "u1", "confirmation_token": token["confirmation_token"]}
        with responses.RequestsMock(assert_all_requests_are_fired=False) as vendor:
            vendor.get(ANYTHING, json={})
            vendor.delete(ANYTHING, json={})
            assert tool.call("delete_customer", as_filled(schema, again))["ok"]
    assert Draft202012Validator(schema).is_valid(as_filled(schema, again))


def test_examples_are_the_declared_ones_for_anthropic(tool: CustomerIoTool) -> None:
    for form in tool.definitions(dialect="anthropic"):
        declared = [dict(each.arguments) for each in subtools()[form["name"]].examples]
        assert form["input_examples"] == declared


def test_an_example_with_an_argument_that_is_not_shown_is_left_out(tool: CustomerIoTool) -> None:
    plain = tool.definition("get_customer_attributes")
    hidden = {"customer_id": "u1", "id_type": "id"}

    form = dialects.anthropic(plain, [{"customer_id": "u1"}, hidden])

    assert form["input_examples"] == [{"customer_id": "u1"}]


@each_dialect
def test_a_definition_is_the_callers_own_in_every_dialect(
    dialect: Dialect, tool: CustomerIoTool
) -> None:
    before = json.dumps(tool.definitions(dialect=dialect))
    for form in tool.definitions(dialect=dialect):
        form[PARAMETERS[dialect]]["properties"].clear()
        for example in form.get("input_examples", ()):
            example.clear()
    assert json.dumps(tool.definitions(dialect=dialect)) == before


@each_dialect
def test_a_form_changes_nothing_of_what_it_is_made_from(
    dialect: Dialect, tool: CustomerIoTool
) -> None:
    plain = tool.definition("trigger_broadcast")
    kept = deepcopy(plain)
    dialects.form_of(dialect)(plain, [])
    assert plain == kept


def test_an_unknown_dialect_is_refused_and_the_known_ones_are_named(tool: CustomerIoTool) -> None:
    for ask in (tool.definitions, lambda **given: tool.definition("get_segment", **given)):
        with pytest.raises(ValueError, match="'open_ai' is no dialect") as refused:
            ask(dialect="open_ai")  # type: ignore[arg-type]  # it is the point
        assert all(repr(each) in str(refused.value) for each in DIALECTS)


# --- the calls


@pytest.mark.parametrize("dialect", PROVIDERS)
@pytest.mark.parametrize("case", EXAMPLES)
def test_an_example_sends_the_same_bytes_through_every_dialect(
    case: str, dialect: Dialect, tool: CustomerIoTool
) -> None:
    name, arguments = EXAMPLES[case]
    call = filled(tool, dialect, name, arguments)
    schema = tool.definition(name, dialect)[PARAMETERS[dialect]]
    assert list(Draft202012Validator(schema).iter_errors(call)) == []

    sent = requests_of(name, arguments)

    assert sent
    assert requests_of(name, call) == sent
    assert requests_of(name, json.dumps(call)) == sent


NULLS_INSIDE = {
    "identify_customer": {
        "customer_id": "u1",
        "attributes": {"plan": None},
        "relationships": [
            {"object_type_id": "1", "object_id": "o1", "attributes": {"role": None, "n": 1}},
            {"object_type_id": "1", "object_id": "o2"},
        ],
    },
    "trigger_broadcast": {
        "broadcast_id": 30,
        "audience": "per_user_data",
        "per_user_data": [{"id": "u1", "data": {"a": None}}, {"email": "ada@example.com"}],
        "data": {"headline": None},
    },
    "send_transactional_push": {
        **example_of("send_transactional_push"),
        "custom_payload": {"ios": {"aps": {"alert": None}}},
        "custom_device": {"token": "t0ken", "platform": "ios"},
    },
    "track_event": {"customer_id": "u1", "name": "paid", "data": {"coupon": None}},
}


@pytest.mark.parametrize("name", NULLS_INSIDE)
def test_null_is_not_given_in_a_member_of_ours_and_stays_in_data(
    name: str, tool: CustomerIoTool
) -> None:
    arguments = NULLS_INSIDE[name]
    call = filled(tool, "openai_strict", name, arguments)
    assert json.dumps(call).count("null") > json.dumps(arguments).count("null")

    sent = requests_of(name, arguments)

    assert sent
    assert requests_of(name, call) == sent


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.dictionaries(st.text(), JSON, max_size=4))
def test_an_event_takes_and_refuses_the_same_data_through_every_dialect(data: Any) -> None:
    arguments = {"customer_id": "u1", "name": "paid", "data": data}
    with made(policy={"dry_run": True}) as tool:
        plain = tool.call("track_event", arguments)
        assert [
            dialect
            for dialect in DIALECTS
            if tool.call("track_event", filled(tool, dialect, "track_event", arguments)) != plain
        ] == []


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_wrong_call_is_refused_in_the_same_words_through_every_dialect(
    row: WrongCall, with_lookups: CustomerIoTool
) -> None:
    plain = refusal(with_lookups, row.subtool, row.given)
    calls = [filled(with_lookups, dialect, row.subtool, row.given) for dialect in DIALECTS]
    for call in [each for each in calls if repr(each) != repr(row.given)]:
        assert refusal(with_lookups, row.subtool, call) == plain


# --- the rules that the definitions are checked by

BROKEN: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "no JSON Schema": ("openai", {"properties": {"a": {"type": "text"}}}),
    "the arguments are no object": ("gemini", {"type": "array"}),
    "an object that is not closed": ("openai_strict", {"additionalProperties": True}),
    "an object with a member that is not required": ("openai_strict", {"required": []}),
    "keywords that strict mode does not take: ['maxLength']": (
        "openai_strict",
        {"properties": {"customer_id": {"type": "string", "maxLength": 1}}},
    ),
    "a list of types beside items or properties": (
        "openai_strict",
        {"properties": {"customer_id": {"type": ["array", "null"], "items": {"type": "string"}}}},
    ),
    "an enum that null cannot meet": (
        "openai_strict",
        {"properties": {"customer_id": {"type": ["string", "null"], "enum": ["a"]}}},
    ),
    "an example that is not valid, which fails the request": ("anthropic", {"maxProperties": 0}),
    "a choice of schemas at the root": ("anthropic", {"anyOf": [{}]}),
    "keywords that Gemini does not know: ['not']": ("gemini", {"not": {"type": "string"}}),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_definition_that_breaks_a_rule_is_found(rule: str, tool: CustomerIoTool) -> None:
    dialect, change = BROKEN[rule]
    broken = tool.definition("delete_customer", dialect)
    broken[PARAMETERS[dialect]] |= change
    assert rule in problems(dialect, broken)


@pytest.mark.parametrize("dialect", PROVIDERS)
def test_a_name_that_no_provider_takes_is_found(dialect: Dialect, tool: CustomerIoTool) -> None:
    broken = {**tool.definition("delete_customer", dialect), "name": "a name with spaces"}
    assert problems(dialect, broken) == ["the name is not allowed"]
