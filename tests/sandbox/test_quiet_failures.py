"""What answers 200 and has no effect, or only part of it, is recorded with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api

ULID = "01JD5T3Q6C9W4Y2M8K7H1N0PZX"
HOUR = 3600
TAKEN = "ada+test@example.com"  # u1's
PARTED = {
    "action": "delete_relationships",
    "relationships": [{"identifiers": {"object_type_id": "1", "object_id": "none"}}],
}
DELIVERED = {
    "type": "delivery",
    "action": "event",
    "name": "delivered",
    "identifiers": {"id": "4sO9dcrbnPGQxOWnbPQ="},  # of the demo
}
DEVICE = {"device": {"id": "t", "platform": "ios"}}


def customer(identifier: str, tail: str = "") -> str:
    return f"/api/v1/customers/{identifier}{tail}"


def merge(primary: str, secondary: str) -> tuple[str, str, dict[str, Any]]:
    body = {"primary": {"id": primary}, "secondary": {"id": secondary}}
    return "POST", "/api/v1/merge_customers", body


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (("PUT", customer("u3"), {"email": TAKEN}), "identifier conflict"),
        (
            ("PUT", customer("u1"), {"email": "new@example.com"}),
            "identifier already set: change it by cio_id",
        ),
        (("PUT", customer("u1"), {"email": "no address"}), "invalid email"),
        (("PUT", customer("u1"), {"cio_id": "d9c1ffffffff"}), "cio_id never changes"),
        (("PUT", customer("u1"), {"_last_emailed": NOW}), "system attribute"),
        (("PUT", customer("u1"), {"plan": "x", "_timestamp": 1}), "older than the stored value"),
        (("PUT", customer("nobody"), {"_update": True}), "_update on nobody"),
        (("PUT", customer("cio_d9c1ffffffff"), {"a": 1}), "unknown cio_id"),
        (("POST", customer("cio_d9c1ffffffff", "/events"), {"name": "n"}), "unknown cio_id"),
        (("PUT", customer("cio_d9c1ffffffff", "/devices"), DEVICE), "unknown cio_id"),
        (("POST", customer("cio_d9c1ffffffff", "/suppress"), {}), "unknown cio_id"),
        (("DELETE", customer("nobody"), {}), "unknown person"),
        (("POST", customer("u1", "/unsuppress"), {}), "not suppressed"),
        (("DELETE", customer("u1", "/devices/none"), {}), "unknown device"),
        (("DELETE", customer("nobody", "/devices/none"), {}), "unknown person"),
        (
            ("POST", customer("u1", "/events"), {"name": "n", "timestamp": "soon"}),
            "invalid timestamp: taken as now",
        ),
        (
            (
                "POST",
                customer("u1", "/events"),
                {"name": "signed_up", "timestamp": NOW - 80 * HOUR},
            ),
            "event older than 72 hours: triggers nothing",
        ),
        (
            ("POST", customer("u5", "/events"), {"name": "signed_up"}),
            "unsubscribed: campaign sends nothing",
        ),
        (merge("nobody", "u1"), "merge primary missing"),
        (merge("u1", "nobody"), "merge secondary missing"),
        (merge("u1", "u1"), "merge of a person with themselves"),
        (
            ("POST", "/api/v1/segments/1/add_customers", {"ids": ["ada@example.com"]}),
            "wrong id type in the list",
        ),
        (
            ("POST", "/api/v1/segments/1/add_customers?id_type=email", {"ids": ["u3"]}),
            "wrong id type in the list",
        ),
        (
            ("POST", "/api/v1/segments/1/add_customers?id_type=cio_id", {"ids": ["u3"]}),
            "wrong id type in the list",
        ),
        (("POST", "/api/v1/segments/1/remove_customers", {"ids": ["nobody"]}), "unknown person"),
        (("POST", "/api/v1/segments/1/remove_customers", {"ids": ["u5"]}), "not in the segment"),
        (("PUT", customer("u1"), {"cio_relationships": PARTED}), "unknown relationship"),
        (("POST", "/api/v2/entity", DELIVERED), "metric recorded before"),
    ],
)
def test_a_call_without_its_effect_answers_200_and_says_why_in_the_log(
    api: Api, call: tuple[str, str, Any], reason: str
) -> None:
    """Asynchronous, so 200; the activity and the request log know more."""
    api.accept(*call)
    assert api.quiet() == [reason]
    [logged] = api.sandbox.requests()
    assert (logged["status"], logged["applied"], logged["reason"]) == (200, False, reason)


@pytest.mark.parametrize(
    "call",
    [
        ("PUT", customer("u1"), {"plan": "x"}),
        ("PUT", customer("ada%2Btest%40example.com"), {"plan": "x"}),
        ("PUT", customer("fresh"), {"email": TAKEN.upper()}),
        ("POST", customer("u1", "/events"), {"name": "signed_up"}),
        ("PUT", customer("u1", "/devices"), DEVICE),
        ("DELETE", customer("u1", "/devices/t"), {}),
        ("POST", "/api/v1/segments/1/add_customers", {"ids": ["u1"]}),
        ("POST", "/api/v1/segments/1/remove_customers", {"ids": ["u1"]}),
        merge("u1", "u3"),
        merge("u3", "u1"),
        (
            "POST",
            "/api/v2/entity",
            {"type": "person", "action": "identify", "identifiers": {"email": TAKEN}},
        ),
    ],
)
def test_no_call_reaches_somebody_suppressed(api: Api, call: tuple[str, str, Any]) -> None:
    """All later calls for either identifier are without effect, and answer 200."""
    api.accept("POST", customer("u1", "/suppress"))
    before = api.sandbox.state()
    api.accept(*call)
    after = api.sandbox.state()
    assert [each["reason"] for each in after["activity"]] == ["suppressed"]
    assert (after["people"], after["deliveries"]) == (before["people"], before["deliveries"])


def test_an_event_id_seen_on_another_person_is_a_duplicate_too(api: Api) -> None:
    """A seen id is dropped, whoever sends it."""
    api.event("u1", "paid", id=ULID)
    api.event("u3", "paid", id=ULID.lower())
    assert api.quiet() == ["duplicate event id"]
    assert "paid" not in [event["name"] for event in api.known("u3")["events"]]


def test_a_cio_id_of_another_workspace_is_refused(api: Api) -> None:
    """A field report: 400 ``invalid identifier``; the envelope is UNVERIFIED."""
    for method, tail in (("PUT", ""), ("DELETE", ""), ("POST", "/suppress"), ("POST", "/events")):
        path = customer("cio_aaaa00000001", tail)
        response = api.track(method, path, {"name": "n"})
        assert response.status_code == 400
        assert response.json() == {"meta": {"errors": ["invalid identifier"]}}


def test_what_is_applied_is_logged_as_such(api: Api) -> None:
    """The other side of the promise: no reason without a cause."""
    api.identify("u1", plan="gold", cio_id=api.known("u1")["cio_id"])
    assert api.quiet() == []
    [logged] = api.sandbox.requests()
    assert (logged["applied"], logged["reason"]) == (True, None)
