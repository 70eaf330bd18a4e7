"""The vendor's Python client, unmodified but for its host: every call it has, and its effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest
from customerio import (  # type: ignore[import-untyped]
    APIClient,
    CustomerIO,
    CustomerIOException,
    SendEmailRequest,
    SendPushRequest,
)

from tests.official_clients.view import NOW, ULID, View, calls_of


@pytest.fixture
def track(view: View) -> Iterator[CustomerIO]:
    with connect(view) as client:
        yield client


@contextmanager
def connect(view: View, key: str | None = None) -> Iterator[CustomerIO]:
    sandbox = view.sandbox
    with CustomerIO(
        sandbox.site_id, key or sandbox.track_api_key, host=view.host, port=view.port, retries=0
    ) as client:
        yield client


@pytest.fixture
def app(view: View) -> Iterator[APIClient]:
    with APIClient(view.sandbox.app_api_key, url=view.sandbox.app_url, retries=0) as client:
        yield client


def identify(track: CustomerIO, view: View) -> None:
    track.identify("py/1 + ü", email="py1@example.com", plan="pro", logins=3, when=_noon())
    stored = view.known("py/1 + ü")
    assert stored["email"] == "py1@example.com"
    assert stored["attributes"] == {"plan": "pro", "logins": 3, "when": NOW}


def _noon() -> datetime:
    return datetime.fromtimestamp(NOW, timezone.utc)


def event(track: CustomerIO, view: View) -> None:
    for _ in range(2):  # an id that was seen is dropped
        track.track("py-track", "paid", {"total": 19.5}, id=ULID, timestamp=NOW - 60)
    [stored] = view.known("py-track")["events"]
    assert (stored["name"], stored["id"], stored["timestamp"]) == ("paid", ULID, NOW - 60)
    assert stored["data"] == {"total": 19.5}


def track_anonymous(track: CustomerIO, view: View) -> None:
    track.track_anonymous("py-visitor", "looked", {"page": 1})
    track.identify("py-anon", anonymous_id="py-visitor")
    assert view.events("py-anon") == [("looked", "event")]
    track.track_anonymous(None, "signed_up", {"recipient": "friend@example.com"})
    assert view.sandbox.state()["deliveries"][-1]["recipient"] == "friend@example.com"


def pageview(track: CustomerIO, view: View) -> None:
    track.pageview("py-page", "https://example.com/pricing", referrer="/")
    assert view.events("py-page") == [("https://example.com/pricing", "page")]


def backfill(track: CustomerIO, view: View) -> None:
    track.backfill("py-back", "signed_up", NOW - 90 * 86400, source="import")
    [stored] = view.known("py-back")["events"]
    assert (stored["timestamp"], stored["data"]) == (NOW - 90 * 86400, {"source": "import"})


def delete(track: CustomerIO, view: View) -> None:
    track.identify("py-delete")
    track.delete("py-delete")
    assert view.person("py-delete") is None
    assert view.last()["body"] == "{}"  # a DELETE with a body
    track.delete("py-delete")  # the body did not spoil the connection


def add_device(track: CustomerIO, view: View) -> None:
    track.add_device("py-device", "tok:5/a+b", "ios", device_os="18.1", last_used=NOW - 5)
    [device] = view.known("py-device")["devices"]
    assert (device["id"], device["last_used"]) == ("tok:5/a+b", NOW - 5)
    assert device["attributes"] == {"device_os": "18.1"}


def delete_device(track: CustomerIO, view: View) -> None:
    track.add_device("py-undevice", "tok:5/a+b", "android")
    track.delete_device("py-undevice", "tok:5/a+b")
    assert view.tokens("py-undevice") == []


def suppress(track: CustomerIO, view: View) -> None:
    track.identify("py-suppress")
    track.suppress("py-suppress")
    track.identify("py-suppress")
    assert view.person("py-suppress") is None
    assert view.last()["reason"] == "suppressed"


def unsuppress(track: CustomerIO, view: View) -> None:
    track.suppress("py-free")
    track.unsuppress("py-free")
    track.identify("py-free", plan="new")
    assert view.known("py-free")["attributes"] == {"plan": "new"}


def merge_customers(track: CustomerIO, view: View) -> None:
    track.identify("py-one", city="")
    track.identify("py-two", email="py-two@example.com", plan="team")
    track.merge_customers("id", "py-one", "email", "py-two@example.com")
    assert view.known("py-one")["attributes"] == {"plan": "team"}
    assert view.person("py-two") is None


def batch(track: CustomerIO, view: View) -> None:
    person = {"type": "person", "identifiers": {"id": "py-batch"}}
    track.batch(
        [
            {**person, "action": "identify", "attributes": {"plan": "pro"}},
            {**person, "action": "event", "name": "paid"},
        ]
    )
    assert view.known("py-batch")["attributes"] == {"plan": "pro"}
    assert view.events("py-batch") == [("paid", "event")]


TRACK: dict[str, Callable[[CustomerIO, View], None]] = {
    "identify": identify,
    "track": event,
    "track_anonymous": track_anonymous,
    "pageview": pageview,
    "backfill": backfill,
    "delete": delete,
    "add_device": add_device,
    "delete_device": delete_device,
    "suppress": suppress,
    "unsuppress": unsuppress,
    "merge_customers": merge_customers,
    "batch": batch,
}


@pytest.mark.parametrize("call", calls_of(CustomerIO, "send_request"))
def test_every_track_call_has_its_effect(call: str, track: CustomerIO, view: View) -> None:
    TRACK[call](track, view)


def send_email(app: APIClient, view: View) -> None:
    request = SendEmailRequest(
        to="ada+test@example.com", transactional_message_id="receipt", identifiers={"id": "u1"}
    )
    request.attach("invoice.txt", "Thank you")
    sent = view.delivery(app.send_email(request)["delivery_id"])
    assert (sent["type"], sent["recipient"]) == ("email", "ada+test@example.com")
    assert sent["customer_identifiers"]["id"] == "u1"
    assert sent["content"]["attachments"] == {"invoice.txt": len("Thank you")}


def send_push(app: APIClient, view: View) -> None:
    request = SendPushRequest(transactional_message_id="order_shipped", identifiers={"id": "u1"})
    sent = view.delivery(app.send_push(request)["delivery_id"])
    assert (sent["type"], sent["recipient"]) == ("push", "apns:ada-phone")


def unserved(name: str) -> Callable[[APIClient, View], None]:
    def call(app: APIClient, view: View) -> None:
        with pytest.raises(CustomerIOException, match=r"^501.* is not served"):
            getattr(app, name)({"identifiers": {"id": "u1"}})

    return call


APP: dict[str, Callable[[APIClient, View], None]] = {
    "send_email": send_email,
    "send_push": send_push,
    **{
        name: unserved(name)
        for name in ("send_sms", "send_whatsapp", "send_inbox_message", "send_in_app")
    },
}


@pytest.mark.parametrize("call", calls_of(APIClient, "send_request"))
def test_every_app_call_has_its_effect_or_is_told_that_it_is_not_served(
    call: str, app: APIClient, view: View
) -> None:
    APP[call](app, view)


def test_it_is_told_of_a_wrong_key(view: View) -> None:
    with (
        connect(view, "not-the-key") as stranger,
        pytest.raises(CustomerIOException, match=r"^401"),
    ):
        stranger.identify("u1", plan="free")


def test_it_is_told_of_a_wrong_template(app: APIClient) -> None:
    request = SendEmailRequest(
        to="a@example.com", transactional_message_id="no_such", identifiers={"id": "u1"}
    )
    with pytest.raises(CustomerIOException, match=r"^400"):
        app.send_email(request)
