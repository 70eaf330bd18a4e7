"""A message repeats the names that a model made up, and none that may be of a person."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.declare.wording import WITHHELD, shown

EMAIL = {"to": "a@example.com", "customer_id": "u1", "transactional_message_id": "1"}
PUSH = {"customer_id": "u1", "transactional_message_id": "1"}
BROADCAST = {"broadcast_id": 30, "audience": "filter"}
LONG = "x" * 2000
CALLS: dict[str, tuple[str, Any]] = {
    "an argument": ("delete_customer", {"{}": 1}),
    "two arguments": ("delete_customer", {"{}": 1, "x{}": 2}),
    "a subtool": ("{}", {}),
    "an attribute": ("identify_customer", {"customer_id": "u1", "attributes": {"{}": LONG}}),
    "a reserved name": ("identify_customer", {"customer_id": "u1", "attributes": {"_{}": 1}}),
    "an event's data": (
        "track_event",
        {"customer_id": "u1", "name": "a", "data": {"{}": float("nan")}},
    ),
    "a member given twice": ("delete_customer", '{{"{0}": 1, "{0}": 2}}'),
    "a relationship": ("identify_customer", {"customer_id": "u1", "relationships": [{"{}": 1}]}),
    "a device": (
        "add_device",
        {"customer_id": "u1", "device_id": "t", "platform": "ios", "attributes": {"{}": None}},
    ),
    "a filter": ("trigger_broadcast", {**BROADCAST, "filter": {"{}": {}}}),
    "data for an app": ("send_transactional_push", {**PUSH, "custom_data": {"{}": None}}),
    "a device of a push": ("send_transactional_push", {**PUSH, "custom_device": {"{}": 1}}),
    "a header": ("send_transactional_email", {**EMAIL, "headers": {"{}": 1.5}}),
    "a file": ("send_transactional_email", {**EMAIL, "attachments": {"{}": 1.5}}),
}


def filled(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {filled(key, name): filled(each, name) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, name) for each in value]
    return value.format(name) if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["ada@example.com", "+49 151 123-45678", "4915112345678.pdf"])
@pytest.mark.parametrize("call", CALLS)
def test_a_name_that_may_be_of_a_person_is_in_no_error(call: str, name: str) -> None:
    subtool, arguments = CALLS[call]
    with CustomerIoTool.sandbox(policy="open") as tool:
        result = tool.call(filled(subtool, name), filled(arguments, name))
    assert not result["ok"]
    assert name not in json.dumps(result, ensure_ascii=False)
    assert "45678" not in json.dumps(result)


@pytest.mark.parametrize("name", ["plan", "plan_2025_11", "größe", "utm[0]", "q4-2026"])
def test_any_other_name_is_repeated(name: str) -> None:
    assert shown(name) == name


@pytest.mark.parametrize("name", ["ada\u200b@example.com", "01512 3456789", "(0151) 23.45.67"])
def test_what_may_be_an_address_or_a_telephone_number_is_withheld(name: str) -> None:
    assert shown(name) == WITHHELD


def test_the_choices_are_told_although_every_unknown_name_is_withheld() -> None:
    unknown = {"a@example.com": 1, "b@example.com": 2}
    with CustomerIoTool.sandbox(policy="open") as tool:
        told = tool.call("get_segment", {"segment_id": 1, **unknown})["summary"]
    assert "choose from segment_id, include_count" in told
