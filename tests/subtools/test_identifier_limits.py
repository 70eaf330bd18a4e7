"""An identifier has a limit and no end that does not show, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.declare.types import MAX_IDENTIFIER_BYTES
from tests.support.answers import session_with
from tests.support.clients import SAVED_US, example_of

EMAIL: dict[str, Any] = {
    "to": "a@example.com",
    "customer_id": "u1",
    "transactional_message_id": "1",
}
PUSH: dict[str, Any] = {"customer_id": "u1", "transactional_message_id": "1"}
BROADCAST: dict[str, Any] = {"broadcast_id": 1}
IDENTIFY: dict[str, Any] = {"customer_id": "u1"}


def relationship(**key: Any) -> dict[str, Any]:
    whole = {"object_type_id": "1", "object_id": "2", **key}
    return {**IDENTIFY, "relationships": [whole]}


PLACES: dict[str, Any] = {
    "identify_customer.customer_id": lambda x: {"customer_id": x, "attributes": {"a": 1}},
    "identify_customer.email": lambda x: {**IDENTIFY, "email": f"a@example.com{x}"},
    "identify_customer.attributes.id": lambda x: {**IDENTIFY, "attributes": {"id": x}},
    "identify_customer.attributes.email": lambda x: {
        **IDENTIFY,
        "attributes": {"email": f"a@example.com{x}"},
    },
    "identify_customer.attributes.anonymous_id": lambda x: {
        **IDENTIFY,
        "attributes": {"anonymous_id": x},
    },
    "identify_customer.relationships.object_id": lambda x: relationship(object_id=x),
    "identify_customer.relationships.object_type_id": lambda x: relationship(object_type_id=x),
    "identify_customer.relationships.cio_object_id": lambda x: {
        **IDENTIFY,
        "relationships": [{"cio_object_id": x}],
    },
    "track_event.customer_id": lambda x: {"customer_id": x, "name": "paid"},
    "track_event.event_id": lambda x: {"customer_id": "u1", "name": "paid", "event_id": x},
    "track_anonymous_event.anonymous_id": lambda x: {"anonymous_id": x, "name": "paid"},
    "track_anonymous_event.recipient": lambda x: {"recipient": f"a@example.com{x}", "name": "paid"},
    "add_device.device_id": lambda x: {"customer_id": "u1", "device_id": x, "platform": "ios"},
    "delete_device.device_id": lambda x: {"customer_id": "u1", "device_id": x},
    "merge_customers.primary_id": lambda x: {"primary_id": x, "secondary_id": "u2"},
    "merge_customers.secondary_id": lambda x: {"primary_id": "u1", "secondary_id": x},
    "add_to_segment.customer_ids": lambda x: {"segment_id": 1, "customer_ids": ["u1", x]},
    "remove_from_segment.customer_ids": lambda x: {"segment_id": 1, "customer_ids": ["u1", x]},
    "send_transactional_email.customer_id": lambda x: {**EMAIL, "customer_id": x},
    "send_transactional_email.template": lambda x: {**EMAIL, "transactional_message_id": x},
    "send_transactional_email.idempotency_key": lambda x: {**EMAIL, "idempotency_key": x},
    "send_transactional_push.to": lambda x: {**PUSH, "to": x},
    "send_transactional_push.custom_device": lambda x: {
        **PUSH,
        "custom_device": {"token": x, "platform": "ios"},
    },
    "trigger_broadcast.customer_ids": lambda x: {
        **BROADCAST,
        "audience": "customer_ids",
        "customer_ids": [x],
    },
    "trigger_broadcast.emails": lambda x: {
        **BROADCAST,
        "audience": "emails",
        "emails": [f"a@example.com{x}"],
    },
    "trigger_broadcast.per_user_data": lambda x: {
        **BROADCAST,
        "audience": "per_user_data",
        "per_user_data": [{"id": x}],
    },
    "trigger_broadcast.per_user_data.email": lambda x: {
        **BROADCAST,
        "audience": "per_user_data",
        "per_user_data": [{"email": f"a@example.com{x}"}],
    },
    "get_customer_attributes.customer_id": lambda x: {"customer_id": x},
    "list_messages.cursor": lambda x: {"cursor": x},
    "list_messages.customer_id": lambda x: {"customer_id": x},
    "create_manual_segment.name": lambda x: {"name": x},
}


def refusal(place: str, text: str) -> dict[str, Any]:
    """Return the one problem of a call with a text at a place."""
    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        result = tool.call(place.partition(".")[0], PLACES[place](text))
    assert not result["ok"], f"{place} takes {text[:20]!r}"
    assert result["error"]["code"] == "arguments_invalid"
    (problem,) = result["error"]["fields"]
    return {**problem, "problem": result["summary"]}


@pytest.mark.parametrize("place", PLACES)
def test_an_endless_identifier_is_refused(place: str) -> None:
    assert "bytes" in refusal(place, "x" * (MAX_IDENTIFIER_BYTES + 1))["problem"]


ADDRESSES = ("to", "cc", "bcc", "from_address", "reply_to")


@pytest.mark.parametrize("argument", ADDRESSES)
@pytest.mark.parametrize(
    "address",
    [
        *(
            "a@example.com\u200b",
            "a@example.com\u3164",
            "\u2800a@example.com",
            "\ufe0fa@example.com",
        ),
        *("a\u200b@example.com", "a@exam\u00adple.com", "Ada <a@example.com\u2800>"),
        f"{'x' * MAX_IDENTIFIER_BYTES}@example.com",
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_an_address_is_an_identifier_too(argument: str, address: str) -> None:
    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        result = tool.call("send_transactional_email", {**EMAIL, argument: address})

    assert result["error"]["fields"][0]["path"] == argument


@pytest.mark.parametrize("name", ["paid\u200b", "pa\u200bid", "\u3164", "\u2800", "\U000e0041"])
def test_the_name_of_an_event_or_attribute_shows(name: str) -> None:
    event = {"customer_id": "u1", "name": name}
    attribute = {"customer_id": "u1", "attributes": {f"{name}\u200b": 1}}

    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        for call in (("track_event", event), ("identify_customer", attribute)):
            assert tool.call(*call)["error"]["code"] == "arguments_invalid"


INVISIBLE = ["\u200b", "\u3164", "\ufe0f", "\u034f", "\u2800", "\u00a0", "\U000e0041", " "]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_an_end_that_does_not_show_is_refused(place: str, character: str) -> None:
    assert refusal(place, f"x{character}")["fix"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("character", ["\u200b", "\u115f", "\U000e0041"], ids=ascii)
def test_a_character_inside_that_does_not_show_is_refused(place: str, character: str) -> None:
    assert refusal(place, f"x{character}y")["fix"]


@pytest.mark.parametrize("text", ["👩‍💻", "نام‌خانوادگی", "team ❤️ 7"])
def test_an_identifier_whose_joiners_shape_what_shows_is_taken(text: str) -> None:
    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        result = tool.call("identify_customer", {"customer_id": text})

    assert result["verify"]["arguments"]["customer_id"] == text


def test_every_example_is_within_the_limit() -> None:
    with CustomerIoTool(SAVED_US, policy={"dry_run": True}) as tool:
        assert all(tool.call(name, example_of(name))["ok"] for name in tool.subtools())
