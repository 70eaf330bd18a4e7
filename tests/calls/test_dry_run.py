"""A dry run shows the request that would go, and sends nothing."""

from __future__ import annotations

import json

import pytest
import responses
from jsonschema import Draft202012Validator

from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, SAVED_US, code_of, example_of
from tests.support.policies import EVENT, NOW, call, tool_with

EXAMPLES = {
    f"{name}-{number}": (name, example)
    for name, subtool in subtools().items()
    for number, example in enumerate(subtool.examples, start=1)
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_dry_run_shows_the_request_and_sends_nothing(
    net: responses.RequestsMock, key: str
) -> None:
    name, example = EXAMPLES[key]
    tool = tool_with(dry_run=True)
    result = tool.call(name, dict(example.arguments))

    host = {"track": "https://track.customer.io", "app": "https://api.customer.io"}
    shown = result["request"]
    sends = example.sends
    assert result["ok"]
    assert result["outcome"] == "dry_run"
    assert result["summary"].startswith("Nothing was sent")
    assert shown["method"] == sends.method
    assert shown["url"] == host[subtools()[name].endpoint.api.value] + sends.path
    assert shown.get("query", "") == sends.query
    assert ("body" in shown) is (sends.body is not None)
    assert shown["headers"] == {"Authorization": "***"}
    assert all(key not in json.dumps(result) for key in list(SAVED_US.values())[:3])
    Draft202012Validator(tool.definition(name)["output_schema"]).validate(result)
    assert len(net.calls) == 0


def test_a_dry_run_tells_the_body_and_the_event_id_as_they_would_go(
    net: responses.RequestsMock,
) -> None:
    result = call(tool_with(dry_run=True), "track_event", {**EVENT, "data": {"total": 1}})
    assert result["request"]["body"] == {
        "name": "paid",
        "id": result["event_id"],
        "timestamp": int(NOW),
        "data": {"total": 1},
    }


def test_a_dry_run_does_not_ask_for_the_region(net: responses.RequestsMock) -> None:
    saved = {name: value for name, value in SAVED_US.items() if name != "region"}
    result = call(tool_with(saved, dry_run=True), "list_segments", {})
    assert result["request"]["url"] == "/v1/segments"
    assert " Its host is not known before a first call, as" in result["summary"]
    assert "no region" in result["summary"]
    assert len(net.calls) == 0


def test_a_dry_run_refuses_what_would_be_refused(net: responses.RequestsMock) -> None:
    tool = tool_with(dry_run=True, allowed_recipients=[])
    assert code_of(tool.call("send_transactional_email", EMAIL)) == "policy_refused"
    assert code_of(tool.call("identify_customer", {})) == "policy_refused"
    assert code_of(tool.call("get_segment", {})) == "arguments_invalid"


def test_a_dry_run_of_a_large_body_stays_within_a_result(net: responses.RequestsMock) -> None:
    people = [f"person-{number}" for number in range(9000)]
    arguments = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": people, "data": {}}
    email = {**EMAIL, "body": "x" * 100_000}
    cut = call(tool_with(dry_run=True), "send_transactional_email", email)["request"]
    assert cut["truncated"]
    assert len(cut["body"]["body"]) < 3000
    assert call(tool_with(dry_run=True), "trigger_broadcast", arguments)["ok"]


@pytest.mark.parametrize("confirm", ["human", "repeat"])
@pytest.mark.parametrize("name", [n for n, each in subtools().items() if each.effect.asked_first])
def test_nobody_is_asked_about_what_will_not_be_sent(
    net: responses.RequestsMock, name: str, confirm: str
) -> None:
    tool, plain = tool_with(confirm=confirm, dry_run=True), tool_with()
    assert tool.call(name, example_of(name))["outcome"] == "dry_run"
    assert tool.definition(name) == plain.definition(name)
    assert len(net.calls) == 0


EU, TRACK_ALONE = {**SAVED_US, "region": "eu"}, {"track_url": "http://127.0.0.1:9"}
NO_REGION = {name: value for name, value in SAVED_US.items() if name != "region"}
NO_HOST = " Its host is not known before a first call, as the connection has no region."


@pytest.mark.parametrize(
    ("saved", "track", "app"),
    [
        (SAVED_US, "https://track.customer.io", "https://api.customer.io"),
        (EU, "https://track-eu.customer.io", "https://api-eu.customer.io"),
        (NO_REGION, "", ""),
        ({**NO_REGION, **TRACK_ALONE}, "http://127.0.0.1:9", ""),
        ({**EU, **TRACK_ALONE}, "http://127.0.0.1:9", "https://api-eu.customer.io"),
    ],
)
def test_a_dry_run_tells_the_whole_request_and_no_credentials(
    net: responses.RequestsMock, saved: dict[str, str], track: str, app: str
) -> None:
    event = call(tool_with(saved, dry_run=True), "track_event", {**EVENT, "event_id": "order-7"})
    assert event == {
        "ok": True,
        "summary": "Nothing was sent: this is a dry run. `request` is what track_event would send."
        + ("" if track else NO_HOST),
        "outcome": "dry_run",
        "request": {
            "method": "POST",
            "url": f"{track}/api/v1/customers/u1/events",
            "headers": {"Authorization": "***"},
            "body": {"name": "paid", "id": event["event_id"], "timestamp": int(NOW)},
        },
        "event_id": event["event_id"],
    }
    assert call(tool_with(saved, dry_run=True), "list_messages", {"limit": 3}) == {
        "ok": True,
        "summary": "Nothing was sent: this is a dry run. `request` is what list_messages would "
        "send." + ("" if app else NO_HOST),
        "outcome": "dry_run",
        "request": {
            "method": "GET",
            "url": f"{app}/v1/messages",
            "query": "limit=3",
            "headers": {"Authorization": "***"},
        },
    }
