"""async-customerio, unmodified but for its host: every call it has, and its effect.

Its ways are kept, not repaired: it sends ids as they are and encodes device tokens twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from async_customerio import (  # type: ignore[import-untyped]
    Actions,
    AsyncAPIClient,
    AsyncCustomerIO,
    AsyncCustomerIOError,
    SendEmailRequest,
    SendPushRequest,
    TrackAPIV2,
)
from async_customerio.api.customers import Customers  # type: ignore[import-untyped]
from async_customerio.api.segments import Segments  # type: ignore[import-untyped]
from async_customerio.api.transactional import Transactional  # type: ignore[import-untyped]

from tests.official_clients.view import ACME, LINK, NOW, View, calls_of

TrackCall = Callable[[AsyncCustomerIO, View], Awaitable[None]]
AppCall = Callable[[AsyncAPIClient, View], Awaitable[None]]
BETA = 1  # the demo's manual segment


def connect(view: View, key: str | None = None) -> AsyncCustomerIO:
    sandbox = view.sandbox
    return AsyncCustomerIO(
        sandbox.site_id, key or sandbox.track_api_key, host=view.host, port=view.port
    )


async def identify(track: AsyncCustomerIO, view: View) -> None:
    await track.identify("as-1", email="as1@example.com", plan="pro")
    assert view.known("as1@example.com")["attributes"] == {"plan": "pro"}
    await track.identify("as-1")  # a PUT without a body, its type JSON
    assert view.last()["applied"]


async def event(track: AsyncCustomerIO, view: View) -> None:
    await track.track("as-track", "paid", total=19.5)
    assert view.known("as-track")["events"][0]["data"] == {"total": 19.5}


async def track_anonymous(track: AsyncCustomerIO, view: View) -> None:
    await track.track_anonymous("as-visitor", "looked")
    await track.identify("as-anon", anonymous_id="as-visitor")
    assert view.events("as-anon") == [("looked", "event")]


async def pageview(track: AsyncCustomerIO, view: View) -> None:
    await track.pageview("as-page", "/pricing", referrer="/")
    assert view.events("as-page") == [("/pricing", "page")]


async def backfill(track: AsyncCustomerIO, view: View) -> None:
    await track.backfill("as-back", "bought", NOW - 90 * 86400)
    assert view.known("as-back")["events"][0]["timestamp"] == NOW - 90 * 86400


async def delete(track: AsyncCustomerIO, view: View) -> None:
    await track.identify("as-delete")
    await track.delete("as-delete")
    assert view.person("as-delete") is None


async def add_device(track: AsyncCustomerIO, view: View) -> None:
    await track.add_device("as-device", "tok:5", "ios", device_os="18.1")
    [device] = view.known("as-device")["devices"]
    assert device["attributes"] == {"device_os": "18.1"}


async def delete_device(track: AsyncCustomerIO, view: View) -> None:
    await track.add_device("as-undevice", "plain-token", "ios")
    await track.add_device("as-undevice", "tok:5", "ios")
    await track.delete_device("as-undevice", "plain-token")
    assert view.tokens("as-undevice") == ["tok:5"]
    await track.delete_device("as-undevice", "tok:5")  # goes out as tok%253A5
    assert view.tokens("as-undevice") == ["tok:5"]
    assert view.last()["reason"] == "unknown device"


async def suppress(track: AsyncCustomerIO, view: View) -> None:
    await track.identify("as-suppress")
    await track.suppress("as-suppress")
    assert view.person("as-suppress") is None


async def unsuppress(track: AsyncCustomerIO, view: View) -> None:
    await track.suppress("as-free")
    await track.unsuppress("as-free")
    await track.identify("as-free", plan="new")
    assert view.known("as-free")["attributes"] == {"plan": "new"}


async def merge_customers(track: AsyncCustomerIO, view: View) -> None:
    await track.identify("as-one")
    await track.identify("as-two", plan="team")
    await track.merge_customers("id", "as-one", "id", "as-two")
    assert view.known("as-one")["attributes"] == {"plan": "team"}
    assert view.person("as-two") is None


async def add_to_segment(track: AsyncCustomerIO, view: View) -> None:
    await track.identify("as-member", email="as-member@example.com")
    await track.add_to_segment(BETA, ["as-member@example.com"], id_type="email")
    assert view.known("as-member")["cio_id"] in view.members(BETA)


async def remove_from_segment(track: AsyncCustomerIO, view: View) -> None:
    await track.identify("as-leaver")
    await track.add_to_segment(BETA, ["as-leaver"])
    await track.remove_from_segment(BETA, ["as-leaver"])
    assert view.known("as-leaver")["manual_segments"] == []


async def get_region(track: AsyncCustomerIO, view: View) -> None:
    assert (await track.get_region())["region"] == "us"


async def send_entity(track: AsyncCustomerIO, view: View) -> None:
    await track.send_entity({"id": "as-entity"}, "person", Actions.identify, plan="pro")
    assert view.person("as-entity")


async def send_batch(track: AsyncCustomerIO, view: View) -> None:
    await track.send_batch(
        [{"type": "person", "action": "identify", "identifiers": {"id": "as-b"}}]
    )
    assert view.person("as-b")


def unserved(name: str, *arguments: Any, **more: Any) -> Callable[[Any, View], Awaitable[None]]:
    async def call(client: Any, view: View) -> None:
        with pytest.raises(AsyncCustomerIOError, match=r"^HTTP 501.* is not served"):
            await getattr(client, name)(*arguments, **more)

    return call


TRACK: dict[str, TrackCall] = {
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
    "add_to_segment": add_to_segment,
    "remove_from_segment": remove_from_segment,
    "get_region": get_region,
    "send_entity": send_entity,
    "send_batch": send_batch,
    "unsubscribe": unserved("unsubscribe", "d1"),
    "report_metric": unserved("report_metric", "d1", "opened"),
    "report_push_metric": unserved("report_push_metric", "d1", "tok", "opened"),
    "submit_form": unserved("submit_form", "form1", email="a@example.com"),
}


@pytest.mark.parametrize(
    "call", calls_of(AsyncCustomerIO, "send_request", "_update_segment_membership", "v2.send_batch")
)
def test_every_track_call_has_its_effect_or_is_told_that_it_is_not_served(
    call: str, view: View
) -> None:
    async def run() -> None:
        async with connect(view) as track:
            await TRACK[call](track, view)

    asyncio.run(run())


async def every_v2_call(v2: Any, view: View) -> None:
    """Take one person and one object through all of v2."""
    who, company = {"id": "as-v2"}, dict(ACME)
    await v2.identify_person(who, plan="pro")
    await v2.track_person_event(who, "paid", total=3)
    await v2.person_pageview(who, "/home")
    await v2.person_screen(who, "Home")
    assert view.events("as-v2") == [("paid", "event"), ("/home", "page"), ("Home", "screen")]
    await v2.add_person_device(who, "tok:9", "ios", last_used=NOW)
    assert view.tokens("as-v2") == ["tok:9"]
    await v2.delete_person_device(who, "tok:9")
    assert view.tokens("as-v2") == []
    await v2.identify_object(company, name="Acme")
    assert view.sandbox.state()["objects"][0]["attributes"] == {"name": "Acme"}
    await v2.add_person_relationships(who, [LINK])
    assert view.known("as-v2")["relationships"]
    await v2.delete_person_relationships(who, [LINK])
    await v2.add_object_relationships(company, [{"identifiers": who}])
    assert view.known("as-v2")["relationships"]
    await v2.delete_object_relationships(company, [{"identifiers": who}])
    assert view.known("as-v2")["relationships"] == []
    with pytest.raises(AsyncCustomerIOError, match=r"^HTTP 400"):  # T lists no events of objects
        await v2.track_object_event(company, "renewed")
    await v2.delete_object(company)
    assert view.sandbox.state()["objects"] == []
    await v2.send_batch([{"type": "person", "action": "identify", "identifiers": {"id": "as-v3"}}])
    await v2.merge_persons(who, {"id": "as-v3"})
    assert view.person("as-v3") is None
    await v2.suppress_person(who)
    await v2.unsuppress_person(who)
    await v2.send_entity({"type": "person", "action": "identify", "identifiers": who})
    assert view.known("as-v2")["attributes"] == {}
    await v2.delete_person(who)
    assert view.person("as-v2") is None


def test_every_v2_call_has_its_effect(view: View) -> None:
    class Noted:
        def __init__(self, v2: TrackAPIV2) -> None:
            self.v2 = v2
            self.called: set[str] = set()

        def __getattr__(self, name: str) -> Any:
            self.called.add(name)
            return getattr(self.v2, name)

    async def run() -> None:
        async with connect(view) as track:
            noted = Noted(track.v2)
            await every_v2_call(noted, view)
            assert noted.called == set(calls_of(TrackAPIV2, "send_entity", "_client.send_request"))

    asyncio.run(run())


async def send_email(app: AsyncAPIClient, view: View) -> None:
    request = SendEmailRequest(
        to="ada+test@example.com", transactional_message_id="receipt", identifiers={"id": "u1"}
    )
    request.attach("invoice.txt", "Thank you")
    sent = view.delivery((await app.send_email(request))["delivery_id"])
    assert sent["recipient"] == "ada+test@example.com"
    assert sent["content"]["attachments"] == {"invoice.txt": len("Thank you")}


async def send_push(app: AsyncAPIClient, view: View) -> None:
    request = SendPushRequest(transactional_message_id="order_shipped", identifiers={"id": "u1"})
    sent = view.delivery((await app.send_push(request))["delivery_id"])
    assert sent["recipient"] == "apns:ada-phone"


class Empty:
    """A request of a channel that is not served."""

    def to_dict(self) -> dict[str, Any]:
        return {"identifiers": {"id": "u1"}}


APP: dict[str, AppCall] = {
    "send_email": send_email,
    "send_push": send_push,
    **{
        name: unserved(name, Empty())
        for name in ("send_sms", "send_whatsapp", "send_inbox_message", "send_in_app")
    },
}


@pytest.mark.parametrize("call", calls_of(AsyncAPIClient, "_request"))
def test_every_send_has_its_effect_or_is_told_that_it_is_not_served(call: str, view: View) -> None:
    asyncio.run(with_app(view, APP[call]))


async def with_app(view: View, call: AppCall) -> None:
    async with AsyncAPIClient(view.sandbox.app_api_key, url=view.sandbox.app_url) as app:
        await call(app, view)


async def every_segment_call(app: AsyncAPIClient, view: View) -> None:
    made = (await app.segments.create("Async", description="by a client"))["segment"]
    number = made["id"]
    assert (await app.segments.get(number))["segment"] == made
    assert made in (await app.segments.list())["segments"]
    assert (await app.segments.get_customer_count(number))["count"] == 0
    assert (await app.segments.get_membership(BETA, limit=1))["ids"] == ["u1"]
    assert (await app.segments.get_used_by(2))["used_by"]["campaigns"] == [13]
    assert await app.segments.delete(number) == {}
    with pytest.raises(AsyncCustomerIOError, match=r"^HTTP 404"):
        await app.segments.get(number)


def test_every_segment_call_has_its_effect(view: View) -> None:
    used = {"create", "get", "list", "get_customer_count", "get_membership", "get_used_by"}
    assert set(calls_of(Segments, "_client._request")) == used | {"delete"}
    asyncio.run(with_app(view, every_segment_call))


async def every_customer_call(app: AsyncAPIClient, view: View) -> None:
    found = await app.customers.get_by_email("TEAM42@example.com")
    assert found["results"][0]["id"] == "team/42"
    cio_id = view.known("u1")["cio_id"]
    for who, kind in (("u1", None), ("zoë@example.com", "email"), (cio_id, "cio_id")):
        answer = await app.customers.get_attributes(who, id_type=kind)
        assert answer["customer"]["attributes"]["email"]
    assert "messages" in await app.customers.get_messages("u1")
    members = (await app.customers.search({"segment": {"id": BETA}}))["identifiers"]
    assert {member["cio_id"] for member in members} == set(view.members(BETA))
    held = (await app.customers.get_segments("u1"))["segments"]
    assert {segment["id"] for segment in held} >= set(view.known("u1")["manual_segments"])
    assert (await app.customers.get_activities("u1"))["activities"]
    for name, argument in {
        "get_by_ids": ["u1"],
        "get_relationships": "u1",
        "get_subscription_preferences": "u1",
    }.items():
        await unserved(name, argument)(app.customers, view)


def test_every_customer_call_is_answered_or_told_that_it_is_not_served(view: View) -> None:
    assert len(calls_of(Customers, "_client._request")) == 9
    asyncio.run(with_app(view, every_customer_call))


async def every_transactional_call(app: AsyncAPIClient, view: View) -> None:
    records = (await app.transactional.list())["messages"]
    assert [record["name"] for record in records] == ["receipt", "password_reset", "order_shipped"]
    assert (await app.transactional.get(1))["message"]["name"] == "receipt"
    assert len((await app.transactional.list_variants(1))["contents"]) == 1
    for name, arguments in {
        "update_content": (1, 1),
        "get_variant": (1, "en"),
        "update_variant": (1, "en"),
        "get_metrics": (1,),
        "get_link_metrics": (1,),
        "get_deliveries": (1,),
    }.items():
        await unserved(name, *arguments)(app.transactional, view)


def test_every_transactional_call_is_answered_or_told_that_it_is_not_served(view: View) -> None:
    assert len(calls_of(Transactional, "_client._request")) == 9
    asyncio.run(with_app(view, every_transactional_call))


def test_it_is_told_of_a_wrong_key(view: View) -> None:
    async def run() -> None:
        async with connect(view, "not-the-key") as stranger:
            with pytest.raises(AsyncCustomerIOError, match=r"^HTTP 401"):
                await stranger.identify("u1", plan="free")

    asyncio.run(run())


def test_an_id_with_a_bare_slash_is_not_taken_for_somebody_else(view: View) -> None:
    """It sends ``team/42`` as two segments of the path: no route, and nobody is changed."""

    async def run() -> None:
        async with connect(view) as track:
            with pytest.raises(AsyncCustomerIOError, match=r"^HTTP 501"):
                await track.identify("team/42", plan="stolen")

    asyncio.run(run())
    assert view.known("team/42")["attributes"]["plan"] == "team"
