"""Tasks that begin with names and addresses alone, done with the look-ups and ended right.

Each step takes what it needs from an earlier result, as a model would; none knows an id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CustomerIoTool

SEED: dict[str, Any] = {
    "people": [
        {
            "id": "c-17",
            "email": "jane@example.com",
            "attributes": {"first_name": "Jane"},
            "segments": ["Beta"],
        },
        {"id": "c-18", "email": "bob@example.com", "unsubscribed": True, "segments": ["Beta"]},
        {"id": "c-19", "attributes": {"first_name": "Cleo"}, "segments": ["Beta"]},
        {"id": "ivy-1", "email": "ivy@example.com", "attributes": {"first_name": "Ivy"}},
        {"id": "ivy-2", "attributes": {"first_name": "Ivy", "city": "Ulm"}},
    ],
    "segments": [{"id": 7, "name": "Beta"}],
    "templates": [
        {
            "id": 5,
            "name": "Receipt",
            "channel": "email",
            "content": {
                "from": "shop@example.com",
                "subject": "Order {{trigger.order.number}}",
                "body": "Hi {{customer.first_name}}, you paid {{trigger.order.total}}"
                "{% if trigger.note %} ({{trigger.note | default: ''}}){% endif %}.",
            },
        }
    ],
    "broadcasts": [
        {
            "id": 40,
            "name": "Friday news",
            "actions": [{"type": "email", "id": 71, "subject": "News", "body": "News"}],
            "default_recipients": {"segment": {"id": 7}},
        }
    ],
}


class Agent:
    """Makes calls as a model does, and keeps which."""

    def __init__(self, tool: CustomerIoTool) -> None:
        self.tool = tool
        self.made: list[str] = []

    def __call__(self, subtool: str, /, **arguments: Any) -> dict[str, Any]:
        self.made.append(subtool)
        result = self.tool.call(subtool, arguments)
        assert result["ok"], result
        return result


@pytest.fixture
def agent() -> Iterator[Agent]:
    with CustomerIoTool.sandbox(seed=SEED, lookups=True) as tool:
        yield Agent(tool)


def test_send_jane_the_receipt_template_with_her_last_order(agent: Agent) -> None:
    order = {"number": 17, "total": "9.50 EUR"}
    agent("track_event", customer_id="c-17", name="order_paid", data={"number": 3, "total": "1"})
    agent.tool.local.clock.advance(60)  # type: ignore[union-attr]  # it is on a sandbox
    agent("track_event", customer_id="c-17", name="order_paid", data=order)

    [jane] = agent("find_customers", email="jane@example.com")["customers"]
    [newest] = agent(
        "list_customer_activities",
        customer_id=jane["id"],
        type="event",
        name="order_paid",
        limit=1,
    )["activities"]
    [template] = agent("list_transactional_messages", name_contains="receipt")["messages"]
    reads = agent("get_transactional_message", transactional_id=template["id"])
    assert reads["message_data"] == ["order.number", "order.total"]
    assert reads["message_data_optional"] == ["note"]
    sent = agent(
        "send_transactional_email",
        to=jane["email"],
        customer_id=jane["id"],
        transactional_message_id=template["id"],
        message_data={"order": newest["data"]},
    )
    seen = agent("get_message", message_id=sent["delivery_id"], include_content=True)
    assert seen["message"]["recipient"] == "jane@example.com"
    assert seen["content"]["subject"] == "Order 17"
    assert seen["content"]["body"] == "Hi Jane, you paid 9.50 EUR."


def test_who_in_segment_beta_did_not_get_the_broadcast_and_why(agent: Agent) -> None:
    agent("trigger_broadcast", broadcast_id=40, audience="default")

    [segment] = agent("list_segments", name_contains="Beta")["segments"]
    members = agent("list_segment_members", segment_id=segment["id"])
    assert members["total"] == members["count"] == 3
    [broadcast] = agent("list_broadcasts", name_contains="friday")["broadcasts"]
    triggers = agent("get_broadcast_trigger", broadcast_id=broadcast["id"])["triggers"]
    of_trigger = {"broadcast_id": broadcast["id"], "trigger_id": triggers[0]["id"]}
    assert agent("get_broadcast_trigger", **of_trigger)["errors"] == []
    sent = agent(
        "list_messages", campaign_id=of_trigger["broadcast_id"], trigger_id=of_trigger["trigger_id"]
    )["messages"]
    got = {each["customer_id"] for each in sent if each["reached"] == "sent"}
    missed = [each["id"] for each in members["members"] if each["id"] not in got]
    assert missed == ["c-18", "c-19"]

    why = {}
    for person in missed:
        own = [each for each in sent if each["customer_id"] == person]
        if own:
            message = agent("get_message", message_id=own[0]["id"])["message"]
            why[person] = message["failure_message"]
        else:
            stored = agent("get_customer_attributes", customer_id=person)["customer"]
            why[person] = "unsubscribed" if stored["unsubscribed"] else "unknown"
    assert why == {"c-18": "unsubscribed", "c-19": "no address for email"}


def test_merge_the_two_profiles_of_ivy(agent: Agent) -> None:
    named = {"attribute": {"field": "first_name", "operator": "eq", "value": "Ivy"}}
    found = agent("find_customers", filter=named)["customers"]
    assert [each.get("email") for each in found] == ["ivy@example.com", None]
    primary, secondary = (each["id"] for each in found)
    agent("merge_customers", primary_id=primary, secondary_id=secondary)

    assert [each["id"] for each in agent("find_customers", filter=named)["customers"]] == [primary]
    stored = agent("get_customer_attributes", customer_id=primary)["customer"]["attributes"]
    assert (stored["email"], stored["city"]) == ("ivy@example.com", "Ulm")
    merged = agent("list_customer_activities", customer_id=primary, type="profile_merge")
    assert merged["count"] == 1
