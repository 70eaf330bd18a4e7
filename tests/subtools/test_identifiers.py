"""Which identifier is which, and the id that an event gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.calls.request import json_bytes
from customerio_tool.subtools.declare import Invocation
from customerio_tool.subtools.declare.identifiers import (
    canonical,
    distinct,
    is_ulid,
    may_be,
    shape_of,
)
from customerio_tool.subtools.declare.types import size_of

AT = Invocation(now=1763900000.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
ULID = "01JD5T3Q6C9W4Y2M8K7H1N0PZY"


def test_a_ulid_is_the_same_in_either_case() -> None:
    assert AT.event_id(ULID.lower(), "u1", "a") == AT.event_id(ULID, "u1", "a") == ULID


@pytest.mark.parametrize("text", [ULID[:-1], "8" + ULID[1:], ULID[:-1] + "u", ULID[:-1] + "\u017f"])
def test_what_is_no_ulid_is_hashed_with_the_person(text: str) -> None:
    made = {AT.event_id(text, person, "a") for person in ("u1", "u2")}
    assert len(made) == 2
    assert all(map(is_ulid, made))
    assert replace(AT, workspace="v").event_id(text, "u1", "a") not in made


def test_an_event_repeated_with_its_id_in_the_other_case_is_recorded_once() -> None:
    with CustomerIoTool.sandbox() as tool:
        for event_id in (ULID, ULID.lower()):
            event = {"customer_id": "u1", "name": "paid", "event_id": event_id}
            assert tool.call("track_event", event)["event_id"] == ULID
        assert tool.local
        (person,) = (one for one in tool.local.state()["people"] if one["id"] == "u1")
        assert [event["name"] for event in person["events"]].count("paid") == 1


@given(st.text(max_size=30))
def test_an_identifier_may_be_of_the_type_that_its_shape_says(text: str) -> None:
    kind = shape_of(text)
    assert may_be(text, "id")
    assert kind == "cio_id" or may_be(text, kind)


@given(st.lists(st.sampled_from(["a@b.co", "A@B.CO", "ß@b.co", "ss@b.co", "c@d.co"])))
def test_each_of_several_is_kept_once_in_order(people: list[str]) -> None:
    kept = distinct(people, "email")
    assert [one for one in people if one in kept][:1] == kept[:1]
    assert {canonical(one, "email") for one in people} == {canonical(one, "email") for one in kept}
    assert len({canonical(one, "email") for one in kept}) == len(kept)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).filter(lambda value: not isinstance(value, str))
)
def test_a_value_is_measured_as_it_is_sent(value: Any) -> None:
    assert size_of(value) == len(json_bytes(value))


@pytest.mark.parametrize("data", [{"a": "x" * 99_992}, {"a": [1] * 34_000}])
def test_event_data_of_100000_bytes_on_the_wire_is_taken(data: Any) -> None:
    with CustomerIoTool.sandbox() as tool:
        event = {"customer_id": "u1", "name": "paid", "data": data}
        assert tool.call("track_event", event)["ok"]
