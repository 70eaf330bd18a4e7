"""Whom the segment calls and a merge name, of which type, and each once."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.merges import merge_customers
from customerio_tool.subtools.segments import add_to_segment, remove_from_segment
from tests.subtools.calls import body_of, refusal_of, result_of


def test_an_address_in_two_spellings_is_one_person() -> None:
    people = ["a@example.com", "A@example.com", "strasse@example.com", "straße@example.com"]
    arguments: dict[str, Any] = {"segment_id": 1, "customer_ids": people}
    assert body_of(add_to_segment, **arguments)["ids"] == [people[0], people[2], people[3]]
    result = result_of(add_to_segment, {}, **arguments)
    assert (result["sent"], result["repeats_removed"]) == (3, 1)


def test_ids_differ_by_case_and_a_cio_id_does_not_by_its_prefix() -> None:
    assert body_of(add_to_segment, segment_id=1, customer_ids=["u1", "U1"])["ids"] == ["u1", "U1"]
    people = ["cio_d9c106000001", "d9c106000001"]
    body = body_of(remove_from_segment, segment_id=1, customer_ids=people, id_type="cio_id")
    assert body["ids"] == ["d9c106000001"]


@pytest.mark.parametrize(
    ("people", "id_type", "at"),
    [
        (["u1", "ada@example.com"], "email", "at 0"),
        (["d9c106000001", "ada@example.com", "a b"], "cio_id", "at 1, 2"),
        (["u1", "ada@example.com"], None, "at 1"),
    ],
)
def test_an_identifier_of_another_type_is_named_by_its_place(
    people: list[str], id_type: str | None, at: str
) -> None:
    error = refusal_of(add_to_segment, segment_id=1, customer_ids=people, id_type=id_type)
    assert error.fields[0].problem.endswith(at)
    assert "ada@" not in str(error)


def test_what_looks_like_another_type_may_be_called_an_id() -> None:
    people = ["zoe@example.com", "ada@example.com"]
    body = body_of(add_to_segment, segment_id=1, customer_ids=people, id_type="id")
    assert body["ids"] == people


def test_ids_and_addresses_in_one_list_are_not_all_ids() -> None:
    people = ["u1", "u2", "ada@example.com"]
    error = refusal_of(add_to_segment, segment_id=1, customer_ids=people, id_type="id")
    assert error.fields[0].problem.endswith("at 2")


@pytest.mark.parametrize("subtool", [add_to_segment, remove_from_segment])
def test_what_is_not_verified_is_not_told_as_fact(subtool: Subtool[Any]) -> None:
    summary = result_of(subtool, {}, segment_id=3, customer_ids=["u1"])["summary"]
    assert "It may pass over unknown people" in summary
    assert "ignores" not in summary


@pytest.mark.parametrize("secondary", ["u3", "cio_d9c106000003", "Ada@intranet"])
def test_a_merge_is_verified_by_the_identifier_that_it_named(secondary: str) -> None:
    kind = "email" if "@" in secondary else "cio_id" if secondary.startswith("cio") else "id"
    arguments = {"primary_id": "u1", "secondary_id": secondary, "secondary_id_type": kind}
    assert result_of(merge_customers, {}, **arguments)["verify"]["arguments"] == {
        "customer_id": secondary,
        "id_type": kind,
    }


def test_the_proposed_look_finds_the_secondary_of_a_merge_that_never_happened() -> None:
    with CustomerIoTool.sandbox(policy="open") as tool:
        listed = tool.call("get_customer_attributes", {"customer_id": "u3"})
        cio_id = listed["customer"]["identifiers"]["cio_id"]
        merge = {"primary_id": "nobody", "secondary_id": cio_id, "secondary_id_type": "cio_id"}
        verify = tool.call("merge_customers", merge)["verify"]
        assert tool.call(verify["subtool"], verify["arguments"])["ok"]
