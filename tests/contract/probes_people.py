"""Probes of the facts on people, devices and merging."""

from __future__ import annotations

from typing import Any

from tests.contract.probes import merge, person_path, shows, status
from tests.support.sandbox_api import NOW, Api

UNKNOWN_CIO = "cio_d9c1ffffffff"


def device(token: str, **more: Any) -> dict[str, Any]:
    return {"device": {"id": token, "platform": "ios", **more}}


def tokens(api: Api, identifier: str) -> list[str]:
    return [each["id"] for each in api.known(identifier)["devices"]]


@shows("identify-merges")
def _(api: Api) -> bool:
    before = api.known("u6")["attributes"]
    api.identify("u6", plan="", city="Ulm")
    after = api.known("u6")["attributes"]
    return bool(after == {k: v for k, v in before.items() if k != "plan"} | {"city": "Ulm"})


@shows("identify-creates")
def _(api: Api) -> bool:
    api.identify("new", email="new@example.com")
    return bool(api.known("new")["email"] == "new@example.com")


@shows("identify-adopts")
def _(api: Api) -> bool:
    cio_id = api.known("ivy@example.com")["cio_id"]
    api.identify("ivy", email="ivy@example.com")
    return bool(api.known("ivy")["cio_id"] == cio_id)


@shows("identify-renames")
def _(api: Api) -> bool:
    api.identify("u1-new", email="ada+test@example.com")
    return api.person("u1") is None and api.known("u1-new")["email"] == "ada+test@example.com"


@shows("identify-conflict")
def _(api: Api) -> bool:
    api.identify("u6", email="zoë@example.com")
    return api.known("u6")["email"] is None and api.known("u3")["email"] == "zoë@example.com"


@shows("auto-merge")
def _(api: Api) -> bool:
    older = api.known("u6")["cio_id"]
    api.identify("lead@example.com", city="Ulm")
    api.identify("u6", email="lead@example.com")
    merged = api.known("lead@example.com")
    api.sandbox.configure(auto_merge=False)
    api.identify("lead2@example.com", city="Ulm")
    api.identify("late", a="1")
    api.identify("late", email="lead2@example.com")
    apart = api.known("lead2@example.com")["id"] is None and api.known("late")["email"] is None
    held = (merged["id"], merged["cio_id"], merged["attributes"]["city"])
    return apart and held == ("u6", older, "Ulm")


@shows("identify-unknown-cio")
def _(api: Api) -> bool:
    before = len(api.sandbox.state()["people"])
    api.identify(UNKNOWN_CIO, a=1)
    return len(api.sandbox.state()["people"]) == before


@shows("identifier-change")
def _(api: Api) -> bool:
    held = api.known("u3")
    api.identify("u3", email="other@example.com")
    kept = api.known("u3")["email"] == held["email"]
    api.identify(f"cio_{held['cio_id']}", email="other@example.com")
    return bool(kept and api.known("u3")["email"] == "other@example.com")


@shows("null-attribute")
def _(api: Api) -> bool:
    api.identify("u6", plan=None)
    return "plan" not in api.known("u6")["attributes"]


@shows("nested-attributes")
def _(api: Api) -> bool:
    api.identify("u6", home={"city": "Ulm"})
    return bool(api.attributes("u6").get("home") == '{"city":"Ulm"}')


@shows("fractional-attributes")
def _(api: Api) -> bool:
    api.identify("u6", score=0.5)
    return bool(api.attributes("u6").get("score") == "0.5")


@shows("update-only")
def _(api: Api) -> bool:
    api.track("PUT", person_path("nobody"), {"_update": True, "a": 1})
    return api.person("nobody") is None and "_update on nobody" in api.quiet()


@shows("update-only-status")
def _(api: Api) -> bool:
    return status(api, "PUT", person_path("nobody"), {"_update": True}) == 200


@shows("timestamp-order")
def _(api: Api) -> bool:
    api.identify("u6", plan="new", _timestamp=NOW)
    api.identify("u6", plan="old", _timestamp=NOW - 1)
    return bool(api.attributes("u6")["plan"] == "new")


@shows("timestamp-tie")
def _(api: Api) -> bool:
    api.identify("u6", plan="one", _timestamp=NOW)
    api.identify("u6", plan="two", _timestamp=NOW)
    return bool(api.attributes("u6")["plan"] == "two")


@shows("reserved-attribute-sent")
def _(api: Api) -> bool:
    api.identify("u6", _last_emailed=NOW)
    return "_last_emailed" in api.known("u6")["attributes"]


@shows("unsubscribed-spellings")
def _(api: Api) -> bool:
    told: list[bool] = []
    for value in (True, "TRUE", 1, "1", False, "yes", 2, ""):
        api.identify("u6", unsubscribed=value)
        told.append(api.known("u6")["unsubscribed"])
    return told == [True] * 4 + [False] * 4


@shows("topic-keys")
def _(api: Api) -> bool:
    key = "cio_subscription_preferences"
    api.identify("u6", **{key: {"topics": {"topic_1": True, "topic_2": True}}})
    api.identify("u6", **{f"{key}.topics.topic_1": False})
    one = api.attributes("u6")[key]
    api.identify("u6", **{key: {"topics": {"topic_3": True}}})
    both = [one, api.attributes("u6")[key]]
    return both == ['{"topics":{"topic_1":false,"topic_2":true}}', '{"topics":{"topic_3":true}}']


@shows("relationship-attributes")
def _(api: Api) -> bool:
    acme = {"object_type_id": "1", "object_id": "acme"}
    told = []
    for given in ({"role": "boss", "since": "May", "desk": "4"}, {"role": None, "since": ""}):
        link = {"identifiers": acme, "relationship_attributes": given}
        changes = {"action": "add_relationships", "relationships": [link]}
        api.identify("u6", cio_relationships=changes)
        told.append(api.known("u6")["relationships"][0]["attributes"])
    return told == [{"role": "boss", "since": "May", "desk": "4"}, {"desk": "4"}]


def related(api: Api, **identifiers: str) -> list[tuple[str, str]]:
    """Relate u6 to an object, and tell to which ones it is related then."""
    changes = {"action": "add_relationships", "relationships": [{"identifiers": identifiers}]}
    api.identify("u6", cio_relationships=changes)
    held = api.known("u6")["relationships"]
    return [(each["object_type_id"], each["object_id"]) for each in held]


def object_id(api: Api) -> str:
    """The cio_object_id of the only object."""
    [found] = api.sandbox.state()["objects"]
    return str(found["cio_object_id"])


@shows("object-cio-id")
def _(api: Api) -> bool:
    related(api, object_type_id="1", object_id="acme")
    own = object_id(api)
    entity = {"type": "object", "action": "identify", "identifiers": {"cio_object_id": own}}
    api.accept("POST", "/api/v2/entity", {**entity, "attributes": {"name": "Acme"}})
    api.accept("DELETE", person_path("u6"))
    return related(api, cio_object_id=own) == [("1", "acme")] and object_id(api) == own


@shows("object-unknown-cio")
def _(api: Api) -> bool:
    made = [*related(api, cio_object_id="obd9c106ffff"), *api.sandbox.state()["objects"]]
    return made == []


@shows("values-are-strings")
def _(api: Api) -> bool:
    api.identify("u6", seats=5, vip=True)
    held = api.attributes("u6")
    return (held["seats"], held["vip"]) == ("5", "true") and {type(v) for v in held.values()} == {
        str
    }


@shows("writes-are-asynchronous")
def _(api: Api) -> bool:
    api.sandbox.configure(delay_seconds=30.0)
    api.identify("u6", plan="later")
    stale = api.attributes("u6")["plan"]
    api.sandbox.clock.advance(31)
    return (stale, api.attributes("u6")["plan"]) == ("pro", "later")


@shows("delete-unknown")
def _(api: Api) -> bool:
    return status(api, "DELETE", person_path("nobody")) == 200


@shows("writes-repeat")
def _(api: Api) -> bool:
    token = "/devices/apns%3Aada-phone"
    calls = [("DELETE", token), ("POST", "/suppress"), ("POST", "/unsuppress"), ("DELETE", "")]
    answers = [status(api, how, person_path("u1", rest)) for how, rest in calls for _ in range(2)]
    return set(answers) == {200}


@shows("delete-frees")
def _(api: Api) -> bool:
    api.accept("DELETE", person_path("u1"))
    api.identify("u1", a="1")
    held = api.known("u1")
    return (held["email"], held["devices"], held["attributes"]) == (None, [], {"a": "1"})


@shows("suppress-deletes")
def _(api: Api) -> bool:
    api.accept("POST", person_path("u3", "/suppress"))
    api.identify("zoë@example.com", a=1)
    return api.person("u3") is None and api.person("zoë@example.com") is None


@shows("suppressed-calls")
def _(api: Api) -> bool:
    api.accept("POST", person_path("u6", "/suppress"))
    api.track("PUT", person_path("u6"), {"a": 1})
    api.track("POST", person_path("u6", "/events"), {"name": "a"})
    api.track("PUT", person_path("u6", "/devices"), device("t1"))
    api.track("POST", "/api/v1/segments/1/add_customers", {"ids": ["u6"]})
    return api.person("u6") is None


@shows("suppressed-status")
def _(api: Api) -> bool:
    api.accept("POST", person_path("u6", "/suppress"))
    return status(api, "PUT", person_path("u6"), {"a": 1}) == 200


@shows("suppress-unknown")
def _(api: Api) -> bool:
    api.accept("POST", person_path("nobody", "/suppress"))
    api.identify("nobody", a=1)
    return api.person("nobody") is None


@shows("unsuppress-frees")
def _(api: Api) -> bool:
    api.accept("POST", person_path("u3", "/suppress"))
    api.accept("POST", person_path("u3", "/unsuppress"))
    gone = api.person("u3") is None
    api.identify("zoë@example.com", a="1")
    return gone and api.known("zoë@example.com")["attributes"] == {"a": "1"}


@shows("unsuppress-unknown")
def _(api: Api) -> bool:
    return status(api, "POST", person_path("nobody", "/unsuppress")) == 200


@shows("device-upsert")
def _(api: Api) -> bool:
    for used in (NOW - 9, NOW):
        api.accept("PUT", person_path("u6", "/devices"), device("t1", last_used=used))
    [held] = api.known("u6")["devices"]
    return bool(held["last_used"] == NOW)


@shows("device-unknown")
def _(api: Api) -> bool:
    return status(api, "DELETE", person_path("u6", "/devices/unknown")) == 200


@shows("device-moves")
def _(api: Api) -> bool:
    api.accept("PUT", person_path("u6", "/devices"), device("apns:ada-phone"))
    return [tokens(api, who) for who in ("u1", "u6")] == [["apns:ada-phone"], ["apns:ada-phone"]]


@shows("device-unknown-person")
def _(api: Api) -> bool:
    api.accept("PUT", person_path("nobody", "/devices"), device("t1"))
    return tokens(api, "nobody") == ["t1"]


@shows("device-attribute-token")
def _(api: Api) -> bool:
    wrong = device("t1", attributes={"token": "t1"})
    v2 = {"token": "t1", "platform": "ios", "attributes": {"token": "t1"}}
    entity = {"type": "person", "action": "add_device", "identifiers": {"id": "u6"}, "device": v2}
    told = [
        status(api, "PUT", person_path("u6", "/devices"), wrong),
        status(api, "POST", "/api/v2/entity", entity),
    ]
    return told == [400, 400] and tokens(api, "u6") == []


@shows("device-limits")
def _(api: Api) -> bool:
    long = device("t" * 5000, attributes={"note": "x" * 5000})
    return status(api, "PUT", person_path("u6", "/devices"), long) != 200


@shows("merge-fills")
def _(api: Api) -> bool:
    api.identify("u6", plan="free", city="Ulm")
    merge(api, {"id": "u1"}, {"id": "u6"})
    held = api.attributes("u1")
    return (held["plan"], held["city"]) == ("pro", "Ulm") and api.person("u6") is None


@shows("merge-moves")
def _(api: Api) -> bool:
    api.identify("u6", email="peggy@example.com")
    api.event("u6", "signed_up")
    api.event("u6", "ancient", timestamp=NOW - 31 * 86_400)
    api.accept("POST", "/api/v1/segments/1/add_customers", {"ids": ["u6"]})
    acme = {"object_type_id": "1", "object_id": "acme"}
    link = {"identifiers": acme, "relationship_attributes": {"role": "boss"}}
    changes = {"action": "add_relationships", "relationships": [link]}
    api.identify("u6", cio_relationships=changes)
    sent = len(api.sandbox.state()["deliveries"])
    merge(api, {"email": "ivy@example.com"}, {"id": "u6"})
    held, state = api.known("ivy@example.com"), api.sandbox.state()
    names = {each["name"] for each in held["events"]} & {"signed_up", "ancient"}
    quiet = len(state["deliveries"]) == sent and not state["deliveries"][-1]["forgotten"]
    related = [each["attributes"] for each in held["relationships"]]
    moved = names == {"signed_up"} and held["manual_segments"] == [1]
    return moved and related == [{"role": "boss"}] and quiet


@shows("merge-missing-primary")
def _(api: Api) -> bool:
    return merge(api, {"id": "nobody"}, {"id": "u6"}) == 200 and api.person("u6") is not None


@shows("merge-devices")
def _(api: Api) -> bool:
    merge(api, {"id": "u6"}, {"id": "u1"})
    return "apns:ada-phone" in tokens(api, "u6")


@shows("merge-identifiers")
def _(api: Api) -> bool:
    merge(api, {"id": "u6"}, {"id": "u3"})
    return bool(api.known("u6")["email"] == "zoë@example.com")


@shows("merge-repeat")
def _(api: Api) -> bool:
    return [merge(api, {"id": "u1"}, {"id": "u6"}) for _ in range(2)] == [200, 200]


@shows("merge-self")
def _(api: Api) -> bool:
    return merge(api, {"id": "u1"}, {"id": "u1"}) != 200
