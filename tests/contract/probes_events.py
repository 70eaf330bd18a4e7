"""Probes of the facts on events and segments."""

from __future__ import annotations

from typing import Any

from tests.contract.probes import person_path, shows, status
from tests.support.sandbox_api import NOW, Api

HOUR, DAY = 3600, 86_400
ULID = "01JD5T3Q6C9W4Y2M8K7H1N0PZX"
MAIL = {
    "to": "peggy@example.com",
    "transactional_message_id": "receipt",
    "identifiers": {"id": "u6"},
}


def names(api: Api, identifier: str) -> list[str]:
    return [each["name"] for each in api.known(identifier)["events"]]


def deliveries(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.sandbox.state()["deliveries"]
    return found


def anonymous(api: Api, name: str, **fields: Any) -> None:
    api.accept("POST", "/api/v1/events", {"name": name, **fields})


def members(api: Api, verb: str, number: int, *ids: str) -> int:
    return status(api, "POST", f"/api/v1/segments/{number}/{verb}_customers", {"ids": list(ids)})


def segment(api: Api, name: str = "New") -> dict[str, Any]:
    made: dict[str, Any] = api.app("POST", "/v1/segments", {"segment": {"name": name}}).json()
    found: dict[str, Any] = made["segment"]
    return found


@shows("event-dedup")
def _(api: Api) -> bool:
    for name in ("first", "second"):
        api.event("u6", name, id=ULID)
    return "first" in names(api, "u6") and "second" not in names(api, "u6")


@shows("event-id-ulid")
def _(api: Api) -> bool:
    api.event("u6", "first", id="7ZZZZZZZZZ9W4Y2M8K7H1N0PZX")
    api.event("u6", "second", id="7ZZZZZZZZZ9W4Y2M8K7H1N0PZX")
    return "second" not in names(api, "u6")


@shows("event-id-other")
def _(api: Api) -> bool:
    body = {"name": "first", "id": "order-1"}
    v2 = {"type": "person", "action": "event", "identifiers": {"id": "u6"}, **body}
    told = [
        status(api, "POST", person_path("u6", "/events"), body),
        status(api, "POST", "/api/v1/events", body),
        status(api, "POST", "/api/v2/entity", v2),
    ]
    return told == [400, 400, 400] and "first" not in names(api, "u6")


@shows("event-names-trimmed")
def _(api: Api) -> bool:
    api.event("u6", " first ")
    anonymous(api, " second ", anonymous_id="v1")
    api.identify("u6", anonymous_id="v1")
    return {"first", "second"} <= set(names(api, "u6"))


@shows("invalid-timestamp")
def _(api: Api) -> bool:
    for number, text in enumerate(("2027-01-15T08:00:00Z", "soon", 1.5, True, [])):
        api.event("u6", f"v1 {number}", timestamp=text)
    v2 = {"type": "person", "action": "event", "identifiers": {"id": "u6"}, "name": "v2"}
    sent = status(api, "POST", "/api/v2/entity", {**v2, "timestamp": "soon"})
    held = [each for each in api.known("u6")["events"] if each["name"][:2] in ("v1", "v2")]
    return sent == 200 and [each["timestamp"] for each in held] == [NOW] * 6


@shows("event-dedup-window")
def _(api: Api) -> bool:
    api.event("u6", "first", id=ULID)
    api.sandbox.clock.advance(3650 * DAY)
    api.event("u6", "second", id=ULID)
    return "second" not in names(api, "u6")


@shows("event-unknown-person")
def _(api: Api) -> bool:
    api.event("nobody", "a")
    return api.person("nobody") is not None


@shows("event-milliseconds")
def _(api: Api) -> bool:
    body = {"name": "a", "timestamp": NOW * 1000}
    return status(api, "POST", person_path("u6", "/events"), body) != 200


@shows("event-type")
def _(api: Api) -> bool:
    for kind in ("page", "screen", "video"):
        api.event("u6", kind, type=kind)
    held = {each["name"]: each["type"] for each in api.known("u6")["events"]}
    return [held[kind] for kind in ("page", "screen", "video")] == ["page", "screen", "event"]


@shows("screen-needs-anonymous-id")
def _(api: Api) -> bool:
    body = {"name": "home", "type": "screen"}
    return status(api, "POST", person_path("u6", "/events"), body) != 200


@shows("invite-event")
def _(api: Api) -> bool:
    anonymous(api, "signed_up", data={"recipient": "guest@example.com"})
    last = deliveries(api)[-1]
    return (last["recipient"], last["customer_id"]) == ("guest@example.com", None)


@shows("anonymous-without-id")
def _(api: Api) -> bool:
    anonymous(api, "none")
    anonymous(api, "blank", anonymous_id=" ")
    api.identify("u6", anonymous_id=" ")
    return not {"none", "blank"} & set(names(api, "u6"))


@shows("anonymous-join")
def _(api: Api) -> bool:
    anonymous(api, "before", anonymous_id="v1")
    api.identify("u6", anonymous_id="v1")
    api.sandbox.clock.advance(299)
    anonymous(api, "soon", anonymous_id="v1")
    api.sandbox.clock.advance(2)
    anonymous(api, "late", anonymous_id="v1")
    api.sandbox.configure(merge_anonymous_events=False)
    anonymous(api, "apart", anonymous_id="v2")
    api.identify("u6", anonymous_id="v2")
    return {"before", "soon", "late", "apart"} & set(names(api, "u6")) == {"before", "soon"}


@shows("anonymous-join-triggers")
def _(api: Api) -> bool:
    api.identify("u6", email="peggy@example.com")
    before = len(deliveries(api))
    anonymous(api, "signed_up", anonymous_id="v1", timestamp=NOW - 71 * HOUR)
    anonymous(api, "signed_up", anonymous_id="v1", timestamp=NOW - 73 * HOUR)
    api.identify("u6", anonymous_id="v1")
    return len(deliveries(api)) == before + 1


@shows("anonymous-id-single")
def _(api: Api) -> bool:
    api.identify("u1", anonymous_id="v1")
    api.identify("u6", anonymous_id="v1")
    return bool(api.known("u6")["anonymous_ids"] == [])


@shows("other-limits")
def _(api: Api) -> bool:
    anonymous_id = {"name": "a", "anonymous_id": "v" * 5000}
    deep: dict[str, Any] = {}
    for _level in range(50):
        deep = {"in": deep}
    statuses = {
        status(api, "POST", "/api/v1/events", anonymous_id),
        api.app("POST", "/v1/segments", {"segment": {"name": "n" * 5000}}).status_code,
        api.app("POST", "/v1/send/email", {**MAIL, "message_data": deep}).status_code,
    }
    return statuses != {200}


@shows("segment-manual-only")
def _(api: Api) -> bool:
    members(api, "add", 1, "u6")
    before = api.get("/v1/segments/3/customer_count")["count"]
    members(api, "add", 3, "ivy")
    after = api.get("/v1/segments/3/customer_count")["count"]
    return 1 in api.known("u6")["manual_segments"] and before == after


@shows("segment-sets")
def _(api: Api) -> bool:
    held = api.get("/v1/segments/1/membership")["ids"]
    statuses = [members(api, "add", 1, *held), members(api, "remove", 1, "用户7")]
    assert "用户7" not in held
    return statuses == [200, 200] and api.get("/v1/segments/1/membership")["ids"] == held


@shows("segment-other-kind")
def _(api: Api) -> bool:
    sent = members(api, "add", 1, "u6", "zoë@example.com")
    return sent == 200 and "u6" in api.get("/v1/segments/1/membership")["ids"]


@shows("segment-missing")
def _(api: Api) -> bool:
    return members(api, "add", 999, "u6") in (400, 404)


@shows("segment-dynamic")
def _(api: Api) -> bool:
    return members(api, "add", 3, "u6") == 400


@shows("segment-adds-people")
def _(api: Api) -> bool:
    return members(api, "add", 1, "nobody") == 200 and api.person("nobody") is None


@shows("segment-remove-creates-nobody")
def _(api: Api) -> bool:
    return members(api, "remove", 1, "nobody") == 200 and api.person("nobody") is None


@shows("segment-fresh-state")
def _(api: Api) -> bool:
    return bool(segment(api)["state"] == "finished")


@shows("segment-fresh-empty")
def _(api: Api) -> bool:
    made = segment(api)
    count = api.get(f"/v1/segments/{made['id']}/customer_count")["count"]
    return (made["type"], made["tags"], made["progress"], count) == ("manual", None, None, 0)


@shows("segment-same-name")
def _(api: Api) -> bool:
    return bool(segment(api)["id"] != segment(api)["id"])


@shows("segment-delete-repeat")
def _(api: Api) -> bool:
    path = f"/v1/segments/{segment(api)['id']}"
    return [api.app("DELETE", path).status_code for _ in range(2)] == [204, 404]


@shows("segment-delete-used")
def _(api: Api) -> bool:
    used = segment(api)["id"]
    campaign = {"name": "C", "type": "segment", "trigger_segment_ids": [used]}
    api.sandbox.seed({"campaigns": [{**campaign, "id": 90, "actions": []}]})
    assert api.get(f"/v1/segments/{used}/used_by")["used_by"]["campaigns"]
    return api.app("DELETE", f"/v1/segments/{used}").status_code != 204


@shows("segment-delete-dynamic")
def _(api: Api) -> bool:
    return api.app("DELETE", "/v1/segments/3").status_code != 204


@shows("page-name-length")
def _(api: Api) -> bool:
    page = {"type": "page", "name": "/" + "a" * 100}
    return status(api, "POST", person_path("u6", "/events"), page) == 400
