"""Types of a push notification's arguments: a device to add, and raw payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from customerio_tool.subtools.declare import (
    JsonObject,
    Problem,
    Words,
    as_path_text,
    json_object,
    kind_of,
    located,
    only_members,
    override_of,
    unix_seconds,
)
from customerio_tool.subtools.declare.reading import chosen
from customerio_tool.subtools.devices import device_attributes
from customerio_tool.subtools.parts.vocabulary import PLATFORM_WORDS

_PAYLOAD_FIX = "send {ios?, android?}"
_DEVICE_FIX = "send {token, platform, last_used?, attributes?}"
_TARGETS = {"to", "token", "tokens", "topic", "condition", "registration_ids", "notification_key"}
"""Members by which a payload for Firebase names its devices
(https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages). Whether Customer.io
replaces them is UNVERIFIED."""

_DEVICE_MEMBERS = {"token", "platform", "last_used", "attributes"}


def _device(given: Mapping[str, Any]) -> dict[str, Any]:
    only_members(given, _DEVICE_MEMBERS, _DEVICE_FIX)
    token, platform = given.get("token"), given.get("platform")
    if token is None:
        raise Problem("is missing", "send the device's push token", "token")
    if isinstance(platform, str):
        platform = chosen(platform, ("ios", "android"), [Words(PLATFORM_WORDS)]) or platform
    if platform not in ("ios", "android"):
        raise Problem("is not one of the choices", "send 'ios' or 'android'", "platform")
    device = {
        "token": located(as_path_text, token, "token"),
        "platform": platform,
    }
    if given.get("last_used") is not None:
        device["last_used"] = located(unix_seconds, given["last_used"], "last_used")
    if given.get("attributes") is not None:
        device["attributes"] = located(_attributes, given["attributes"], "attributes")
    return device


def _attributes(value: Any) -> dict[str, str]:
    given = json_object(value)
    if not isinstance(given, dict):
        raise Problem(f"is {kind_of(given)}", "send an object")
    return device_attributes(given)


def _platform_payloads(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.keys() - {"ios", "android"}:
        raise Problem("has other members than ios and android", _PAYLOAD_FIX)
    named = {name: value for name, value in given.items() if value is not None}
    if not named:
        raise Problem("is a payload for no platform", _PAYLOAD_FIX)
    payloads = {name: located(json_object, value, name) for name, value in named.items()}
    for platform, payload in payloads.items():
        if not isinstance(payload, dict) or not payload:
            raise Problem("is not a payload", "send an object", platform)
    return payloads


def targets_in(payloads: Mapping[str, Any]) -> list[str]:
    """Return the paths in raw payloads that may name other devices than the recipient's."""
    messages = {
        f"{platform}{step}": message
        for platform, payload in payloads.items()
        for step, message in (("", payload), (".message", payload.get("message")))
    }
    return [
        f"custom_payload.{path}.{name}"
        for path, message in messages.items()
        if isinstance(message, dict)
        for name in message
        if override_of(name) in _TARGETS
    ]


CustomDevice: TypeAlias = Annotated[
    JsonObject,
    AfterValidator(_device),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "token": {"type": "string"},
                "platform": {"type": "string", "enum": ["ios", "android"]},
                "last_used": {"type": "string"},
                "attributes": {"type": "object"},
            },
            "required": ["token", "platform"],
        }
    ),
]
CustomPayload: TypeAlias = Annotated[
    JsonObject,
    AfterValidator(_platform_payloads),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"ios": {"type": "object"}, "android": {"type": "object"}},
        }
    ),
]
