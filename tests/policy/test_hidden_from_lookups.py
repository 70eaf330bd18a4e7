"""No look-up shows a hidden attribute, wherever it may stand, or tells it by what it finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import lookups
from customerio_tool.subtools.declare import NO_PEOPLE
from tests.policy.test_hidden_oracles import BY_FILTER, HIDDEN
from tests.support.clients import SAVED_US, AnyPace, code_of
from tests.support.filled_replies import CALLS, serve
from tests.support.policies import paths_of, tool_with

SECRET = "ada@secret.example"
OF_PEOPLE = [
    pytest.param(name, arguments, id=f"{name}-{number}")
    for name, calls in CALLS.items()
    if lookups()[name].people != NO_PEOPLE
    for number, arguments in enumerate(calls, start=1)
]


def hiding(*names: str, saved: Any = SAVED_US) -> CustomerIoTool:
    policy = {"hidden_attributes": list(names), "lookups": True}
    return CustomerIoTool(saved, policy=policy, backends=Backends(limiter=AnyPace()))


@pytest.mark.parametrize(("name", "arguments"), OF_PEOPLE)
def test_a_hidden_address_is_in_no_text_of_a_look_up(
    name: str, arguments: dict[str, Any], net: responses.RequestsMock
) -> None:
    def fill(member: str) -> str:
        return SECRET if member in ("email", "recipient") else f"About {member} of {SECRET}."

    named = {n: SECRET for n in ("email", "customer_id") if "@" in str(arguments.get(n))}
    serve(net, name, {**arguments, **named}, fill)
    with hiding("email") as tool:
        result = tool.call(name, {**arguments, **named})
    assert result["ok"], result
    assert "secret.example" not in json.dumps(result)


def test_a_hidden_address_that_the_call_gives_still_names_its_person(sandbox: Sandbox) -> None:
    person = {"customer_id": "hidden-1", "email": SECRET}
    with hiding("email", saved=sandbox.connection()) as tool:
        tool.call("identify_customer", person)
        by_address = tool.call("find_customers", {"email": SECRET})
        attribute = {"field": "email", "operator": "eq", "value": SECRET}
        by_filter = tool.call("find_customers", {"filter": {"attribute": attribute}})
    assert [each["id"] for each in by_address["customers"]] == ["hidden-1"]
    assert SECRET not in json.dumps(by_address)
    assert code_of(by_filter) == "arguments_invalid"


def test_a_hidden_attribute_is_in_no_timeline(sandbox: Sandbox) -> None:
    with hiding("plan", saved=sandbox.connection()) as tool:
        tool.call("identify_customer", {"customer_id": "u1", "attributes": {"plan": "gold-7"}})
        tool.call("track_event", {"customer_id": "u1", "name": "e", "data": {"Plan": "gold-7"}})
        result = tool.call("list_customer_activities", {"customer_id": "u1", "limit": 5})
    assert {"event", "attribute_change"} <= {each["type"] for each in result["activities"]}
    assert "gold-7" not in json.dumps(result)


def test_a_part_of_an_attribute_that_is_hidden_is_in_no_timeline(sandbox: Sandbox) -> None:
    home = {"address": {"city": "Secretville", "street": "High"}}
    with hiding("address.city", saved=sandbox.connection()) as tool:
        tool.call("identify_customer", {"customer_id": "u1", "attributes": home})
        tool.call("identify_customer", {"customer_id": "u1", "attributes": {"address": "gone"}})
        result = tool.call("list_customer_activities", {"customer_id": "u1", "limit": 5})
    assert "High" in json.dumps(result)
    assert "Secretville" not in json.dumps(result)


def test_the_subject_of_a_mail_prints_no_hidden_attribute(sandbox: Sandbox) -> None:
    mail = {
        "to": "x@example.com",
        "customer_id": "u1",
        "subject": "You are on {{customer.plan}}",
        "body": "Hi",
    }
    with CustomerIoTool(sandbox.connection(), lookups=True) as tool:
        sent = tool.call("send_transactional_email", mail)["delivery_id"]
        reads = {"get_message": {"message_id": sent}, "list_messages": {"customer_id": "u1"}}
        assert all("on pro" in json.dumps(tool.call(*each)) for each in reads.items())
    with hiding("plan", saved=sandbox.connection()) as tool:
        for name, arguments in reads.items():
            result = tool.call(name, arguments)
            assert sent in json.dumps(result)
            assert "on pro" not in json.dumps(result)


def test_a_hidden_number_is_in_no_reason_however_it_is_written(
    net: responses.RequestsMock,
) -> None:
    said = (
        "Invalid: +1 415 555 0123 / (415) 555-0123 / 1-415-555-0123 or 14155550123. Code 30006111"
    )
    message = {"id": "m1", "recipient": "+14155550123", "failure_message": said}
    net.get("https://api.customer.io/v1/messages/m1", json={"message": message})
    with hiding("phone") as tool:
        shown = tool.call("get_message", {"message_id": "m1"})["message"]
    assert shown["failure_message"] == "Invalid: *** / *** / *** or ***. Code 30006111"


def test_a_mail_that_may_print_a_hidden_attribute_is_not_shown(sandbox: Sandbox) -> None:
    mail = {
        "to": "x@example.com",
        "customer_id": "u1",
        "subject": "Hi",
        "body": "{{customer.first_name}} is on {{customer.plan}}",
    }
    with CustomerIoTool(sandbox.connection(), lookups=True) as tool:
        sent = tool.call("send_transactional_email", mail)["delivery_id"]
        asked = {"message_id": sent, "include_content": True}
        assert "Ada is on pro" in json.dumps(tool.call("get_message", asked))
    with hiding("plan", saved=sandbox.connection()) as tool:
        result = tool.call("get_message", asked)
    assert result["ok"]
    assert [each["operation"] for each in sandbox.requests()].count("archived_message") == 1
    assert "on pro" not in json.dumps(result)
    assert "may print what this agent may not see" in result["summary"]


def test_a_template_does_not_tell_that_it_reads_a_hidden_attribute(sandbox: Sandbox) -> None:
    body = (
        "{{customer.salary | default: 'none'}} {{ customer.address.city }} {{customer.name}}"
        "{% for each in customer.address %}{{ each.city }}{% endfor %}"
    )
    new = {"name": "raise", "channel": "email", "content": {"subject": "Hi", "body": body}}
    sandbox.seed({"templates": [{"id": 9, **new}]})
    asked = {"transactional_id": 9, "include_body": True}
    with hiding("salary", "address.city", saved=sandbox.connection()) as tool:
        result = tool.call("get_transactional_message", asked)
    shown = result["contents"][0]["body"]
    assert shown == "*** *** {{customer.name}}***{{ each.city }}{% endfor %}"
    assert result["customer_attributes"] == ["email", "name"]


@pytest.mark.parametrize(("condition", "path"), BY_FILTER.values(), ids=BY_FILTER.keys())
def test_nobody_is_found_by_a_hidden_attribute(condition: dict[str, Any], path: str) -> None:
    with tool_with(hidden_attributes=HIDDEN, lookups=True) as tool:
        result = tool.call("find_customers", {"filter": condition})
    assert (code_of(result), paths_of(result)) == ("arguments_invalid", [path])


@pytest.mark.parametrize("name", ["birthday", " BirthDay", "address.city", "birth\u200bday"])
def test_no_timeline_is_searched_for_a_hidden_attribute(name: str) -> None:
    given = {"customer_id": "u1", "type": "attribute_change", "name": name}
    with tool_with(hidden_attributes=HIDDEN, lookups=True) as tool:
        result = tool.call("list_customer_activities", given)
    assert (code_of(result), paths_of(result)) == ("arguments_invalid", ["name"])
