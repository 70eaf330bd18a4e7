"""An identify that gives a second identifier may merge two people: it says so, and may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.support.clients import code_of
from tests.support.sandbox_api import Api
from tests.support.targets import guarded, reads, without_app_key, writes

IDENTIFY = "identify_customer"
IVY = "cio_d9c106000007"
"""Somebody with the address ivy@example.com and without an id."""

SOMEBODY_ELSE: dict[str, dict[str, Any]] = {
    "the address of a lead": {"customer_id": "u6", "email": "ivy@example.com"},
    "written otherwise": {"customer_id": "u6", "email": "IVY@Example.com"},
    "among the attributes": {"customer_id": "u6", "attributes": {"email": "ivy@example.com"}},
    "of somebody with another id": {"customer_id": "u6", "email": "zoë@example.com"},
    "the id of an account": {"customer_id": "ivy@example.com", "attributes": {"id": "u6"}},
    "for a new id": {"customer_id": "new", "email": "ivy@example.com"},
    "an address of another": {"customer_id": "ivy@example.com", "email": "zoë@example.com"},
    "an id of another": {"customer_id": "u1", "attributes": {"id": "u6"}},
    "by cio_id": {"customer_id": IVY, "attributes": {"id": "u6"}},
    "the second of two": {"customer_id": IVY, "email": "n@example.com", "attributes": {"id": "u6"}},
    "of an update only": {"customer_id": "u6", "email": "ivy@example.com", "update_only": True},
}
HARMLESS: dict[str, tuple[dict[str, Any], int]] = {
    "no second identifier": ({"customer_id": "u6", "attributes": {"plan": "pro"}}, 0),
    "the same twice": ({"customer_id": "zoë@example.com", "email": "ZOË@example.com"}, 0),
    "an emptied one": ({"customer_id": "u6", "attributes": {"email": None, "id": ""}}, 0),
    "an address of nobody": ({"customer_id": "u6", "email": "nobody@example.com"}, 1),
    "their own address": ({"customer_id": "u3", "email": "zoë@example.com"}, 1),
    "their own id": ({"customer_id": "zoë@example.com", "attributes": {"id": "u3"}}, 1),
    "their own by cio_id": ({"customer_id": IVY, "email": "ivy@example.com"}, 1),
}
TWO_PEOPLE = pytest.mark.parametrize("arguments", SOMEBODY_ELSE.values(), ids=SOMEBODY_ELSE.keys())
CONFIRMS = pytest.mark.parametrize("confirm", ["human", "repeat"])


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    made = Api(sandbox)
    yield made
    made.session.close()


@CONFIRMS
@TWO_PEOPLE
def test_an_identifier_of_somebody_else_waits_for_confirmation(
    sandbox: Sandbox, confirm: str, arguments: dict[str, Any]
) -> None:
    with guarded(sandbox, confirm) as tool:
        result = tool.call(IDENTIFY, arguments)
        assert code_of(result) == "confirmation_required"
        assert "may be merged for good" in result["summary"]
        assert result["target"]["cio_id"]
        assert writes(sandbox) == []
        if confirm == "human":
            assert tool.approve(result["confirmation_id"])["ok"]
        else:
            token = {"confirmation_token": result["confirmation_token"]}
            assert tool.call(IDENTIFY, {**arguments, **token})["ok"]
    assert len(writes(sandbox)) == 1


@CONFIRMS
@pytest.mark.parametrize(("arguments", "looks"), HARMLESS.values(), ids=HARMLESS.keys())
def test_every_other_identify_goes_at_once(
    sandbox: Sandbox, confirm: str, arguments: dict[str, Any], looks: int
) -> None:
    with guarded(sandbox, confirm) as tool:
        assert tool.call(IDENTIFY, arguments)["ok"]
    assert reads(sandbox) == ["get_attributes"] * looks


@TWO_PEOPLE
def test_a_policy_that_confirms_nothing_reads_nothing(
    sandbox: Sandbox, arguments: dict[str, Any]
) -> None:
    for confirm, dry_run in (("never", False), ("human", True)):
        with guarded(sandbox, confirm, dry_run=dry_run) as tool:
            assert tool.call(IDENTIFY, arguments)["ok"]
    assert reads(sandbox) == []


@CONFIRMS
def test_what_cannot_be_read_waits_for_confirmation(sandbox: Sandbox, confirm: str) -> None:
    harmless, _ = HARMLESS["an address of nobody"]
    with without_app_key(sandbox, confirm) as tool:
        blind = tool.call(IDENTIFY, harmless)
    sandbox.fault(operation="get_attributes", status=500)
    with guarded(sandbox, confirm) as tool:
        failed = tool.call(IDENTIFY, harmless)
    for result in (blind, failed):
        assert code_of(result) == "confirmation_required"
        assert "could not be read before" in result["summary"]
        assert "target" not in result
    assert "no app_api_key" in blind["summary"]
    assert writes(sandbox) == []


@CONFIRMS
def test_hidden_attributes_are_hidden_in_the_question_and_compared_all_the_same(
    sandbox: Sandbox, confirm: str
) -> None:
    hidden = ["email", "id"]
    with guarded(sandbox, confirm, hidden_attributes=hidden) as tool:
        assert tool.call(IDENTIFY, HARMLESS["their own address"][0])["ok"]
        result = tool.call(IDENTIFY, SOMEBODY_ELSE["of somebody with another id"])
    assert code_of(result) == "confirmation_required"
    assert result["target"] == {"cio_id": "d9c106000003"}
    assert "zoë" not in json.dumps(result, ensure_ascii=False)


def test_a_token_serves_where_the_read_shows_nobody_by_then(sandbox: Sandbox, api: Api) -> None:
    arguments = SOMEBODY_ELSE["the address of a lead"]
    with guarded(sandbox, "repeat") as tool:
        token = tool.call(IDENTIFY, arguments)["confirmation_token"]
        api.accept("DELETE", "/api/v1/customers/ivy%40example.com")
        assert tool.call(IDENTIFY, {**arguments, "confirmation_token": token})["ok"]


@pytest.mark.parametrize("confirm", ["never", "human", "repeat"])
def test_the_definition_has_what_a_confirmation_needs(sandbox: Sandbox, confirm: str) -> None:
    with guarded(sandbox, confirm) as tool:
        definition = tool.definition(IDENTIFY)
        plain = tool.definition("track_event")
    has_token = "confirmation_token" in definition["input_schema"]["properties"]
    assert has_token is (confirm == "repeat")
    has_id = "confirmation_id" in definition["output_schema"]["properties"]
    assert has_id is (confirm == "human")
    assert "confirmation" not in json.dumps(plain)


# What one 200 may mean


def read(tool: CustomerIoTool, result: dict[str, Any]) -> dict[str, Any]:
    """Return the identifiers of the person whom the call in `verify` shows."""
    verify = result["verify"]
    found = tool.call(verify["subtool"], verify["arguments"])
    identifiers: dict[str, Any] = found["customer"]["identifiers"]
    return identifiers


OUTCOMES: dict[str, tuple[dict[str, Any], bool, dict[str, Any], int]] = {
    "the person changes": (
        {"customer_id": "u6", "email": "n@example.com"},
        True,
        {"id": "u6", "email": "n@example.com", "cio_id": "d9c106000006"},
        0,
    ),
    "the owner of the address gets the id": (
        {"customer_id": "new", "email": "ivy@example.com"},
        True,
        {"id": "new", "email": "ivy@example.com", "cio_id": "d9c106000007"},
        0,
    ),
    "the identifier is ignored": (
        {"customer_id": "u6", "email": "ivy@example.com"},
        False,
        {"id": "u6", "email": None, "cio_id": "d9c106000006"},
        0,
    ),
    "ignored, as both have what the other has": (
        {"customer_id": "u1", "email": "zoë@example.com"},
        True,
        {"id": "u1", "email": "ada+test@example.com", "cio_id": "d9c106000001"},
        0,
    ),
    "the younger is merged into the older": (
        {"customer_id": "u6", "email": "ivy@example.com"},
        True,
        {"id": "u6", "email": "ivy@example.com", "cio_id": "d9c106000006"},
        -1,
    ),
}


@pytest.mark.parametrize(
    ("arguments", "auto_merge", "shown", "people"), OUTCOMES.values(), ids=OUTCOMES.keys()
)
def test_the_caution_tells_what_may_happen_and_verify_shows_which(
    sandbox: Sandbox,
    arguments: dict[str, Any],
    auto_merge: bool,
    shown: dict[str, Any],
    people: int,
) -> None:
    sandbox.configure(auto_merge=auto_merge)
    before = len(sandbox.state()["people"])
    with guarded(sandbox) as tool:
        result = tool.call(IDENTIFY, arguments)
        assert read(tool, result) == shown
    assert len(sandbox.state()["people"]) == before + people
    for words in ("ignores the second", "merges the two for good", "its owner gets the first"):
        assert words in result["summary"]


def test_the_older_survives_also_where_it_is_known_by_its_address(api: Api) -> None:
    api.identify("late", city="Ulm")
    api.identify("late", email="ivy@example.com")
    kept = api.known("late")
    assert (kept["email"], f"cio_{kept['cio_id']}") == ("ivy@example.com", IVY)
    assert kept["attributes"]["city"] == "Ulm"


def test_no_time_is_sent_that_the_caller_did_not_give(sandbox: Sandbox) -> None:
    with guarded(sandbox) as tool:
        tool.call(IDENTIFY, {"customer_id": "u6", "attributes": {"plan": "pro"}})
        tool.call(IDENTIFY, {"customer_id": "u6", "timestamp": "2026-11-23T12:00:00Z"})
    bodies = [request["json"] for request in writes(sandbox)]
    assert bodies == [{"plan": "pro"}, {"_timestamp": 1795435200}]
