"""Every result keeps its budget, holds its schema, and shows no character that does not show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import Backends, Clock, CustomerIoTool
from customerio_tool.calls.envelope import within_budget
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.vendor_json import MAX_RESULT_CHARS, chars_of
from tests.support.answers import session_with
from tests.support.clients import SAVED_US, AnyPace, example_of

HIDDEN = "\u034f\u115f\u3164\uffa0\ufe0f\u200b\u202e\U000e0041\U000e0fff\x07"
NAMES = list(subtools())
POLICIES: list[dict[str, Any]] = [
    {},
    {"dry_run": True},
    {"confirm": "human"},
    {"confirm": "repeat"},
    {"hidden_attributes": ["birthday"]},
    {"allowed_recipients": ["example.org"]},
]

long_texts = st.builds(
    lambda text, times: text * times,
    st.sampled_from(["a", 'q"\\', "é", "ab c\n", f"x{HIDDEN}", "{}", "u1@example.com, "]),
    st.sampled_from([1, 30, 400, 9_000]),
)
ENOUGH_CHARS = 10 * MAX_RESULT_CHARS
"""Of a value that is repeated: a longer one is cut no otherwise, only more slowly."""


def times(one: Any, most: int) -> int:
    return max(2, min(most, ENOUGH_CHARS // len(json.dumps(one))))


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([10**4000, -(10**30)]), long_texts
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(long_texts, inner, max_size=4),
        st.builds(lambda one, n: [one] * times(one, n), inner, st.sampled_from([2, 300])),
        st.builds(
            lambda one, n: {f"m{i}": one for i in range(times(one, n))},
            inner,
            st.sampled_from([2, 90]),
        ),
    ),
    max_leaves=6,
)
errors = st.builds(
    lambda words, more: {"meta": {"error": words, "errors": [more]}, "errors": [{"detail": more}]},
    long_texts,
    long_texts,
)


def replies(name: str) -> st.SearchStrategy[Any]:
    """Return replies of the form that a subtool reads, with anything in them."""
    objects = st.dictionaries(st.sampled_from(["id", "attributes", "series", "x" * 900]), values)
    series = st.fixed_dictionaries(
        {"series": st.dictionaries(long_texts, st.lists(st.integers(), max_size=99))}
    )
    things = st.one_of(objects, st.lists(objects, max_size=3), values, series)
    expected = subtools()[name].shape.expects or "segment"
    fixed = {expected: things, "next": values, "delivery_id": values, "id": values, "count": values}
    return st.one_of(st.fixed_dictionaries({}, optional=fixed), errors, values)


def arguments(name: str) -> st.SearchStrategy[Any]:
    """Return an example's arguments with some of them replaced, or others added."""
    example = example_of(name)
    own = st.sampled_from(subtools()[name].argument_names)
    changes = st.dictionaries(st.one_of(own, long_texts), values, max_size=3)
    many = st.sampled_from([{f"{'n' * 50}{i}": 1 for i in range(500)}, {}])
    return st.builds(lambda change, more: {**example, **change, **more}, changes, many)


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    if isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts_in(item)


def assert_holds(tool: CustomerIoTool, name: str, result: dict[str, Any]) -> None:
    assert chars_of(result) <= MAX_RESULT_CHARS
    Draft202012Validator(tool.definition(name)["output_schema"]).validate(result)
    json.dumps(result, allow_nan=False).encode()
    assert result["summary"].strip()
    assert result["outcome"] if result["ok"] else result["error"]["code"]
    assert [text for text in texts_in(result) if visible(text) != text] == []


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=8)
def test_any_answer_to_any_call_is_told_within_the_budget(name: str, data: st.DataObject) -> None:
    status = data.draw(st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 422, 429, 500]))
    session = session_with(data.draw(replies(name)), status, {"Retry-After": "9" * 300})
    clock, paces = Clock(sleep=lambda _: None), Backends(limiter=AnyPace(), telemetry=())

    with CustomerIoTool(
        SAVED_US,
        policy=data.draw(st.sampled_from(POLICIES)),
        session=session,
        backends=paces,
        clock=clock,
    ) as tool:
        for given_arguments in (example_of(name), data.draw(arguments(name))):
            assert_holds(tool, name, tool.call(name, given_arguments))


def test_a_person_with_too_much_keeps_what_fits_and_says_how_to_get_the_rest() -> None:
    attributes = {f"note_{i}": "x" * 900 for i in range(300)}
    session = session_with({"customer": {"id": "u1", "attributes": attributes}})

    with CustomerIoTool(SAVED_US, session=session) as tool:
        result = tool.call("get_customer_attributes", {"customer_id": "u1"})

    assert result["customer"]["id"] == "u1"
    assert len(result["customer"]["attributes"]) > 10
    assert result["truncated"] is True
    assert result["omitted"][0].startswith("attributes.note_")
    assert "attribute_names" in result["summary"]


def test_hundreds_of_names_are_cut_with_their_number() -> None:
    names = {f"{'n' * 140}{i}": None for i in range(300)}

    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        result = tool.call("identify_customer", {"customer_id": "u1", "attributes": names})

    assert_holds(tool, "identify_customer", result)
    assert result["outcome"] == "accepted"
    assert result["removed"][-1].endswith("more")
    assert "part of removed" in result["summary"]
    assert result["verify"]["arguments"]["customer_id"] == "u1"


@pytest.mark.parametrize("length", [1_000, 1_001])
def test_a_cursor_is_whole_or_left_out_with_words(length: int) -> None:
    session = session_with({"messages": [{"id": "m"}], "next": "c" * length})

    with CustomerIoTool(SAVED_US, session=session) as tool:
        result = tool.call("list_messages", {})
        cursor = result.get("next_cursor")

        assert (cursor == "c" * length) is (length <= 1_000)
        assert ("start_time" in result["summary"]) is (cursor is None)
        assert tool.call("list_messages", {"cursor": cursor})["ok"]


def test_an_error_raised_is_within_the_budget_too() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = {"n" * 60: deep}
    people = [{"id": i, "data": deep, "x" * 5000: 1} for i in range(100)]

    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        result = tool.call(
            "trigger_broadcast",
            {"broadcast_id": 1, "audience": "per_user_data", "per_user_data": people},
        )

    assert_holds(tool, "trigger_broadcast", result)


def test_an_envelope_that_is_too_long_keeps_the_first_of_each_list() -> None:
    things = [{"id": number, "note": "x" * 500} for number in range(400)]
    problems = [{"path": str(number), "fix": "y" * 3_000} for number in range(400)]
    listed = within_budget({"ok": True, "summary": "Read.", "things": things})
    refused = within_budget({"ok": False, "summary": "No.", "error": {"fields": problems}})

    assert all(chars_of(each) <= MAX_RESULT_CHARS for each in (listed, refused))
    assert listed["truncated"] is refused["truncated"] is True
    assert "part of things" in listed["summary"]
    assert "part of error.fields" in refused["summary"]
    assert len(listed["things"]) > 10
    assert listed["things"] == things[: len(listed["things"])]
    paths = [each["path"] for each in refused["error"]["fields"]]
    assert len(paths) > 5
    assert paths == [str(number) for number in range(len(paths))]
