from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api

HOUR = 3600
DAY = 86400
ULID = "01JD5T3Q6C9W4Y2M8K7H1N0PZX"


def test_an_event_is_stored_with_its_name_trimmed(api: Api) -> None:
    api.event("u3", "  order_paid ", type="odd", timestamp=NOW - 5, data={"total": 19.5})
    event = api.known("u3")["events"][-1]
    assert (event["name"], event["type"], event["timestamp"]) == ("order_paid", "event", NOW - 5)
    assert event["data"] == {"total": 19.5}


def test_a_page_view_is_an_event_of_type_page(api: Api) -> None:
    api.event("u3", "https://example.com/pricing", type="page")
    assert api.known("u3")["events"][-1]["type"] == "page"


def test_a_repeated_event_id_is_dropped(api: Api) -> None:
    before = len(api.known("u3")["events"])
    api.event("u3", "order_paid", id=ULID)
    api.event("u3", "order_paid", id=ULID)
    assert len(api.known("u3")["events"]) == before + 1
    assert api.quiet() == ["duplicate event id"]


@pytest.mark.parametrize(
    "event_id",
    [
        "order-1",
        ULID[:-1],
        ULID + "0",
        "8" + ULID[1:],
        ULID[:-1] + "U",
        f" {ULID}",
        5,
        True,
        [],
        " ",
    ],
)
def test_an_id_that_is_no_ulid_is_refused(api: Api, event_id: Any) -> None:
    """Fact event-id-other."""
    before = api.known("u3")["events"]
    body = {"name": "order_paid", "id": event_id}
    v2 = {"type": "person", "action": "event", "identifiers": {"id": "u3"}, **body}
    for path, sent in (
        ("/api/v1/customers/u3/events", body),
        ("/api/v1/events", body),
        ("/api/v2/entity", v2),
    ):
        assert api.track("POST", path, sent).status_code == 400
    assert api.known("u3")["events"] == before


def test_a_ulid_is_one_in_any_case(api: Api) -> None:
    before = len(api.known("u3")["events"])
    for event_id in (ULID, ULID.lower()):
        api.event("u3", "order_paid", id=event_id)
    assert len(api.known("u3")["events"]) == before + 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": " "},
        {"name": "é" * 51},
        {"name": 5},
        {"name": "x", "data": []},
        {"name": "x", "data": {"k": "v" * 100_000}},
    ],
)
def test_a_bad_event_is_refused(api: Api, body: Any) -> None:
    """400 with meta.errors."""
    for path in ("/api/v1/customers/u1/events", "/api/v1/events"):
        response = api.track("POST", path, body)
        assert response.status_code == 400
        assert response.json()["meta"]["errors"]


def test_an_event_creates_an_unknown_person_by_default(api: Api) -> None:
    """Fact event-unknown-person."""
    api.event("stranger", "hello")
    assert len(api.known("stranger")["events"]) == 1


@pytest.mark.parametrize("api_with", [{"events_create_people": False}], indirect=True)
def test_events_for_unknown_people_can_be_switched_off(api_with: Api) -> None:
    api_with.event("stranger", "hello")
    assert api_with.person("stranger") is None
    assert api_with.quiet() == ["unknown person"]


def test_an_event_starts_its_campaign_and_a_delivery_appears(api: Api) -> None:
    """An event campaign."""
    api.event("u3", "signed_up", id=ULID)
    message = api.get("/v1/messages", campaign_id=12, limit=1)["messages"][0]
    assert message["recipient"] == "zoë@example.com"
    assert message["trigger_event_id"] == ULID
    assert message["created"] == NOW


def test_an_event_older_than_72_hours_triggers_nothing(api: Api) -> None:
    """It is stored as history."""
    count = len(api.sandbox.state()["deliveries"])
    api.event("u3", "signed_up", timestamp=NOW - 72 * HOUR - 1)
    assert len(api.sandbox.state()["deliveries"]) == count
    api.event("u3", "signed_up", timestamp=NOW - 72 * HOUR)
    assert len(api.sandbox.state()["deliveries"]) == count + 1


def test_data_recipient_overrides_the_address(api: Api) -> None:
    """Reserved keys of data override the message's settings."""
    api.event("u3", "signed_up", data={"recipient": "else@example.com"})
    assert api.sandbox.state()["deliveries"][-1]["recipient"] == "else@example.com"


def test_an_invite_event_mails_its_recipient(api: Api) -> None:
    """Anonymous, no anonymous_id, data.recipient."""
    body = {"name": "signed_up", "data": {"recipient": "friend@example.com"}}
    api.accept("POST", "/api/v1/events", body)
    delivery = api.sandbox.state()["deliveries"][-1]
    assert (delivery["recipient"], delivery["customer_id"]) == ("friend@example.com", None)


def anonymous(api: Api, name: str, anonymous_id: str = "anon-1") -> None:
    api.accept("POST", "/api/v1/events", {"name": name, "anonymous_id": anonymous_id})


def names(api: Api, identifier: str) -> list[str]:
    return [event["name"] for event in api.known(identifier)["events"]]


def test_identify_moves_anonymous_events_to_the_person(api: Api) -> None:
    """AN: https://docs.customer.io/journeys/anonymous-events/."""
    anonymous(api, "browsed")
    assert api.sandbox.state()["anonymous_events"][0]["name"] == "browsed"
    api.identify("late", anonymous_id="anon-1")
    assert names(api, "late") == ["browsed"]
    assert api.sandbox.state()["anonymous_events"] == []


def test_anonymous_events_join_until_5_minutes_after_the_identify(api: Api) -> None:
    """AN."""
    api.identify("late", anonymous_id="anon-1")
    api.sandbox.clock.advance(300)
    anonymous(api, "in_time")
    api.sandbox.clock.advance(1)
    anonymous(api, "too_late")
    assert names(api, "late") == ["in_time"]


def test_anonymous_events_are_kept_30_days(api: Api) -> None:
    """AN."""
    anonymous(api, "old")
    api.sandbox.clock.advance(30 * DAY)
    anonymous(api, "young")
    api.sandbox.clock.advance(1)
    api.identify("late", anonymous_id="anon-1")
    assert names(api, "late") == ["young"]


def test_an_anonymous_id_that_is_a_number_is_its_text_for_events_and_people(api: Api) -> None:
    """As with every identifier that a client sends as a number."""
    api.accept("POST", "/api/v1/events", {"name": "browsed", "anonymous_id": 42})
    api.identify("late", anonymous_id=42)
    assert [event["name"] for event in api.known("late")["events"]] == ["browsed"]


def test_an_anonymous_id_belongs_to_one_person(api: Api) -> None:
    """Not reusable, not even after the person is gone."""
    api.identify("first", anonymous_id="anon-1")
    api.accept("DELETE", "/api/v1/customers/first")
    anonymous(api, "later")
    api.identify("second", anonymous_id="anon-1")
    assert names(api, "second") == []
    assert "anonymous_id belongs to another person" in api.quiet()


def put_device(api: Api, identifier: str, **device: Any) -> Any:
    return api.track("PUT", f"/api/v1/customers/{identifier}/devices", {"device": device})


def test_a_device_is_added_updated_and_deleted(api: Api) -> None:
    """Text last_used and null attributes: Go; flat keys: Python, Ruby."""
    put_device(api, "u3", id="a:b/c", platform="ios", last_used=str(NOW - 9), attributes=None)
    put_device(api, "u3", id="a:b/c", platform="ios", device_os="18")
    [device] = api.get("/v1/customers/u3/attributes")["customer"]["devices"]
    assert device["last_used"] == NOW
    assert device["attributes"] == {"device_os": "18"}
    api.accept("DELETE", "/api/v1/customers/u3/devices/a%3Ab%2Fc", {})
    assert api.known("u3")["devices"] == []
    api.accept("DELETE", "/api/v1/customers/u3/devices/a%3Ab%2Fc")
    assert api.quiet() == ["unknown device"]


@pytest.mark.parametrize(
    "device",
    [
        {"platform": "ios"},
        {"id": "t"},
        {"id": "t", "platform": "web"},
        {"id": "t", "platform": "ios", "attributes": {"token": "t"}},
    ],
)
def test_a_bad_device_is_refused(api: Api, device: Any) -> None:
    """400 with meta.errors."""
    response = put_device(api, "u3", **device)
    assert response.status_code == 400
    assert response.json()["meta"]["errors"]


def test_a_last_status_is_read_only(api: Api) -> None:
    put_device(api, "u3", id="t", platform="ios", attributes={"_last_status": "sent"})
    assert "attributes" not in api.known("u3")["devices"][0]


def deliveries(api: Api) -> int:
    return len(api.sandbox.state()["deliveries"])


@pytest.mark.parametrize(("age", "started"), [(72 * HOUR, 1), (72 * HOUR + 1, 0)])
def test_a_joined_event_triggers_up_to_72_hours_after_its_time(
    api: Api, age: int, started: int
) -> None:
    """AN: nothing before the join, whatever the name."""
    api.identify("late", email="late@example.com")
    before = deliveries(api)
    body = {"name": "signed_up", "anonymous_id": "anon-1", "timestamp": NOW - age}
    api.accept("POST", "/api/v1/events", body)
    assert deliveries(api) == before
    api.identify("late", anonymous_id="anon-1")
    assert names(api, "late") == ["signed_up"]
    assert deliveries(api) == before + started


def test_unclaimed_anonymous_events_are_gone_after_30_days(api: Api) -> None:
    """AN: also from the workspace itself."""
    anonymous(api, "old")
    api.sandbox.clock.advance(30 * DAY + 1)
    anonymous(api, "young")
    left = [event["name"] for event in api.sandbox.state()["anonymous_events"]]
    assert left == ["young"]


def test_an_event_without_an_anonymous_id_joins_nobody(api: Api) -> None:
    """Absent or blank stays unassociated."""
    for anonymous_id in (None, "", "  "):
        api.accept("POST", "/api/v1/events", {"name": "seen", "anonymous_id": anonymous_id})
        api.identify("late", anonymous_id=anonymous_id)
    assert names(api, "late") == []
    assert len(api.sandbox.state()["anonymous_events"]) == 3


def test_the_reserved_keys_of_data_are_kept_and_only_a_text_overrides(api: Api) -> None:
    data = {"recipient": 5, "from_address": "me@example.com", "reply_to": "you@example.com"}
    api.event("u3", "signed_up", data=data)
    assert api.known("u3")["events"][-1]["data"] == data
    assert api.sandbox.state()["deliveries"][-1]["recipient"] == "zoë@example.com"


def test_pages_and_screens_start_no_event_campaign(api: Api) -> None:
    """Their type is page or screen; the name is a URL."""
    before = deliveries(api)
    for kind in ("page", "screen"):
        api.event("u3", "signed_up", type=kind)
    assert deliveries(api) == before


def test_a_missing_last_used_is_now(api: Api) -> None:
    put_device(api, "u3", id="t", platform="android")
    assert api.known("u3")["devices"][0]["last_used"] == NOW


def test_deleting_a_device_is_per_person_and_token(api: Api) -> None:
    put_device(api, "u3", id="t3", platform="ios")
    api.accept("DELETE", "/api/v1/customers/u1/devices/t3")
    assert [each["id"] for each in api.known("u3")["devices"]] == ["t3"]
