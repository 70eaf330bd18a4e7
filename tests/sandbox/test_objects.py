"""Objects of the local Customer.io: two ways to name one, and what an unknown name does."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from tests.support.sandbox_api import Api

ACME = {"object_type_id": "1", "object_id": "acme"}


def entity(api: Api, action: str, identifiers: dict[str, str], **more: Any) -> None:
    body = {"type": "object", "action": action, "identifiers": identifiers, **more}
    api.accept("POST", "/api/v2/entity", body)


def own_id(api: Api) -> str:
    """The cio_object_id of the only object."""
    [found] = api.sandbox.state()["objects"]
    return str(found["cio_object_id"])


def test_an_object_keeps_the_id_that_the_system_gave_it(api: Api) -> None:
    """T: immutable."""
    entity(api, "identify", ACME, attributes={"name": "Acme"})
    first = own_id(api)
    entity(api, "identify", ACME, attributes={"name": "Acme Ltd"})
    entity(api, "identify", {"cio_object_id": first}, attributes={"city": "Ulm"})
    assert own_id(api) == first
    [held] = api.sandbox.state()["objects"]
    assert held["attributes"] == {"name": "Acme Ltd", "city": "Ulm"}


def test_an_object_made_again_after_a_deletion_has_another_id(api: Api) -> None:
    entity(api, "identify", ACME)
    first = own_id(api)
    entity(api, "delete", {"cio_object_id": first})
    entity(api, "identify", ACME)
    assert own_id(api) != first


def test_an_unknown_id_changes_nothing_and_the_activity_says_so(api: Api) -> None:
    """Fact object-unknown-cio."""
    unknown, ends = {"cio_object_id": "obd9c106ffff"}, [{"identifiers": {"id": "nobody-yet"}}]
    entity(api, "identify", unknown, attributes={"name": "Acme"})
    entity(api, "add_relationships", unknown, cio_relationships=ends)
    entity(api, "delete", unknown)
    assert api.sandbox.state()["objects"] == []
    assert api.person("nobody-yet") is None
    assert api.quiet() == ["unknown cio_object_id"] * 3


@pytest.mark.parametrize(
    "identifiers",
    [
        {},
        {"object_id": "acme"},
        {"object_type_id": "1"},
        {**ACME, "cio_object_id": "obd9c1060001"},
        {"object_id": "acme", "cio_object_id": "obd9c1060001"},
        {"cio_object_id": ""},
        {"cio_object_id": 7},
    ],
)
def test_an_object_is_named_in_one_of_two_ways_and_completely(
    api: Api, identifiers: dict[str, Any]
) -> None:
    """T: a choice of one."""
    link = {"action": "add_relationships", "relationships": [{"identifiers": identifiers}]}
    answer = api.track("PUT", "/api/v1/customers/u1", {"cio_relationships": link})
    assert answer.status_code == 400
    assert api.known("u1")["relationships"] == []


def test_the_tool_relates_and_parts_a_person_by_the_id_of_the_object(api: Api) -> None:
    entity(api, "identify", ACME)
    link = [{"cio_object_id": own_id(api), "attributes": {"role": "admin"}}]
    with CustomerIoTool(api.sandbox.connection()) as tool:
        added = tool.call("identify_customer", {"customer_id": "u1", "relationships": link})
        assert "cio_object_id of no object may be dropped" in added["summary"]
        [relation] = api.known("u1")["relationships"]
        assert (relation["object_id"], relation["attributes"]) == ("acme", {"role": "admin"})
        parted = {"customer_id": "u1", "relationships": link, "remove_relationships": True}
        assert tool.call("identify_customer", parted)["ok"]
    assert api.known("u1")["relationships"] == []
