from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.types import MAX_EVENT_DATA_BYTES
from customerio_tool.subtools.events import track_anonymous_event, track_event, track_page_view
from tests.subtools.calls import body_of, refusal_of, refused, result_of
from tests.support.vendor_spec import TrackSpecification

INVITE = {"name": "invited", "recipient": "ada@example.com"}


def test_the_limit_of_an_events_data_holds_for_what_is_sent_with_the_recipient() -> None:
    data = {"a": "x" * (MAX_EVENT_DATA_BYTES - 20)}

    (problem,) = refusal_of(track_anonymous_event, **INVITE, data=data).fields

    assert problem.path == "data"
    assert "recipient" in problem.fix
    assert body_of(track_anonymous_event, name="invited", anonymous_id="v", data=data)["data"]


@pytest.mark.parametrize("name", ["recipient", "Recipient", " recipient"])
@pytest.mark.parametrize("value", ["bob@example.com", None])
def test_an_invitation_whose_data_names_another_recipient_is_refused(name: str, value: Any) -> None:
    (problem,) = refusal_of(track_anonymous_event, **INVITE, data={name: value}).fields

    assert problem.path == "data"
    assert "recipient" in problem.problem


def test_an_invitation_may_repeat_its_recipient_in_the_data() -> None:
    body = body_of(track_anonymous_event, **INVITE, data={"recipient": "ada@example.com"})

    assert body["data"] == {"recipient": "ada@example.com"}


LONG = "https://shop.example.com/schuhe/größe?farbe=grün&" + "seite=2&" * 20
VIEW = {"customer_id": "u1"}


def test_a_long_url_is_cut_in_the_name_and_whole_in_the_data() -> None:
    with CustomerIoTool.sandbox() as tool:
        result = tool.call("track_page_view", {**VIEW, "url": LONG, "data": {"from": "mail"}})
        assert tool.local
        (sent,) = [each["json"] for each in tool.local.requests() if each["method"] == "POST"]
    assert result["ok"]
    assert "data.url" in result["summary"]
    assert len(sent["name"].encode()) in (99, 100)
    assert LONG.startswith(sent["name"])
    assert sent["data"] == {"from": "mail", "url": LONG}


@pytest.mark.parametrize("size", [99, 100])
def test_a_url_of_100_bytes_is_the_name_and_adds_no_data(size: int) -> None:
    url = "/" + "a" * (size - 1)
    body = body_of(track_page_view, **VIEW, url=url)
    assert (body["name"], "data" in body) == (url, False)


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=150))
def test_a_url_is_cut_at_a_character_and_not_inside_an_escape(text: str) -> None:
    body = body_of(track_page_view, **VIEW, url=f"/{text}")
    name, whole = body["name"], f"/{text}"
    assert whole.startswith(name)
    assert len(name.encode()) <= 100
    assert len(name.encode()) > 93 or name == whole
    if name != whole:
        assert body["data"]["url"] == whole
        assert not re.search("%.?$", name)


def test_a_cut_ends_before_an_escape() -> None:
    url = "/" + "a" * 97 + "%C3%A4"
    assert body_of(track_page_view, **VIEW, url=url)["name"] == "/" + "a" * 97


def test_a_long_url_is_not_given_twice() -> None:
    assert refused(track_page_view, **VIEW, url=LONG, data={"url": "/other"}) == ["data.url"]
    assert body_of(track_page_view, **VIEW, url=LONG, data={"url": LONG})["data"] == {"url": LONG}


def test_a_url_that_leaves_no_room_in_the_data_is_refused() -> None:
    data = {"a": "x" * (MAX_EVENT_DATA_BYTES - 20)}
    assert refused(track_page_view, **VIEW, url=LONG, data=data) == ["url"]


def test_two_long_urls_with_one_event_id_are_two_events() -> None:
    bodies = [
        body_of(track_page_view, **VIEW, url=LONG + page, event_id="visit-1") for page in "ab"
    ]
    assert bodies[0]["name"] == bodies[1]["name"]
    assert bodies[0]["id"] != bodies[1]["id"]


@pytest.mark.parametrize("subtool", [track_event, track_anonymous_event], ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("named", "sent"), [("screen", "screen"), ("Page_View", "page"), ("EVENT", "event")]
)
def test_a_view_of_a_page_or_screen_is_sent_as_one(
    subtool: Subtool[Any], named: str, sent: str, vendor_track: TrackSpecification
) -> None:
    whom = {"customer_id": "u1"} if subtool is track_event else {"anonymous_id": "visitor-7"}
    body = body_of(subtool, **whom, name="Checkout", type=named)
    assert body["type"] == sent
    if subtool is track_anonymous_event:
        assert vendor_track.problems("POST", "/api/v1/events", {}, body) == []


def test_a_screen_of_a_known_person_says_what_no_source_settles() -> None:
    screen = result_of(track_event, {}, customer_id="u1", name="Checkout", type="screen")
    assert "may not count as a screen view" in screen["summary"]
    page = result_of(track_event, {}, customer_id="u1", name="/cart", type="page")
    assert "screen view" not in page["summary"]


def test_no_advice_names_an_argument_that_a_model_is_not_shown() -> None:
    unlike = refusal_of(track_event, customer_id="u1", name="a", zzz=1).fields
    assert [each.fix for each in unlike] == [
        "choose from customer_id, name, data, timestamp, event_id."
    ]
    like = refusal_of(track_event, customer_id="u1", name="a", id_type="id").fields
    assert "'type'" not in like[0].fix


def test_a_model_is_not_shown_the_type_of_an_event() -> None:
    for subtool in (track_event, track_anonymous_event):
        assert "type" not in subtool.definition()["input_schema"]["properties"]
        assert "type" in subtool.input_schema()["properties"]
