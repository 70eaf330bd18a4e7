from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api


def entity(api: Api, action: str, **fields: Any) -> Any:
    fields = {"type": "person", "identifiers": {"id": "v2"}, **fields}
    return api.track("POST", "/api/v2/entity", {"action": action, **fields})


def test_a_person_goes_through_every_operation(api: Api) -> None:
    """T: tag track_v2."""
    assert entity(api, "identify", attributes={"plan": "x"}).content == b"{}\n"
    entity(api, "event", name="paid", attributes={"total": 3})
    entity(api, "page", name="/home")
    entity(api, "add_device", device={"token": "t", "platform": "ios"})
    link = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}]
    entity(api, "add_relationships", cio_relationships=link)
    person = api.known("v2")
    assert person["attributes"] == {"plan": "x"}
    kinds = [(event["type"], event["name"]) for event in person["events"]]
    assert kinds == [("event", "paid"), ("page", "/home")]
    assert person["devices"][0]["id"] == "t"
    assert person["relationships"][0]["object_id"] == "acme"
    entity(api, "delete_device", device={"token": "t"})
    entity(api, "delete_relationships", cio_relationships=link)
    assert api.known("v2")["devices"] == api.known("v2")["relationships"] == []
    entity(api, "merge", primary={"id": "u1"}, secondary={"id": "v2"})
    assert api.person("v2") is None
    entity(api, "suppress")
    entity(api, "identify")
    assert api.person("v2") is None
    entity(api, "unsuppress")
    entity(api, "identify")
    assert api.known("v2")
    entity(api, "delete")
    assert api.person("v2") is None


def test_v2_names_the_identifier_and_infers_nothing(api: Api) -> None:
    """T: identifiers hold exactly one key, which names the type."""
    entity(api, "identify", identifiers={"id": "looks@like.mail"})
    assert api.known("looks@like.mail")["id"] == "looks@like.mail"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "robot"}, "type"),
        ({"type": "person", "action": "fly"}, "action"),
        ({"type": "person", "action": "identify"}, "identifiers"),
        ({"type": "person", "action": "identify", "identifiers": {"phone": "+1"}}, "identifiers"),
        ({"type": "person", "action": "event", "identifiers": {"id": "u1"}}, "name"),
    ],
)
def test_v2_errors_name_reason_field_and_message(api: Api, body: Any, field: str) -> None:
    """The v2 envelope."""
    response = api.track("POST", "/api/v2/entity", body)
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert (error["reason"], error["field"]) == ("invalid", field)
    assert error["message"]


def test_an_object_is_saved_related_and_deleted(api: Api) -> None:
    """T: object operations."""
    key = {"object_type_id": "1", "object_id": "acme"}
    ends = [{"identifiers": {"id": "u1"}, "relationship_attributes": {"role": "admin"}}]
    attributes = {"name": "Acme"}
    entity(api, "identify", type="object", identifiers=key, attributes=attributes)
    entity(api, "add_relationships", type="object", identifiers=key, cio_relationships=ends)
    assert api.sandbox.state()["objects"][0]["attributes"] == attributes
    assert api.known("u1")["relationships"][0]["attributes"] == {"role": "admin"}
    entity(api, "delete", type="object", identifiers=key)
    assert api.sandbox.state()["objects"] == api.known("u1")["relationships"] == []


def test_a_delivery_event_becomes_a_metric(api: Api) -> None:
    """T: delivery operations."""
    delivery = api.sandbox.state()["deliveries"][0]
    device = {"device_token": "t"}
    identifiers = {"id": delivery["id"]}
    name = "converted"
    entity(api, "event", type="delivery", identifiers=identifiers, name=name, attributes=device)
    assert api.sandbox.state()["deliveries"][0]["metrics"]["converted"] == NOW


def test_a_batch_applies_the_good_and_lists_the_bad(api: Api) -> None:
    """T: 207 with batch_index; all other requests are accepted."""
    good = {"type": "person", "action": "identify", "identifiers": {"id": "b1"}}
    bad = {"type": "person", "action": "identify", "identifiers": {}}
    response = api.track("POST", "/api/v2/batch", {"batch": [bad, good]})
    assert response.status_code == 207
    assert [error["batch_index"] for error in response.json()["errors"]] == [0]
    assert api.known("b1")
    assert api.track("POST", "/api/v2/batch", {"batch": [good]}).status_code == 200
    assert api.track("POST", "/api/v2/batch", {"batch": []}).status_code == 400


def test_an_operation_over_32_kb_is_refused(api: Api) -> None:
    assert entity(api, "event", name="x", attributes={"k": "v" * 33_000}).status_code == 400
