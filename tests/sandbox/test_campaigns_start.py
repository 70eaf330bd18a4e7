"""Campaigns start by events and by entering segments, and make deliveries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import Api

MAIL = {"type": "email", "id": 990, "subject": "Hi"}
PUSH = {"type": "push", "id": 991, "subject": "Hi"}


def campaign(api: Api, **fields: Any) -> None:
    own = {"id": 99, "name": "Hello", "event_name": "hello", "actions": [MAIL], **fields}
    api.sandbox.seed({"campaigns": [own]})


def sent(api: Api) -> list[tuple[str, str | None]]:
    """Channel and recipient of the campaign's deliveries."""
    found = [each for each in api.sandbox.state()["deliveries"] if each["campaign_id"] == 99]
    return [(each["type"], each["recipient"]) for each in found]


def test_each_action_makes_a_delivery_and_a_missing_address_a_failed_one(api: Api) -> None:
    """It shows as failed, with its message."""
    campaign(api, actions=[MAIL, PUSH])
    api.event("u1", "hello")
    assert sent(api) == [("email", "ada+test@example.com"), ("push", "apns:ada-phone")]
    api.event("u6", "hello")
    mail, push = api.sandbox.state()["deliveries"][-2:]
    assert mail["failure_message"] == "no address for email"
    assert "failed" in push["metrics"]
    assert "sent" not in push["metrics"]


@pytest.mark.parametrize("state", ["draft", "stopped"])
def test_only_a_running_campaign_starts(api: Api, state: str) -> None:
    """State running, draft or stopped."""
    campaign(api, state=state)
    api.event("u1", "hello")
    assert sent(api) == []


def test_only_the_event_of_this_very_name_starts_it(api: Api) -> None:
    """The name, trimmed."""
    campaign(api)
    for name in ("Hello", "hello2", " hello "):
        api.event("u1", name)
    assert len(sent(api)) == 1


def test_people_outside_its_filter_segments_are_left_out(api: Api) -> None:
    """filter_segment_ids, of manual and dynamic segments alike."""
    campaign(api, filter_segment_ids=[1, 2])
    for identifier in ("u1", "team/42", "u6"):  # both, beta only, pro only
        api.event(identifier, "hello")
    assert sent(api) == [("email", "ada+test@example.com")]


def test_joining_a_manual_segment_starts_its_campaign_once(api: Api) -> None:
    """trigger_segment_ids."""
    campaign(api, type="segment", event_name=None, trigger_segment_ids=[1])
    for _ in range(2):
        api.accept("POST", "/api/v1/segments/1/add_customers", {"ids": ["u3", "u1"]})
    assert sent(api) == [("email", "zoë@example.com")]


def test_entering_a_dynamic_segment_again_starts_its_campaign_again(api: Api) -> None:
    """Membership is computed at every change of attributes."""
    campaign(api, type="segment", event_name=None, trigger_segment_ids=[2])
    for plan in ("pro", "free", "pro", "pro"):
        api.identify("u3", plan=plan)
    assert len(sent(api)) == 2


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ({"attribute": {"field": "seats", "operator": "eq", "value": "5"}}, ["u1"]),
        ({"attribute": {"field": "seats", "operator": "eq", "value": 5}}, ["u1"]),
        ({"not": {"attribute": {"field": "plan", "operator": "exists"}}}, ["u3", "u5"]),
        (
            {
                "or": [
                    {"attribute": {"field": "city", "operator": "exists"}},
                    {"attribute": {"field": "unsubscribed", "operator": "eq", "value": True}},
                ]
            },
            ["u3", "u5"],
        ),
        ({"and": [{"segment": {"id": 1}}, {"segment": {"id": 2}}]}, ["u1"]),
    ],
)
def test_a_dynamic_segment_is_computed_from_attributes_and_segments(
    api: Api, conditions: Any, ids: list[str]
) -> None:
    """And, or, not, segment, attribute with eq and exists; they nest."""
    api.sandbox.seed({"segments": [{"id": 50, "name": "Some", "conditions": conditions}]})
    assert api.get("/v1/segments/50/membership")["ids"] == ids
    assert api.get("/v1/segments/50/customer_count")["count"] == len(ids)
    assert api.get("/v1/segments/50")["segment"]["type"] == "dynamic"


def test_a_dynamic_segment_of_a_deleted_one_is_empty(api: Api) -> None:
    """What no longer exists has no members."""
    api.sandbox.seed({"segments": [{"id": 50, "name": "B", "conditions": {"segment": {"id": 1}}}]})
    assert api.get("/v1/segments/50/customer_count")["count"] == 2
    assert api.app("DELETE", "/v1/segments/1").status_code == 204
    assert api.get("/v1/segments/50/customer_count")["count"] == 0
