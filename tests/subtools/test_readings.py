"""What models mean and write otherwise is taken, and the result says how it was read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from customerio_tool import CustomerIoTool
from customerio_tool.deadline import Clock
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools import PAGE, subtools
from customerio_tool.subtools.declare import reading
from customerio_tool.subtools.declare.marks import NARROWS, AlsoCalled, Words, marks, marks_of
from tests.subtools.test_wrong_calls import NOW, SAVED


def choices_of(name: str, argument: str) -> tuple[str, ...]:
    args: type[BaseModel] = subtools()[name].args
    return reading.choices_of(args, argument)


ARGUMENTS = [
    (name, argument, field)
    for name in PAGE
    for argument, field in subtools()[name].args.model_fields.items()
]


@pytest.fixture(scope="module")
def dry() -> Iterator[CustomerIoTool]:
    clock = Clock(now=lambda: NOW)
    with CustomerIoTool(SAVED, policy={"dry_run": True}, clock=clock) as tool:
        yield tool


def request(dry: CustomerIoTool, name: str, given: Any) -> dict[str, Any]:
    result = dry.call(name, given)
    assert result["ok"], result
    return dict(result["request"])


def example_with(name: str, argument: str, value: Any) -> dict[str, Any]:
    """Return an example that has an argument, with another value of it; else the first example."""
    examples = [dict(each.arguments) for each in subtools()[name].examples]
    having = [each for each in examples if argument in each]
    fixed = {"event_id": "order-17"} if "event_id" in subtools()[name].argument_names else {}
    return {**fixed, **(having or examples)[0], argument: value}


@pytest.mark.parametrize("text", ["", "  ", b"", b" \n", None, "{}", '"{}"'])
def test_no_arguments_can_be_written_in_many_ways(dry: CustomerIoTool, text: Any) -> None:
    assert request(dry, "list_segments", text) == request(dry, "list_segments", {})


@pytest.mark.parametrize("name", PAGE)
def test_json_that_is_encoded_twice_is_read_once_more(dry: CustomerIoTool, name: str) -> None:
    arguments = {**subtools()[name].examples[0].arguments}
    if "event_id" in subtools()[name].argument_names:
        arguments["event_id"] = "order-17"
    twice = json.dumps(json.dumps(arguments))
    assert request(dry, name, twice) == request(dry, name, arguments)
    assert not dry.call(name, json.dumps(twice))["ok"]


@pytest.mark.parametrize(
    ("name", "argument", "word", "choice"),
    [
        (name, argument, word, choice)
        for name, argument, field in ARGUMENTS
        for words in marks_of(field, Words)
        for word, choice in words.choices.items()
    ],
)
def test_a_word_of_the_world_is_taken_and_the_result_says_as_what(
    dry: CustomerIoTool, name: str, argument: str, word: str, choice: str
) -> None:
    assert choice in choices_of(name, argument)
    assert word not in choices_of(name, argument)
    right = request(dry, name, example_with(name, argument, choice))
    for spelt in (word, word.upper(), word.replace("_", " ").title(), f" {word} "):
        given = example_with(name, argument, spelt)
        assert request(dry, name, given) == right
        assert f"{argument} was read as '{choice}'." in dry.call(name, given)["summary"]


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, argument) for name, argument, _ in ARGUMENTS if choices_of(name, argument)],
)
def test_a_choice_in_another_case_is_taken(dry: CustomerIoTool, name: str, argument: str) -> None:
    if name == "merge_customers" or argument in ("id_type", "audience"):
        choice = {"audience": "default"}.get(argument, "id")
    else:
        choice = choices_of(name, argument)[0]
    given = example_with(name, argument, choice)
    if argument == "id_type" and name == "list_messages":
        given["customer_id"] = "u1"
    if argument == "audience":
        given = {"broadcast_id": 30, "audience": choice}
    if "id_type" in argument and name == "merge_customers":
        given = {"primary_id": "u1", "secondary_id": "u6", argument: choice}
    other = {**given, argument: choice.upper()}
    assert request(dry, name, other) == request(dry, name, given)
    assert f"{argument} was read as '{choice}'." in dry.call(name, other)["summary"]


def test_no_word_of_the_world_stands_for_everybody(dry: CustomerIoTool) -> None:
    for word in ("all", "everyone", "everybody", "*", "", "segment", ["default"], "any"):
        result = dry.call("trigger_broadcast", {"broadcast_id": 30, "audience": word})
        assert not result["ok"]
        assert "try" not in result["error"]


@pytest.mark.parametrize(
    ("zone", "seconds"),
    [("UTC", 0), ("GMT", 0), ("CET", -3600), ("EST", 5 * 3600), ("cest", -7200)],
)
def test_a_usual_zone_s_name_is_read_and_told(dry: CustomerIoTool, zone: str, seconds: int) -> None:
    given = {"customer_id": "u1", "name": "a", "timestamp": f"2026-11-20T12:00:00 {zone}"}
    assert request(dry, "track_event", given)["body"]["timestamp"] == 1_795_176_000 + seconds
    told = dry.call("track_event", given)["summary"]
    assert ("timestamp was read as" in told) == (seconds != 0)


@pytest.mark.parametrize(
    ("name", "argument", "field"), ARGUMENTS, ids=[f"{n}-{a}" for n, a, _ in ARGUMENTS]
)
def test_a_blank_of_an_optional_argument_is_none_or_answered_with_leave_it_out(
    dry: CustomerIoTool, name: str, argument: str, field: Any
) -> None:
    if field.is_required():
        return
    given = dict(subtools()[name].examples[0].arguments)
    given.pop(argument, None)
    if argument == "start_time":  # an end needs it
        given.pop("end_time", None)
    if "event_id" in subtools()[name].argument_names:
        given["event_id"] = "order-17"
    if argument == "anonymous_id" and name == "track_anonymous_event":
        given["recipient"] = "new@example.com"
    if argument == "transactional_message_id":
        given |= {"subject": "a", "body": "b", "from_address": "c@example.com"}
    if argument == "event_id":  # without one, each call has another
        del given["event_id"]
        assert "Taken as not given: event_id." in dry.call(name, {**given, argument: ""})["summary"]
        return
    for blank in ("", "  "):
        result = dry.call(name, {**given, argument: blank})
        if marks(field, NARROWS):
            assert not result["ok"]
        else:
            assert result["ok"], result
            assert result["request"] == request(dry, name, given)
            assert f"Taken as not given: {argument}." in result["summary"]


@pytest.mark.parametrize("value", [42, 42.0, "42", "42.0", "42.00", " 42 "])
def test_a_whole_number_is_an_id_in_every_spelling(dry: CustomerIoTool, value: Any) -> None:
    assert request(dry, "get_segment", {"segment_id": value})["url"].endswith("/segments/42")


@given(number=st.integers(1, 2**31 - 1))
def test_any_number_of_a_segment_can_be_a_float_or_text(number: int) -> None:
    parse = subtools()["get_segment"].parse
    for spelt in (float(number), str(number), f"{number}.0"):
        assert parse({"segment_id": spelt}) == parse({"segment_id": number})
    person = subtools()["delete_customer"].parse
    assert person({"customer_id": float(number)}) == person({"customer_id": number})


ALIASES = [
    (name, argument, alias)
    for name, argument, field in ARGUMENTS
    for mark in marks_of(field, AlsoCalled)
    for alias in mark.names
]


OTHERS: dict[str, list[dict[str, Any]]] = {
    "delete_segment": [{"segment_id": 1, "name": "Beta"}],
    "get_campaign_metrics": [{"campaign_id": 12, "steps": 3}],
    "list_messages": [
        {"start_time": "2026-11-01", "end_time": "2026-11-02"},
        {"transactional_id": 3},
    ],
    "send_transactional_email": [
        {
            "to": "ada@example.com",
            "customer_id": "u1",
            "transactional_message_id": "1",
            "body_plain": "Hi",
            "send_at": "2026-11-24T09:00:00Z",
        }
    ],
    "send_transactional_push": [
        {
            "customer_id": "u1",
            "transactional_message_id": "1",
            "message": "Hi",
            "message_data": {"order": 17},
            "send_at": "2026-11-24T09:00:00Z",
        }
    ],
    "track_anonymous_event": [
        {"anonymous_id": "v", "name": "a", "timestamp": "2026-11-20", "event_id": "order-17"}
    ],
    "track_page_view": [
        {"customer_id": "u1", "url": "/a", "timestamp": "2026-11-20", "event_id": "order-17"}
    ],
    "trigger_broadcast": [{"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1"]}],
}
"""Calls with the arguments that no example has."""


@given(drawn=st.data())
def test_an_alias_is_refused_and_try_is_the_call_with_the_right_name(drawn: st.DataObject) -> None:
    name, argument, alias = drawn.draw(st.sampled_from(ALIASES))
    subtool = subtools()[name]
    examples = [each.arguments for each in subtool.examples if argument in each.arguments]
    examples += [each for each in OTHERS.get(name, ()) if argument in each]
    if alias in subtool.argument_names:
        return
    right = dict(drawn.draw(st.sampled_from(examples)))
    spelling = drawn.draw(st.sampled_from([str.lower, str.upper, str.title]))
    wrong = {spelling(alias) if n == argument else n: v for n, v in right.items()}
    with pytest.raises(ArgumentsInvalid) as refused:
        subtool.parse(wrong)
    corrected = refused.value.corrected
    if corrected is None:  # another argument is called so as well
        assert any(alias == other and argument != known for _, known, other in ALIASES)
        return
    assert corrected.keys() == right.keys()
    assert subtool.parse(corrected).model_dump() == subtool.parse(right).model_dump()


def test_try_changes_no_value_that_was_taken() -> None:
    right = {
        "to": "Ada <ada@example.com>",
        "customer_id": "u1",
        "subject": "Hi",
        "body": "Hi",
        "from_address": "Acme <hi@acme.example>",
    }
    wrong = {**right, "text": "Hi", "customer_id": ["u1"]}
    with pytest.raises(ArgumentsInvalid) as refused:
        subtools()["send_transactional_email"].parse(wrong)
    assert refused.value.corrected == {**right, "body_plain": "Hi"}


def test_no_alias_is_an_argument_s_own_name_or_a_key() -> None:
    for _, argument, alias in ALIASES:
        assert alias == alias.lower()
        assert alias != argument
        assert "key" not in alias or alias in ("idempotency_key", "dedup_key", "deduplication_key")


PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "per_user_data": ("trigger_broadcast", {"broadcast_id": 30, "audience": "per_user_data"}),
    "relationships": ("identify_customer", {"customer_id": "u1"}),
    "filter": ("trigger_broadcast", {"broadcast_id": 30, "audience": "filter"}),
    "custom_payload": (
        "send_transactional_push",
        {"customer_id": "u1", "transactional_message_id": 3},
    ),
}
PLAIN: dict[str, Any] = {
    "per_user_data": [{"id": "u1", "data": {"a": 1}}],
    "relationships": [{"object_type_id": "1", "object_id": "acme", "attributes": {"role": "x"}}],
    "filter": {"and": [{"segment": {"id": 1}}, {"not": {"segment": {"id": 2}}}]},
    "custom_payload": {"ios": {"aps": {"badge": 1}}},
}


def texts_of(value: Any, depth: int) -> Any:
    """Return a value with its objects at a depth as JSON text."""
    if depth == 0:
        return json.dumps(value)
    if isinstance(value, list):
        return [texts_of(each, depth - 1) for each in value]
    return {
        name: texts_of(each, depth - 1) if isinstance(each, (dict, list)) else each
        for name, each in value.items()
    }


@pytest.mark.parametrize("argument", PLACES)
def test_json_text_is_read_inside_of_lists_and_objects(dry: CustomerIoTool, argument: str) -> None:
    name, others = PLACES[argument]
    plain = request(dry, name, {**others, argument: PLAIN[argument]})
    for depth in (0, 1):
        given = {**others, argument: texts_of(PLAIN[argument], depth)}
        assert request(dry, name, given) == plain


def test_a_handler_takes_its_arguments_by_name(dry: CustomerIoTool) -> None:
    handler = dry.handlers["get_segment"]
    assert handler(segment_id=3) == handler({"segment_id": 3})
    assert handler(segment_id=3, context=None) == handler(arguments={"segment_id": 3})
    with pytest.raises(TypeError):
        handler({"segment_id": 3}, include_count=True)


def test_a_decomposed_accent_finds_a_composed_name() -> None:
    with CustomerIoTool.sandbox(policy="open") as tool:
        made = tool.call("create_manual_segment", {"name": "Caf\u00e9 Z\u00fcrich"})
        found = tool.call("list_segments", {"name_contains": "CAFE\u0301"})
        assert [each["id"] for each in found["segments"]] == [made["segment_id"]]
        given = {"segment_id": made["segment_id"], "name": "Cafe\u0301 Zu\u0308rich"}
        assert tool.call("delete_segment", given)["ok"]
        tool.call(
            "identify_customer", {"customer_id": "u1", "attributes": {"gr\u00f6\u00dfe": "L"}}
        )
        names = {"customer_id": "u1", "attribute_names": ["gro\u0308\u00dfe"]}
        read = tool.call("get_customer_attributes", names)
        assert read["customer"]["attributes"] == {"gro\u0308\u00dfe": "L"}


PNG = "iVBORw0KGgoAAAANSUhEUgAA"


@pytest.mark.parametrize(
    "content", [PNG, "SGVsbG8=", "/9j/4AAQSkZJRgABAQAAAQABAAD/", "JVBERi0xLjQK"]
)
def test_the_bytes_of_a_small_file_are_taken(dry: CustomerIoTool, content: str) -> None:
    mail = {"to": "a@example.com", "customer_id": "u1", "transactional_message_id": 1}
    sent = request(dry, "send_transactional_email", {**mail, "attachments": {"a.bin": content}})
    assert sent["body"]["attachments"] == {"a.bin": content}


@pytest.mark.parametrize(
    "content",
    [
        "attached",
        "invoices",
        "see/below/file",
        "/var/invoice",
        "/home/ada/file",
        "Invoices",
        "PDF/FILE",
    ],
)
def test_a_path_or_a_word_is_no_file(dry: CustomerIoTool, content: str) -> None:
    mail = {"to": "a@example.com", "customer_id": "u1", "transactional_message_id": 1}
    result = dry.call("send_transactional_email", {**mail, "attachments": {"a.bin": content}})
    assert not result["ok"]
    assert content not in json.dumps(result)


def test_an_error_says_each_thing_once(dry: CustomerIoTool) -> None:
    result = dry.call("track_event", {"customer_id": "u1", "event": "order_paid"})
    assert result == {
        "ok": False,
        "summary": (
            "Nothing was sent. event is not an argument of this subtool; send it as 'name'. `try` "
            "has the arguments to send."
        ),
        "error": {
            "code": "arguments_invalid",
            "next_step": "fix_arguments",
            "took_effect": "no",
            "fields": [{"path": "event", "fix": "send it as 'name'"}],
            "try": {"customer_id": "u1", "name": "order_paid"},
        },
    }


def test_a_try_with_a_key_of_the_connection_is_left_out() -> None:
    with CustomerIoTool(SAVED, policy={"dry_run": True}) as tool:
        given = {"customer_id": "u1", "event": "a", "data": {"key": SAVED["app_api_key"]}}
        result = tool.call("track_event", given)
    assert "try" not in result["error"]
    assert SAVED["app_api_key"] not in json.dumps(result)
