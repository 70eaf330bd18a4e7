"""An attribute that is hidden is never returned, wherever a result would hold it."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from customerio_tool.sandbox import Sandbox
from tests.support.policies import call, tool_with

ADA = {"customer_id": "u1"}


def test_a_hidden_attribute_is_not_returned(sandbox: Sandbox) -> None:
    plain = call(tool_with(sandbox.connection()), "get_customer_attributes", ADA)
    secret = plain["customer"]["attributes"]["email"]
    assert "withheld" not in plain

    tool = tool_with(sandbox.connection(), hidden_attributes="EMAIL, plan")
    result = call(tool, "get_customer_attributes", ADA)
    assert "withheld" not in result
    assert "plan" not in result["customer"]["attributes"]
    assert "email" not in result["customer"]["identifiers"]
    assert secret not in json.dumps(result)
    assert result["customer"]["identifiers"]["id"] == "u1"
    Draft202012Validator(tool.definition("get_customer_attributes")["output_schema"]).validate(
        result
    )


@pytest.mark.parametrize("hidden", ["address.city", "Attributes.Address.CITY"])
def test_a_name_with_dots_hides_a_part_of_an_attribute(hidden: str) -> None:
    held = {"address": {"city": "Rome", "zip": "00100"}, "city": "Oslo"}
    lines = '{"city": "Rome"}\n{"city": "Rome"}'
    person = {"id": "u9", "email": "u9@example.com", "attributes": {**held, "lines": lines}}
    with Sandbox(seed={"people": [person]}) as own:
        tool = tool_with(own.connection(), hidden_attributes=[hidden])
        result = call(tool, "get_customer_attributes", {"customer_id": "u9"})
    shown = result["customer"]["attributes"]
    assert json.loads(shown["address"]) == {"zip": "00100"}
    assert shown["city"] == "Oslo"
    assert "Rome" not in json.dumps(result)


def test_asking_for_a_hidden_attribute_by_name_does_not_tell_whether_it_is_set(
    sandbox: Sandbox,
) -> None:
    tool = tool_with(sandbox.connection(), hidden_attributes=["email", "never_set"])
    asked = {**ADA, "attribute_names": ["Email", "never_set", "plan", "no_such"]}
    result = call(tool, "get_customer_attributes", asked)
    assert result["withheld"] == ["Email", "never_set"]
    assert result["not_set"] == ["no_such"]
    assert list(result["customer"]["attributes"]) == ["plan"]


def test_a_hidden_address_is_not_told_by_the_list_of_messages(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection()) as plain:
        messages = plain.call("list_messages", {})["messages"]
    assert any(message.get("recipient") for message in messages)

    tool = tool_with(sandbox.connection(), hidden_attributes=["email", "id"])
    result = call(tool, "list_messages", {})
    assert len(result["messages"]) == len(messages)
    for message in result["messages"]:
        assert "recipient" not in message
        assert "customer_id" not in message
        assert not message.get("customer_identifiers", {}).keys() & {"email", "id"}


@pytest.mark.parametrize("hidden", ["email", "Phone", "cio_id", "id"])
def test_where_a_message_went_is_not_told_if_it_may_be_a_hidden_attribute(
    hidden: str, sandbox: Sandbox
) -> None:
    result = call(tool_with(sandbox.connection(), hidden_attributes=[hidden]), "list_messages", {})
    assert result["messages"]
    assert not any("recipient" in message for message in result["messages"])
