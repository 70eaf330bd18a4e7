"""A page of a look-up leads on to what it does not show, and to nothing twice."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import responses

from customerio_tool import Clock, CustomerIoTool
from customerio_tool.backends import Backends
from tests.support.clients import SAVED_US, AnyPace, code_of

APP = "https://api.customer.io"
TRIGGER = f"{APP}/v1/campaigns/30/triggers/1"
LINES = [f"line {number}: {'x' * 500}" for number in range(100)]


@pytest.fixture
def tool() -> CustomerIoTool:
    return CustomerIoTool(SAVED_US, lookups=True, backends=Backends(limiter=AnyPace()))


def page_of_errors(request: Any) -> tuple[int, dict[str, str], str]:
    """Answer as the vendor pages errors: by a number to start at, and a limit."""
    start, limit = (int(request.params.get(n, d)) for n, d in (("start", 0), ("limit", 100)))
    following = start + limit if start + limit < len(LINES) else 0
    page = json.dumps({"errors": LINES[start : start + limit], "next": following})
    return 200, {"Content-Type": "application/json"}, page


def test_every_error_of_a_trigger_can_be_read(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(TRIGGER, json={"id": 1, "broadcast_id": 30})
    net.add_callback(responses.GET, f"{TRIGGER}/errors", page_of_errors)
    found: list[str] = []
    arguments: dict[str, Any] = {"broadcast_id": 30, "trigger_id": 1}
    while "cursor" not in arguments or arguments["cursor"]:
        page = tool.call("get_broadcast_trigger", arguments)
        found += page["errors"]
        arguments["cursor"] = page.get("next_cursor")
    assert [each.partition(":")[0] for each in found] == [f"line {n}" for n in range(100)]


def test_a_cursor_of_errors_needs_their_trigger(tool: CustomerIoTool) -> None:
    result = tool.call("get_broadcast_trigger", {"broadcast_id": 30, "cursor": "40"})
    assert code_of(result) == "arguments_invalid"


def test_every_segment_of_a_person_is_shown(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    rows = [{"id": n, "name": f"S {n}", "description": "d" * 900} for n in range(60)]
    net.get(f"{APP}/v1/customers/u1/segments", json={"segments": rows})
    result = tool.call("list_customer_segments", {"customer_id": "u1"})
    assert [each["id"] for each in result["segments"]] == list(range(60))
    assert result["truncated"] is True


LOOPS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "find_customers": (
        "POST",
        "/v1/customers",
        {"filter": {"segment": {"id": 1}}},
        {"identifiers": [{"id": "a", "email": None, "cio_id": "c"}]},
    ),
    "list_segment_members": (
        "GET",
        "/v1/segments/1/membership",
        {"segment_id": 1},
        {"identifiers": [{"id": "a", "email": None, "cio_id": "c"}]},
    ),
    "list_customer_activities": (
        "GET",
        "/v1/customers/u1/activities",
        {"customer_id": "u1"},
        {"activities": [{"type": "event", "customer_identifiers": {"id": "u1"}}]},
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_cursor_that_leads_back_is_not_followed(
    name: str, tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    method, path, arguments, reply = LOOPS[name]
    net.add(method, APP + path, json={**reply, "next": "7"})
    result = tool.call(name, {**arguments, "cursor": "7"})
    assert result["count"] == 1
    assert "next_cursor" not in result
    assert "leads back to this page" in result["summary"]


def test_nothing_of_a_type_may_be_a_wrong_type(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    net.get(f"{APP}/v1/customers/u1/activities", json={"activities": [], "next": ""})
    typed = tool.call("list_customer_activities", {"customer_id": "u1", "type": "email"})
    assert "a call without type shows them" in typed["summary"]
    plain = tool.call("list_customer_activities", {"customer_id": "u1"})
    assert "without type" not in plain["summary"]


def test_when_the_contents_of_a_day_are_read_the_message_can_be(
    net: responses.RequestsMock,
) -> None:
    message = f"{APP}/v1/messages/m1"
    net.get(message, json={"message": {"id": "m1"}})
    net.get(f"{message}/archived_message", status=429, json={"errors": [{"detail": "too many"}]})
    clock = Clock(now=time.time, sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(SAVED_US, lookups=True, backends=backends, clock=clock) as tool:
        refused = tool.call("get_message", {"message_id": "m1", "include_content": True})
        assert refused["error"]["next_step"] == "wait"
        assert "If that is refused too" in refused["summary"]
        assert "call it without include_content" in refused["summary"]
        assert tool.call("get_message", {"message_id": "m1"})["ok"]


def test_a_person_of_another_address_is_nobody_who_was_asked_for(
    tool: CustomerIoTool, net: responses.RequestsMock
) -> None:
    another = {"results": [{"id": "u8", "email": "eve@example.com", "cio_id": "c8"}]}
    net.get(f"{APP}/v1/customers", json=another)
    asked = {"email": "ada@example.com"}
    assert code_of(tool.call("find_customers", asked)) == "reply_unreadable"
    assert tool.call("find_customers", {"email": "Eve@Example.com"})["customers"]
