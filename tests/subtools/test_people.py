"""What the reading of a person's attributes says where something is missing."""

from __future__ import annotations

import pytest

from customerio_tool.subtools.attributes import get_customer_attributes
from tests.subtools.calls import result_of

REPLY = {"customer": {"id": "u1", "attributes": {"plan": "pro"}}}


def hint(customer_id: str) -> str:
    assert get_customer_attributes.not_found_hint
    return get_customer_attributes.not_found_hint(
        get_customer_attributes.parse({"customer_id": customer_id})
    )


def test_a_name_that_is_asked_for_twice_is_told_once() -> None:
    names = ["height", "plan", "height", "plan"]
    result = result_of(get_customer_attributes, REPLY, customer_id="u1", attribute_names=names)
    assert result["not_set"] == ["height"]
    assert result["customer"]["attributes"] == {"plan": "pro"}


@pytest.mark.parametrize(
    ("customer_id", "kind", "other"),
    [
        ("ada+test@example.com", "email", "id"),
        ("cio_d9c106000001", "cio_id", "id"),
        ("ada@intranet", "id", "email"),
        ("+4915112345678", "id", "phone"),
        ("d9c106000001", "id", "cio_id"),
    ],
)
def test_a_miss_says_what_it_was_looked_up_as_and_what_it_may_be(
    customer_id: str, kind: str, other: str
) -> None:
    told = f"looked up as {kind}, by its shape; try id_type='{other}' if it is one."
    assert told in hint(customer_id)
