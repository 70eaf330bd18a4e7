"""The vendor's own Python client, unmodified but for its host, works with the local Customer.io."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from customerio import (  # type: ignore[import-untyped]
    APIClient,
    CustomerIO,
    CustomerIOException,
    SendEmailRequest,
    SendPushRequest,
)

from customerio_tool.sandbox import Clock, Sandbox

NOW = 1_795_435_200  # 2026-11-23 12:00 UTC


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(tls=True, clock=Clock(frozen_at=NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The local Customer.io over TLS, its certificate trusted by the clients of this process."""
    assert running.ca_file is not None
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", running.ca_file)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return running


@pytest.fixture
def track(sandbox: Sandbox) -> Iterator[CustomerIO]:
    where = urlsplit(sandbox.track_url)
    with CustomerIO(
        sandbox.site_id, sandbox.track_api_key, host=where.hostname, port=where.port, retries=0
    ) as client:
        yield client


@pytest.fixture
def app(sandbox: Sandbox) -> Iterator[APIClient]:
    with APIClient(sandbox.app_api_key, url=sandbox.app_url, retries=0) as client:
        yield client


def person(sandbox: Sandbox, identifier: str) -> dict[str, Any] | None:
    found = [one for one in sandbox.state()["people"] if identifier in (one["id"], one["email"])]
    return found[0] if found else None


def known(sandbox: Sandbox, identifier: str) -> dict[str, Any]:
    found = person(sandbox, identifier)
    assert found is not None
    return found


def test_it_identifies_a_person_whose_id_needs_encoding(
    track: CustomerIO, sandbox: Sandbox
) -> None:
    track.identify("client/1 + ü", email="client1@example.com", plan="pro", logins=3)
    stored = known(sandbox, "client/1 + ü")
    assert stored["email"] == "client1@example.com"
    assert (stored["attributes"]["plan"], stored["attributes"]["logins"]) == ("pro", 3)


def test_it_tracks_events_known_anonymous_and_page_views(
    track: CustomerIO, sandbox: Sandbox
) -> None:
    track.identify("client2")
    track.track("client2", "order_paid", {"total": 19.5}, id="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
    track.track("client2", "order_paid", {"total": 19.5}, id="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
    track.pageview("client2", "https://example.com/pricing", referrer="/")
    track.track_anonymous("visitor-7", "pricing_viewed")
    events = [(event["name"], event["type"]) for event in known(sandbox, "client2")["events"]]
    assert events == [("order_paid", "event"), ("https://example.com/pricing", "page")]
    assert "visitor-7" in [one["anonymous_id"] for one in sandbox.state()["anonymous_events"]]


def test_it_merges_two_people(track: CustomerIO, sandbox: Sandbox) -> None:
    track.identify("client3", city="")
    track.identify("client4", email="client4@example.com", plan="team")
    track.merge_customers("id", "client3", "email", "client4@example.com")
    assert known(sandbox, "client3")["attributes"]["plan"] == "team"
    assert person(sandbox, "client4") is None


def test_it_sends_an_email_from_a_template(app: APIClient, sandbox: Sandbox) -> None:
    request = SendEmailRequest(
        to="ada+test@example.com", transactional_message_id="receipt", identifiers={"id": "u1"}
    )
    request.attach("invoice.txt", "Thank you")
    delivery = app.send_email(request)["delivery_id"]
    (sent,) = [one for one in sandbox.state()["deliveries"] if one["id"] == delivery]
    assert (sent["type"], sent["recipient"]) == ("email", "ada+test@example.com")
    assert sent["customer_identifiers"]["id"] == "u1"


def test_it_sends_a_push_from_a_template(app: APIClient, sandbox: Sandbox) -> None:
    request = SendPushRequest(transactional_message_id="order_shipped", identifiers={"id": "u1"})
    delivery = app.send_push(request)["delivery_id"]
    assert delivery in [one["id"] for one in sandbox.state()["deliveries"] if one["type"] == "push"]


def test_it_handles_devices_and_suppression(track: CustomerIO, sandbox: Sandbox) -> None:
    track.identify("client5")
    track.add_device("client5", "tok:5/a", "ios")
    assert [one["id"] for one in known(sandbox, "client5")["devices"]] == ["tok:5/a"]
    track.delete_device("client5", "tok:5/a")
    assert known(sandbox, "client5")["devices"] == []
    track.suppress("client5")
    assert person(sandbox, "client5") is None
    track.unsuppress("client5")
    track.identify("client5")
    assert known(sandbox, "client5")["devices"] == []
    track.delete("client5")
    assert person(sandbox, "client5") is None


def test_it_is_told_of_a_wrong_key_and_a_wrong_template(sandbox: Sandbox, app: APIClient) -> None:
    where = urlsplit(sandbox.track_url)
    with (
        CustomerIO(
            sandbox.site_id, "not-the-key", host=where.hostname, port=where.port, retries=0
        ) as stranger,
        pytest.raises(CustomerIOException, match=r"^401"),
    ):
        stranger.identify("u1", plan="free")
    request = SendEmailRequest(
        to="a@example.com", transactional_message_id="no_such", identifiers={"id": "u1"}
    )
    with pytest.raises(CustomerIOException, match=r"^400"):
        app.send_email(request)
