"""A reply about another object than was asked for is no answer, and never called one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.calls.request import path_for
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import APP_US, SAVED_US, code_of

ONE_OBJECT = {
    name for name, each in subtools().items() if each.effect is Effect.READ and each.about
}
METRIC = {"series": {"sent": [1]}}


def person(kind: str, value: Any) -> dict[str, Any]:
    identifiers = {"id": "u8", "email": "bo@example.com", "cio_id": "d9c106000008", kind: value}
    attributes = {name: each for name, each in identifiers.items() if each is not None}
    return {"customer": {"identifiers": identifiers, "attributes": attributes}}


def lookup(customer_id: str, id_type: str | None = None) -> tuple[str, dict[str, Any]]:
    given = {} if id_type is None else {"id_type": id_type}
    return "get_customer_attributes", {"customer_id": customer_id, **given}


SEGMENT, CAMPAIGN = {"segment_id": 7}, {"campaign_id": 7}
OTHERS: list[tuple[str, dict[str, Any], Any]] = [
    ("get_segment", SEGMENT, {"segment": {"id": 8, "name": "Beta"}}),
    ("get_segment", SEGMENT, {"segment": {"id": "8"}}),
    ("get_segment", SEGMENT, {"segment": {"id": None}}),
    ("get_segment", SEGMENT, {"segment": {"id": [7]}}),
    ("get_segment", {"segment_id": 1}, {"segment": {"id": True}}),
    ("get_campaign", CAMPAIGN, {"campaign": {"id": 8}}),
    ("get_campaign", CAMPAIGN, {"campaign": {"id": "07"}}),
    ("get_campaign_metrics", CAMPAIGN, {"metric": {**METRIC, "campaign_id": 8}}),
    ("get_campaign_metrics", CAMPAIGN, {"metric": METRIC, "campaign_id": "8"}),
    (*lookup("u7"), person("id", "u8")),
    (*lookup("u7"), person("id", "U7")),
    (*lookup("u7"), person("id", None)),
    (*lookup("u7"), {"customer": {"id": "u8"}}),
    (*lookup("u7"), {"customer": {"attributes": {"id": "u8"}}}),
    (*lookup("ada@example.com"), person("email", "eve@example.com")),
    (*lookup("ada@example.com", "id"), person("email", "ada@example.com")),
    (*lookup("cio_d9c106000007"), person("cio_id", "d9c106000008")),
    (*lookup("d9c106000007", "cio_id"), person("cio_id", "d9c106000008")),
    (*lookup("+1 415 555 0123", "phone"), person("phone", "+14155550124")),
    ("list_messages", CAMPAIGN, {"messages": [{"id": "a", "campaign_id": 8}]}),
    ("list_messages", CAMPAIGN, {"messages": [{"id": "a", "newsletter_id": 7}]}),
    ("list_messages", {"newsletter_id": 7}, {"messages": [{"newsletter_id": 8}]}),
    ("list_messages", {"newsletter_id": 7}, {"messages": [{"campaign_id": 7}]}),
    ("list_messages", {"action_id": 7}, {"messages": [{"action_id": 8}]}),
]
SAME: list[tuple[str, dict[str, Any], Any]] = [
    ("get_segment", SEGMENT, {"segment": {"id": 7}}),
    ("get_segment", SEGMENT, {"segment": {"id": "7"}}),
    ("get_segment", SEGMENT, {"segment": {"id": 7.0}}),
    ("get_segment", SEGMENT, {"segment": {"name": "no id"}}),
    ("get_campaign", CAMPAIGN, {"campaign": {"id": 7}}),
    ("get_campaign_metrics", CAMPAIGN, {"metric": METRIC}),
    ("get_campaign_metrics", CAMPAIGN, {"metric": METRIC, "campaign_id": 7}),
    (*lookup("u8"), person("id", "u8")),
    (*lookup("8"), person("id", 8)),
    (*lookup("u8"), {"customer": {"attributes": {"plan": "pro"}}}),
    (*lookup("ada@example.com"), person("email", "Ada@Example.com")),
    (*lookup("zoe\u0308@example.com"), person("email", "zo\u00eb@example.com")),
    (*lookup("ada@intranet", "email"), person("email", "ada@intranet")),
    (*lookup("cio_d9c106000008"), person("cio_id", "d9c106000008")),
    (*lookup("d9c106000008", "cio_id"), person("cio_id", "cio_d9c106000008")),
    (*lookup("+1 415 555 0123", "phone"), person("phone", "+14155550123")),
    (*lookup("+14155550123", "phone"), person("id", "u8")),
    ("list_messages", CAMPAIGN, {"messages": [{"id": "a", "campaign_id": 7}]}),
    ("list_messages", CAMPAIGN, {"messages": [{"id": "a", "broadcast_id": 7}]}),
    ("list_messages", CAMPAIGN, {"messages": [{"id": "a"}]}),
    ("list_messages", CAMPAIGN, {"messages": []}),
    ("list_messages", {"newsletter_id": 7}, {"messages": [{"newsletter_id": "7"}]}),
    ("list_messages", {"action_id": 7}, {"messages": [{"action_id": 8, "parent_action_id": 7}]}),
]


def answered(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, arguments: Any, reply: Any
) -> dict[str, Any]:
    net.get(f"{APP_US}{_path(name, arguments)}", json=reply)
    return tool.call(name, arguments)


def _path(name: str, arguments: Any) -> str:
    subtool = subtools()[name]
    args = subtool.parse(arguments)
    return path_for(subtool.endpoint_of(args), args)


@pytest.mark.parametrize(("name", "arguments", "reply"), OTHERS, ids=str)
def test_an_answer_about_another_object_is_unreadable(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, arguments: Any, reply: Any
) -> None:
    result = answered(net, tool, name, arguments, reply)
    error = result["error"]
    assert (error["code"], error["took_effect"]) == ("reply_unreadable", "no")
    assert set(result) == {"ok", "summary", "error"}
    assert len(net.calls) == 1


@pytest.mark.parametrize(("name", "arguments", "reply"), SAME, ids=str)
def test_an_answer_about_what_was_asked_for_is_read_however_it_names_it(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, arguments: Any, reply: Any
) -> None:
    assert answered(net, tool, name, arguments, reply)["ok"]


def test_every_read_of_one_object_is_tried_with_another_one() -> None:
    assert {name for name, *_ in OTHERS} == ONE_OBJECT == {name for name, *_ in SAME}


def test_what_the_policy_hides_is_compared_too(net: responses.RequestsMock) -> None:
    policy = {"hidden_attributes": ["email"]}
    net.get(
        f"{APP_US}/v1/customers/ada%40example.com/attributes",
        json=person("email", "eve@example.com"),
    )
    with CustomerIoTool(SAVED_US, policy=policy) as tool:
        result = tool.call("get_customer_attributes", {"customer_id": "ada@example.com"})
    assert code_of(result) == "reply_unreadable"
    assert "eve" not in json.dumps(result)


def test_a_count_of_another_segment_is_not_told(
    net: responses.RequestsMock, tool: CustomerIoTool
) -> None:
    net.get(f"{APP_US}/v1/segments/7", json={"segment": {"id": 7}})
    net.get(f"{APP_US}/v1/segments/7/customer_count", json={"segment_id": 8, "count": 3})
    result = tool.call("get_segment", {**SEGMENT, "include_count": True})
    assert code_of(result) == "reply_unreadable"


# Lists


def test_messages_of_another_campaign_are_left_out_and_prove_no_absence(
    net: responses.RequestsMock, tool: CustomerIoTool
) -> None:
    rows = [{"id": "a", "campaign_id": 8}, {"id": "b", "campaign_id": 7}, {"id": "c"}]
    result = answered(net, tool, "list_messages", CAMPAIGN, {"messages": rows})
    assert [each["id"] for each in result["messages"]] == ["b", "c"]
    assert "1 on this page were left out" in result["summary"]
    assert "proves nothing" in result["summary"]


@pytest.mark.parametrize(
    ("who", "row", "is_told"),
    [
        ("u7", {"customer_id": "u7"}, False),
        ("u7", {"customer_identifiers": {"id": "u7"}}, False),
        ("u7", {"customer_identifiers": {"id": None}}, False),
        ("u7", {"customer_id": "u8"}, True),
        ("u7", {"customer_identifiers": {"id": "u8"}}, True),
        ("ada@example.com", {"customer_identifiers": {"email": "ADA@example.com"}}, False),
        ("ada@example.com", {"customer_identifiers": {"email": "eve@example.com"}}, True),
        ("cio_d9", {"customer_identifiers": {"cio_id": "d8"}}, True),
    ],
)
def test_a_message_that_names_another_person_is_told_as_such(
    net: responses.RequestsMock, tool: CustomerIoTool, who: str, row: Any, is_told: bool
) -> None:
    arguments = {"customer_id": who}
    result = answered(net, tool, "list_messages", arguments, {"messages": [{"id": "a", **row}]})
    assert ("1 of them name another person" in result["summary"]) is is_told


# What a read shows after an answer that was lost


@pytest.mark.parametrize(("broadcast", "is_told"), [(30, True), ("30", True), (31, False)])
def test_a_trigger_of_another_broadcast_is_no_trace_of_a_lost_one(
    sandbox: Sandbox, broadcast: Any, is_told: bool
) -> None:
    sandbox.clock.freeze()
    at = int(sandbox.clock.now())
    listed = [{"id": 5, "broadcast_id": broadcast, "created_at": at}]
    sandbox.fault(operation="trigger_broadcast", action="reset_before_applying")
    sandbox.fault(operation="list_triggers", body={"triggers": listed})
    with CustomerIoTool(sandbox.connection()) as tool:
        result = tool.call("trigger_broadcast", {"broadcast_id": 30, "audience": "default"})
    assert code_of(result) == "outcome_unknown"
    assert ("possibly" in result) is is_told
