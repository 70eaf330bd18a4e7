"""What a push notification is made of beside its text: the device it adds, and raw payloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from customerio_tool.arguments import kind_of
from customerio_tool.fields import (
    JsonObject,
    as_path_text,
    located,
    only_members,
    unix_seconds,
    wrong,
)
from customerio_tool.subtools.devices import device_attributes

_DEVICE_FIX = "send {token, platform, last_used?, attributes?}"
_DEVICE_MEMBERS = {"token", "platform", "last_used", "attributes"}
_attributes = device_attributes("custom_device.attributes")


def _device(given: Mapping[str, Any]) -> dict[str, Any]:
    only_members(given, _DEVICE_MEMBERS, _DEVICE_FIX)
    token, platform = given.get("token"), given.get("platform")
    if token is None:
        raise wrong("is missing", "send the device's push token", "custom_device.token")
    if platform not in ("ios", "android"):
        raise wrong(
            "is not one of the choices", "send 'ios' or 'android'", "custom_device.platform"
        )
    device = {
        "token": located(as_path_text, token, "custom_device.token"),
        "platform": platform,
    }
    if given.get("last_used") is not None:
        device["last_used"] = located(unix_seconds, given["last_used"], "custom_device.last_used")
    if given.get("attributes") is not None:
        device["attributes"] = _device_attributes(given["attributes"])
    return device


def _device_attributes(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise wrong(f"is {kind_of(value)}", "send an object", "custom_device.attributes")
    return _attributes(value)


def _platform_payloads(given: Mapping[str, Any]) -> dict[str, Any]:
    if not given or given.keys() - {"ios", "android"}:
        raise wrong("has other members than ios and android", "send {ios?, android?}")
    for platform, payload in given.items():
        if not isinstance(payload, dict) or not payload:
            raise wrong("is not a payload", "send an object", f"custom_payload.{platform}")
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
