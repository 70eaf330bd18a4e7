"""Whom a broadcast's audience names: each person once, and each identifier as it is stored."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.broadcasts import trigger_broadcast
from tests.subtools.calls import body_of, refused, result_of


def given(*people: dict[str, Any]) -> dict[str, Any]:
    return {"broadcast_id": 30, "audience": "per_user_data", "per_user_data": list(people)}


def test_a_person_who_is_given_twice_is_sent_once_and_that_is_told() -> None:
    people = given(
        {"id": "u1", "data": {"a": 1}},
        {"email": "Ada@example.com"},
        {"id": 1},
        {"id": "u1", "data": {"a": 1}},
        {"email": "ada@EXAMPLE.com", "data": {}},
        {"id": "1"},
    )
    assert body_of(trigger_broadcast, **people)["per_user_data"] == [
        {"id": "u1", "data": {"a": 1}},
        {"email": "Ada@example.com"},
        {"id": "1"},
    ]
    summary = result_of(trigger_broadcast, {"id": 1}, **people)["summary"]
    assert "the 3 people given (3 repeated left out)" in summary


def test_the_same_text_as_id_and_as_address_may_be_two_people() -> None:
    people = given({"id": "ada@example.com"}, {"email": "ada@example.com", "data": {"a": 1}})
    assert len(body_of(trigger_broadcast, **people)["per_user_data"]) == 2


def test_a_person_with_two_different_data_is_refused_with_both_places() -> None:
    people = given({"id": "u2"}, {"id": "u1", "data": {"a": 1}}, {"id": "u1", "data": {"a": 2}})
    with CustomerIoTool.sandbox(policy="open") as tool:
        result = tool.call("trigger_broadcast", people)
    (field,) = result["error"]["fields"]
    assert field["path"] == "per_user_data[2]"
    assert "per_user_data[1]" in result["summary"]


def test_a_person_who_is_given_twice_gets_one_message() -> None:
    with CustomerIoTool.sandbox(policy="open") as tool:
        assert tool.local is not None
        before = len(tool.local.state()["deliveries"])
        assert tool.call("trigger_broadcast", given({"id": "u1"}, {"id": "u1"}))["ok"]
        assert len(tool.local.state()["deliveries"]) == before + 1


@pytest.mark.parametrize("identifier", [" u1", "a\u0000b", "x" * 151, "", True, ["u1"], "cio_"])
def test_an_id_that_cannot_be_meant_is_refused_at_its_place(identifier: Any) -> None:
    assert refused(trigger_broadcast, **given({"id": identifier})) == ["per_user_data[0].id"]


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (1.5, "1.5"), ("7", "7"), (7.0, "7"), (-0.0, "0")]
)
def test_a_filters_values_are_sent_as_the_api_types_them(value: Any, text: str) -> None:
    condition = {"attribute": {"field": "a", "operator": "eq", "value": value}}
    arguments = {"broadcast_id": 30, "audience": "filter", "filter": condition}
    sent = body_of(trigger_broadcast, **arguments)["recipients"]["attribute"]["value"]
    assert sent == text


@pytest.mark.parametrize("identifier", [" u1", "x" * 151, "Ada <ada@example.com>", "cio_"])
def test_a_list_of_ids_is_held_to_the_same_rules(identifier: str) -> None:
    arguments = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["u1", identifier]}
    assert refused(trigger_broadcast, **arguments) == ["customer_ids[1]"]
