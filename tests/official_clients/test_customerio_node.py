"""The vendor's Node client, unmodified but for its host: every call it has, and its effect."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.official_clients.view import NOW, ULID, View
from tests.support import npm
from tests.support.requirements import requires

pytestmark = requires("npm")

PACKAGE, VERSION = "customerio-node", "5.2.0"
SCRIPT = Path(__file__).parent / "node" / "all_methods.mjs"


@pytest.fixture(scope="module")
def installed(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client in it."""
    return npm.installed(pytestconfig, tmp_path_factory, f"{PACKAGE}@{VERSION}")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(tls=True, clock=Clock(frozen_at=NOW)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def printed(installed: Path, sandbox: Sandbox) -> dict[str, Any]:
    """What the script printed; the client trusts the certificate through its environment."""
    ready = {name.upper(): value for name, value in sandbox.ready().items() if value is not None}
    environment = {**os.environ, **ready, "NODE_EXTRA_CA_CERTS": ready["CA_FILE"]}
    done = subprocess.run(
        ["node", str(SCRIPT)],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def served(printed: dict[str, Any]) -> dict[str, Any]:
    """The answers by the method's name."""
    return dict(printed["served"])


@pytest.fixture
def view(sandbox: Sandbox, printed: dict[str, Any]) -> View:
    """What the calls of the script left behind."""
    return View(sandbox)


def test_every_other_method_is_told_that_it_is_not_served(printed: dict[str, Any]) -> None:
    """So that the calls of the script are all that touch what is served."""
    rest = {**printed["rest"]["track"], **printed["rest"]["app"]}
    assert len(rest) > 100
    assert {name: status for name, status in rest.items() if status != 501} == {}


def test_every_route_is_reached(view: View) -> None:
    """The client has a method for all that is served."""
    reached = {each["operation"] for each in view.sandbox.requests() if each["status"] < 300}
    served = {route.operation for route in view.sandbox.application.router.served()}
    assert served - reached == set()


def test_people_are_identified_suppressed_freed_deleted_and_merged(
    view: View, served: dict[str, Any]
) -> None:
    assert served["identify"] == served["destroy"] == served["mergeCustomers"] == {}
    assert view.known("js/1 + ü")["attributes"] == {"plan": "pro"}
    assert view.known("js-bare")["attributes"] == {}
    assert view.person("js-suppressed") is None
    assert [each["value"] for each in view.sandbox.state()["suppressions"]] == ["js-suppressed"]
    assert view.known("js-free")["attributes"] == {"plan": "new"}
    assert view.person("js-gone") is None
    assert view.known("js-one")["attributes"] == {"plan": "team"}
    assert view.person("js-two") is None


def test_events_are_tracked_joined_and_not_doubled(view: View) -> None:
    [paid] = view.known("js-track")["events"]
    assert (paid["name"], paid["id"], paid["data"]) == ("paid", ULID, {"total": 19.5})
    assert view.events("js-anon") == [("looked", "event")]
    assert view.events("js-page") == [("https://example.com/pricing", "page")]
    recipients = [each["recipient"] for each in view.sandbox.state()["deliveries"]]
    assert "friend@example.com" in recipients


def test_devices_are_added_and_deleted(view: View) -> None:
    [device] = view.known("js-device")["devices"]
    assert (device["id"], device["last_used"]) == ("tok:5/a+b", 1795435000)
    assert device["attributes"] == {"device_os": "18.1"}


def test_version_2_takes_a_batch_and_an_entity(view: View) -> None:
    assert view.known("js-batch")["attributes"] == {"plan": "pro"}
    assert view.events("js-batch") == [("paid", "event"), ("Home", "screen")]


def test_segments_are_filled_made_read_and_deleted(view: View, served: dict[str, Any]) -> None:
    assert view.known("js/1 + ü")["cio_id"] in view.members(1)
    assert view.known("js-track")["manual_segments"] == []
    made = served["createSegment"]["segment"]
    assert served["getSegment"]["segment"] == made
    assert made in served["listSegments"]["segments"]
    assert served["deleteSegment"] == {}
    assert made["id"] not in [each["id"] for each in view.sandbox.state()["segments"]]
    assert served["getSegmentCustomerCount"]["count"] == 3
    assert served["getSegmentMembership"]["ids"] == ["u1"]
    assert served["getSegmentUsedBy"]["used_by"]["campaigns"] == [13]


def test_messages_are_sent_and_read_back(view: View, served: dict[str, Any]) -> None:
    mail = view.delivery(served["sendEmail"]["delivery_id"])
    assert mail["recipient"] == "ada+test@example.com"
    assert mail["content"]["attachments"] == {"invoice.txt": len("Thank you")}
    assert view.delivery(served["sendPush"]["delivery_id"])["recipient"] == "apns:ada-phone"
    assert served["getMessage"]["message"]["id"] == mail["id"]
    assert [each["id"] for each in served["getMessages"]["messages"]] == [mail["id"]]
    names = [each["name"] for each in served["listTransactionalMessages"]["messages"]]
    assert names == ["receipt", "password_reset", "order_shipped"]


def test_a_broadcast_is_triggered_and_looked_into(view: View, served: dict[str, Any]) -> None:
    number = served["triggerBroadcast"]["id"]
    assert served["getBroadcastTriggerStatus"]["id"] == number
    assert served["getBroadcastTriggerErrors"]["errors"] == []
    assert served["getBroadcastTriggers"]["triggers"][0]["id"] == number
    assert served["getBroadcastMessages"]["messages"][0]["broadcast_id"] == 30
    assert served["getBroadcast"]["broadcast"] in served["listBroadcasts"]["broadcasts"]
    assert served["getBroadcastMetrics"]["metric"]["series"]["created"][-1] == 1
    sent = [each for each in view.sandbox.state()["deliveries"] if each["trigger_id"] == number]
    assert [each["customer_id"] for each in sent] == ["u1"]


def test_people_and_campaigns_are_read(served: dict[str, Any]) -> None:
    assert served["getAccountRegion"]["region"] == "us"
    assert served["getCustomersByEmail"]["results"][0]["id"] == "js/1 + ü"
    assert served["getAttributes"] == served["getAttributesByEmail"]
    assert served["getAttributes"]["customer"]["attributes"]["plan"] == "pro"
    assert served["getCampaign"]["campaign"] in served["listCampaigns"]["campaigns"]
    series = served["getCampaignMetrics"]["metric"]["series"]
    assert len(series["sent"]) == len(series["human_opened"]) == 4


def test_people_templates_and_messages_are_looked_up(view: View, served: dict[str, Any]) -> None:
    assert served["searchCustomers"]["ids"] == ["u1"]
    assert served["searchCustomers"]["next"]
    assert [each["id"] for each in served["getCustomerSegments"]["segments"]] == [1, 2, 3]
    [activity] = served["getCustomerActivities"]["activities"]
    assert activity["customer_identifiers"]["email"] == "js1@example.com"
    assert served["getTransactionalMessage"]["message"]["name"] == "password_reset"
    [content] = served["getTransactionalMessageContents"]["contents"]
    assert content["body"] == "<p>{{trigger.link}}</p>"
    archived = served["getArchivedMessage"]["archived_message"]
    assert archived["id"] == served["sendEmail"]["delivery_id"]
    assert archived["body"] == "<p>Thank you, Ada</p>"


def test_it_is_told_of_what_is_wrong(printed: dict[str, Any]) -> None:
    assert printed["refused"] == {
        "wrongKey": "401 Unauthorized request",
        "wrongTemplate": '400 "transactional_message_id" not found.',
        "longValue": (
            "400 1 error:\n  - value for attribute 'myAttribute' cannot be longer than 1000 bytes"
        ),
        "secondTrigger": "429 Unknown error",  # it reads none of App's other envelopes
    }
