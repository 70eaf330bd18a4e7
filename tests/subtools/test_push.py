from __future__ import annotations

from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.subtools.devices import add_device
from customerio_tool.subtools.transactional import send_transactional_push
from tests.subtools.calls import body_of, refusal_of, refused

PUSH = {"customer_id": "u1", "transactional_message_id": "shipped"}
DEVICE = {"token": "tok/1", "platform": "ios"}


def device_sent(**members: Any) -> Any:
    return body_of(send_transactional_push, **PUSH, custom_device=DEVICE | members)["custom_device"]


def device_refused(**members: Any) -> list[str]:
    return refused(send_transactional_push, **PUSH, custom_device=DEVICE | members)


@pytest.mark.parametrize("token", [" tok", "tok\u200b", "a\x00b", "a\nb", "..", "%2e%2e", 1.5])
def test_the_token_of_a_device_keeps_the_rules_of_identifiers(token: object) -> None:
    assert device_refused(token=token) == ["custom_device.token"]


def test_a_token_in_digits_may_be_a_number() -> None:
    assert device_sent(token=17)["token"] == "17"


def test_the_attributes_of_a_device_are_those_that_add_device_takes() -> None:
    sent = device_sent(attributes={"push_enabled": True, "app_version": 3})
    assert sent["attributes"] == {"push_enabled": "true", "app_version": "3"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("_last_status", "sent"), ("push_enabled", "yes"), ("app_version", None)),
        *(("token", "tok1"), ("Token", "tok1"), (" token", "tok1")),
    ],
)
def test_an_attribute_that_customer_io_would_not_take_is_refused(name: str, value: object) -> None:
    assert device_refused(attributes={name: value}) == [f"custom_device.attributes.{name}"]


def test_a_device_is_sent_with_its_time_in_seconds_and_its_attributes_as_text() -> None:
    device = {
        "token": "tok/1",
        "platform": "android",
        "last_used": "1763800000000",
        "attributes": {"beta": True},
    }
    assert device_sent(**device) == {
        "token": "tok/1",
        "platform": "android",
        "last_used": 1763800000,
        "attributes": {"beta": "true"},
    }


@pytest.mark.parametrize(
    ("device", "path"),
    [
        ({"platform": "ios"}, "custom_device.token"),
        ({"token": " ", "platform": "ios"}, "custom_device.token"),
        ({"token": "t"}, "custom_device.platform"),
        ({"token": "t", "platform": "web"}, "custom_device.platform"),
        ({"id": "t", "token": "t", "platform": "ios"}, "custom_device"),
        ({"token": "t", "platform": "ios", "last_used": "soon"}, "custom_device.last_used"),
        ({"token": "t", "platform": "ios", "last_used": []}, "custom_device.last_used"),
        ({"token": "t", "platform": "ios", "attributes": []}, "custom_device.attributes"),
        (
            {"token": "t", "platform": "ios", "attributes": {"a": None}},
            "custom_device.attributes.a",
        ),
    ],
)
def test_a_wrong_device_is_refused_at_its_member(device: dict[str, Any], path: str) -> None:
    assert refused(send_transactional_push, **PUSH, custom_device=device) == [path]


@pytest.mark.parametrize("payload", [{}, {"web": {}}, {"ios": {"a": 1}, "windows": {"a": 1}}])
def test_a_raw_payload_is_for_ios_and_android_only(payload: dict[str, Any]) -> None:
    assert refused(send_transactional_push, **PUSH, custom_payload=payload) == ["custom_payload"]


def test_a_raw_payload_goes_as_it_is() -> None:
    payload = {"ios": {"aps": {"alert": "Hi", "badge": None}}}
    body = body_of(send_transactional_push, **PUSH, custom_payload=payload)
    assert body["custom_payload"] == payload


def test_a_payload_that_is_null_is_not_given() -> None:
    payload = {"ios": {"aps": {"alert": None}}, "android": None}
    body = body_of(send_transactional_push, **PUSH, custom_payload=payload)
    assert body["custom_payload"] == {"ios": {"aps": {"alert": None}}}


@pytest.mark.parametrize("payload", [{}, {"ios": None}, {"ios": None, "android": None}])
def test_a_payload_for_no_platform_is_refused(payload: Any) -> None:
    (problem,) = refusal_of(send_transactional_push, **PUSH, custom_payload=payload).fields
    assert problem.path == "custom_payload"
    assert problem.problem == "is a payload for no platform"


def test_a_raw_payload_that_is_none_is_refused_at_its_platform() -> None:
    paths = refused(send_transactional_push, **PUSH, custom_payload={"ios": "Hi"})
    assert paths == ["custom_payload.ios"]


def test_add_device_says_that_a_token_stays_with_whoever_had_it() -> None:
    assert "stays with whoever" in add_device.description
    with CustomerIoTool.sandbox() as tool:
        device = {"customer_id": "u1", "device_id": "tok1", "platform": "ios"}
        assert "keeps it" in tool.call("add_device", device)["summary"]


@pytest.mark.parametrize("name", ["token", "Token"])
def test_add_device_takes_no_token_among_its_attributes(name: str) -> None:
    device = {"customer_id": "u1", "device_id": "tok1", "platform": "ios"}
    assert refused(add_device, **device, attributes={name: "tok1"}) == [f"attributes.{name}"]


def test_a_wrong_picture_is_answered_with_a_picture() -> None:
    error = refusal_of(send_transactional_push, **PUSH, image_url="http://example.com/a.png")
    assert "picture.png" in error.summary
    assert "jsonl" not in error.summary
