"""Types of a push notification's arguments: a device to add, and raw payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from customerio_tool.subtools.declare import (
    JsonObject,
    Problem,
    as_path_text,
    kind_of,
    located,
    only_members,
    unix_seconds,
)
from customerio_tool.subtools.devices import device_attributes

_DEVICE_FIX = "send {token, platform, last_used?, attributes?}"
_DEVICE_MEMBERS = {"token", "platform", "last_used", "attributes"}


def _device(given: Mapping[str, Any]) -> dict[str, Any]:
    only_members(given, _DEVICE_MEMBERS, _DEVICE_FIX)
    token, platform = given.get("token"), given.get("platform")
    if token is None:
        raise Problem("is missing", "send the device's push token", "token")
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
    if not isinstance(value, dict):
        raise Problem(f"is {kind_of(value)}", "send an object")
    return device_attributes(value)


def _platform_payloads(given: Mapping[str, Any]) -> dict[str, Any]:
    if not given or given.keys() - {"ios", "android"}:
        raise Problem("has other members than ios and android", "send {ios?, android?}")
    for platform, payload in given.items():
        if not isinstance(payload, dict) or not payload:
            raise Problem("is not a payload", "send an object", platform)
    return dict(given)


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
