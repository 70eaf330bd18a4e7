"""The promises of every subtool, kept by three beside the page; run in the copy that has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from customerio_tool import Backends, Connection, CustomerIoTool
from customerio_tool.backends.telemetry.audit import AuditTrail
from customerio_tool.calls.watch import keyed_hash
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import PAGE, subtools
from tests.support.clients import code_of
from tests.support.policies import paths_of, tool_with
from tests.support.retries import LOST, SkippingClock, Tries, tool_on

READ, EVENT, ERASE = "list_broadcast_messages", "track_screen_view", "erase_profile"
VIEW = {"viewer": "ada+test@example.com", "screen": "Checkout"}
REDIRECTED = {**VIEW, "properties": {"recipient": "x@evil.example"}}


def refusal(sandbox: Sandbox, arguments: dict[str, Any], **policy: Any) -> tuple[str, list[str]]:
    """Return the code and the paths of a refusal before the network."""
    with tool_with(sandbox.connection(), **policy) as tool:
        result = tool.call(EVENT, arguments)
    assert sandbox.requests() == []
    return code_of(result), paths_of(result)


def test_they_stand_behind_the_page() -> None:
    assert list(subtools()) == [*PAGE, ERASE, READ, EVENT]


def test_hidden_attributes_are_not_shown(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection()) as tool:
        shown = json.dumps(tool.call(READ, {"broadcast_id": 30}))
    assert '"email"' in shown
    assert "ada+test@example.com" in shown
    with tool_with(sandbox.connection(), hidden_attributes=["email", "plan"]) as tool:
        result = tool.call(READ, {"broadcast_id": 30})
    assert all(each["customer_identifiers"]["cio_id"] for each in result["messages"])
    assert "email" not in json.dumps(result)
    assert "@" not in json.dumps(result)


def test_data_that_redirect_a_message_are_refused(sandbox: Sandbox) -> None:
    refused = refusal(sandbox, REDIRECTED)
    assert refused == ("arguments_invalid", ["properties.recipient"])


def test_an_allow_list_refuses_what_starts_campaigns_and_whom_data_name(sandbox: Sandbox) -> None:
    allowed: dict[str, Any] = {"allowed_recipients": ["example.com"]}
    opened = {**allowed, "allow_triggers": True, "event_overrides": True}
    assert refusal(sandbox, VIEW, **allowed) == ("policy_refused", [])
    refused = refusal(sandbox, REDIRECTED, **opened)
    assert refused == ("policy_refused", ["properties.recipient"])
    with tool_with(sandbox.connection(), **opened) as tool:
        assert tool.call(EVENT, {**VIEW, "properties": {"recipient": "a@example.com"}})["ok"]


def test_read_only_lets_the_read_through_and_not_the_event(sandbox: Sandbox) -> None:
    assert refusal(sandbox, VIEW, read_only=True) == ("policy_refused", [])
    with tool_with(sandbox.connection(), read_only=True) as tool:
        assert tool.call(READ, {"broadcast_id": 30})["ok"]


def test_the_audit_trail_names_the_person_by_hash(sandbox: Sandbox, tmp_path: Path) -> None:
    trail, saved = tmp_path / "trail", sandbox.connection()
    with CustomerIoTool(saved, backends=Backends(telemetry=[AuditTrail(trail)])) as tool:
        assert tool.call(EVENT, VIEW)["ok"]
        assert tool.call(READ, {"broadcast_id": 30})["ok"]
    of_event, of_read = map(json.loads, trail.read_text("utf-8").splitlines())
    hashed = keyed_hash(Connection.load(saved).digest.encode(), VIEW["viewer"])
    told = [(line["subtool"], line["id_type"], line["person"]) for line in (of_event, of_read)]
    assert told == [(EVENT, "email", hashed), (READ, None, None)]
    assert "ada" not in trail.read_text("utf-8")


def test_an_event_whose_answer_is_lost_is_repeated_with_its_id(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries
) -> None:
    sandbox.fault(operation="track", action=LOST, times=1)
    with tool_on(clock, sandbox.connection(), tries) as tool:
        result = tool.call(EVENT, VIEW)
    assert result["ok"], result
    assert tries.made == [("POST", "/api/v1/customers/{viewer}/events")] * 2
    bodies = [request["json"] for request in sandbox.requests()]
    assert bodies == [bodies[0]] * 2
    assert bodies[0]["id"] == result["view_id"]
    kept = [event for person in sandbox.state()["people"] for event in person["events"]]
    assert [event["name"] for event in kept].count(VIEW["screen"]) == 1


def test_a_read_whose_answer_is_lost_is_repeated(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries
) -> None:
    sandbox.fault(operation="broadcast_messages", action=LOST, times=1)
    with tool_on(clock, sandbox.connection(), tries) as tool:
        assert tool.call(READ, {"broadcast_id": 30})["messages"]
    assert tries.made == [("GET", "/v1/broadcasts/{broadcast_id}/messages")] * 2


def test_what_erases_reads_its_target_first_and_tells_it(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), confirm="human", hidden_attributes=["email"]) as tool:
        asked = tool.call(ERASE, {"profile": "u1"})
        nobody = tool.approve(tool.call(ERASE, {"profile": "Margaret"})["confirmation_id"])
    assert code_of(asked) == "confirmation_required"
    assert (asked["existed"], asked["target"]["id"]) == (True, "u1")
    assert "email" not in asked["target"]
    assert nobody["existed"] is False
    assert "verify" not in nobody
