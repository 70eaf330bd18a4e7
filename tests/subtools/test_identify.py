"""What identify_customer does with the attributes that mean more than themselves."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.people import identify_customer
from tests.subtools.calls import body_of, refused, result_of
from tests.support.vendor_spec import TrackSpecification


def told(**arguments: Any) -> dict[str, Any]:
    return result_of(identify_customer, {}, **arguments)


@pytest.mark.parametrize("value", [True, "true", "TRUE", 1, "1"])
def test_unsubscribed_is_sent_as_true_however_customer_io_would_read_it_so(value: Any) -> None:
    body = body_of(identify_customer, customer_id="u1", attributes={"unsubscribed": value})
    assert body["unsubscribed"] is True


@pytest.mark.parametrize("value", [False, "False", 0, "0"])
def test_unsubscribed_is_sent_as_false_where_that_is_said(value: Any) -> None:
    body = body_of(identify_customer, customer_id="u1", attributes={"unsubscribed": value})
    assert body["unsubscribed"] is False


@pytest.mark.parametrize("value", [None, "", "yes", 2, [True], {}])
def test_nothing_else_subscribes_a_person_unsaid(value: Any) -> None:
    attributes = {"unsubscribed": value}
    assert refused(identify_customer, customer_id="u1", attributes=attributes) == [
        "attributes.unsubscribed"
    ]


def test_unsubscribed_may_be_said_twice_in_two_ways() -> None:
    arguments = {"customer_id": "u1", "unsubscribed": True, "attributes": {"unsubscribed": "1"}}
    assert body_of(identify_customer, **arguments)["unsubscribed"] is True


def test_an_emptied_identifier_is_not_told_as_deleted() -> None:
    result = told(customer_id="u1", attributes={"email": None, "plan": None})
    assert result["removed"] == ["plan"]
    assert "The identifier (email) may stay" in result["summary"]


def test_an_emptied_phone_number_may_be_an_identifier_too() -> None:
    result = told(customer_id="u1", attributes={"phone": None, "plan": None})
    assert result["removed"] == ["plan"]
    assert "The identifier (phone) may stay" in result["summary"]


def test_a_new_identifier_may_be_ignored_and_a_miss_is_not_told() -> None:
    assert "ignores the second" in told(customer_id="u1", email="a@b.co")["summary"]
    both = told(customer_id="u1", attributes={"id": "", "email": "a@b.co"})["summary"]
    assert "(id) may stay" in both
    assert "ignores the second" in both
    assert "nothing changes" in told(customer_id="u1", update_only=True)["summary"]
    assert "not verified" not in told(customer_id="u1", attributes={"plan": "pro"})["summary"]


def test_a_number_as_identifier_goes_as_its_digits() -> None:
    attributes = {"id": 17, "anonymous_id": 4}
    body = body_of(identify_customer, customer_id="cio_d9c106000001", attributes=attributes)
    assert (body["id"], body["anonymous_id"]) == ("17", "4")


def test_an_object_may_be_named_by_the_id_that_customer_io_gave_it(
    vendor_track: TrackSpecification,
) -> None:
    one = {"cio_object_id": "obb7fd050101", "object_id": "", "attributes": {"role": "admin"}}
    body = body_of(identify_customer, customer_id="u1", relationships=[one])
    [sent] = body["cio_relationships"]["relationships"]
    assert sent["identifiers"] == {"cio_object_id": "obb7fd050101"}
    assert vendor_track.problems("PUT", "/api/v1/customers/u1", {}, body) == []


@pytest.mark.parametrize("email", [5, ["a@b.co"], " a@b.co", "a\0b@c.co", "mailto:a@b.co"])
def test_an_address_among_attributes_is_held_to_the_rules_of_the_argument(email: Any) -> None:
    attributes = {"email": email}
    assert refused(identify_customer, customer_id="u1", attributes=attributes) == [
        "attributes.email"
    ]


def test_an_attribute_of_1000_bytes_as_sent_is_taken_by_the_server_and_no_more() -> None:
    tags = [1] * 499  # [1,1,…] in compact JSON: two bytes each, and one more
    with CustomerIoTool.sandbox() as tool:
        fits = tool.call("identify_customer", {"customer_id": "u1", "attributes": {"tags": tags}})
        assert fits["ok"]
        more = {"customer_id": "u1", "attributes": {"tags": [*tags, 1]}}
        assert tool.call("identify_customer", more)["error"]["code"] == "arguments_invalid"
