"""A phone number finds nobody on Track and would make a new person, so it is refused there."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Api
from tests.subtools.calls import refusal_of
from tests.support.sandbox_api import Api as Http

PHONES = (
    *("+14155550123", "+1 415 555 0123", "+1 (415) 555-0123", "+1-415-555-0123", "+1.415.555.0123"),
    *("+44 20 7946 0958", "tel:+14155550123", "sms:+14155550123", "%2B14155550123", "+4930123456"),
    *("\uff0b14155550123", "+1\u2011415\u2011555\u20110123"),
)
NO_PHONES = (
    "14155550123",
    "+1",
    "+",
    "a+14155550123",
    "+12345",
    "+1415555012345678",
    "+1415555012x",
)
TRACK = {
    name: subtool
    for name, subtool in subtools().items()
    if subtool.endpoint.api is Api.TRACK and subtool.person_argument
}


def with_person(name: str, person: str) -> dict[str, Any]:
    subtool = TRACK[name]
    return {**subtool.examples[0].arguments, str(subtool.person_argument): person}


@pytest.mark.parametrize("name", TRACK)
@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_number_is_no_identifier_on_track(name: str, phone: str) -> None:
    (problem,) = refusal_of(TRACK[name], **with_person(name, phone)).fields
    assert problem.path == TRACK[name].person_argument
    assert "phone number" in problem.problem
    assert "get_customer_attributes" in problem.fix
    assert "0123" not in str(problem)


@pytest.mark.parametrize("name", TRACK)
@pytest.mark.parametrize("text", NO_PHONES)
def test_what_only_resembles_a_phone_number_is_an_id(name: str, text: str) -> None:
    TRACK[name].parse(with_person(name, text))


@pytest.mark.parametrize(("id_type", "refused"), [(None, True), ("id", False)])
def test_people_of_a_segment_are_no_phone_numbers_unless_they_are_ids(
    id_type: str | None, *, refused: bool
) -> None:
    call = {"segment_id": 1, "customer_ids": ["+14155550123", "+4930123456"], "id_type": id_type}
    if refused:
        (problem,) = refusal_of(subtools()["add_to_segment"], **call).fields
        assert problem.path == "customer_ids[0]"
    else:
        assert subtools()["add_to_segment"].parse(call).kind == "id"


def test_a_read_may_look_a_phone_number_up() -> None:
    for name in ("get_customer_attributes", "list_messages"):
        subtools()[name].parse({"customer_id": "+14155550123", "id_type": "phone"})
        subtools()[name].parse({"customer_id": "+14155550123"})


def test_whose_id_is_a_phone_number_is_reached_as_the_error_says() -> None:
    phone = "+14155550123"
    with CustomerIoTool.sandbox() as tool:
        assert tool.local
        Http(tool.local).identify(phone, plan="pro")
        change = {"attributes": {"plan": "free"}}
        refused = tool.call("identify_customer", {"customer_id": phone, **change})
        assert "id_type='phone' ('id' if it is their id)" in refused["summary"]
        found = tool.call("get_customer_attributes", {"customer_id": phone, "id_type": "id"})
        cio_id = f"cio_{found['customer']['identifiers']['cio_id']}"
        assert tool.call("identify_customer", {"customer_id": cio_id, **change})["ok"]
        again = tool.call("get_customer_attributes", {"customer_id": phone, "id_type": "id"})
    assert again["customer"]["attributes"]["plan"] == "free"
