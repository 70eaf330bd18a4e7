"""Devices: the push tokens of a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from customerio_tool.subtools.declare import (
    AlsoCalled,
    Api,
    Effect,
    Endpoint,
    Example,
    Invocation,
    JsonObject,
    Pace,
    PathText,
    Problem,
    Sends,
    Subtool,
    Time,
    Words,
    acknowledge,
    as_texts,
    boolean,
    override_of,
)
from customerio_tool.subtools.parts.identify import PersonArgs, look_at_person
from customerio_tool.subtools.parts.names import of_person
from customerio_tool.subtools.parts.references import TRACK_PAGES
from customerio_tool.subtools.parts.repairs import mend_device
from customerio_tool.subtools.parts.vocabulary import PLATFORM_WORDS, TOKEN_NAMES


def device_attributes(given: Mapping[str, Any]) -> dict[str, str]:
    """Return a device's attributes as text, which Customer.io requires.

    Raises:
        Problem: `push_enabled` is not true or false, `_last_status` is given (Customer.io sets it),
            `token` is given, or a value is not a string, number or boolean.
    """
    for name in given:
        if override_of(name) == "token":
            raise Problem("is no attribute", "leave it out; the token is the device's id", name)
    texts = as_texts(given)
    if "_last_status" in texts:
        raise Problem("is set by Customer.io alone", "leave it out", "_last_status")
    if "push_enabled" not in texts:
        return texts
    enabled = boolean(texts["push_enabled"])
    if not isinstance(enabled, bool):
        raise Problem("is not true or false", "send true or false", "push_enabled")
    return {**texts, "push_enabled": str(enabled).lower()}


class AddDeviceArgs(PersonArgs):
    """Arguments of add_device."""

    device_id: Annotated[PathText, Field(description="Push token."), TOKEN_NAMES]
    platform: Annotated[
        Literal["ios", "android"],
        Field(description="Kind of device."),
        Words(PLATFORM_WORDS),
        AlsoCalled("os", "device_type", "device_platform", "type"),
    ]
    last_used: Annotated[
        Time | None,
        Field(description="ISO 8601 or Unix time; default now."),
        AlsoCalled("last_used_at", "last_seen"),
    ] = None
    attributes: Annotated[
        Annotated[JsonObject, AfterValidator(device_attributes)] | None,
        Field(description="Facts on the device; stored as texts."),
    ] = None


def _device_body(args: AddDeviceArgs, invocation: Invocation) -> dict[str, Any]:
    attributes = {} if args.attributes is None else {"attributes": args.attributes}
    return {
        "device": {
            "id": args.device_id,
            "platform": args.platform,
            "last_used": invocation.now_seconds if args.last_used is None else args.last_used,
            **attributes,
        }
    }


add_device = Subtool(
    name="add_device",
    description=(
        "Adds or updates a push device (token + platform) for a person. Use to register a phone or "
        "tablet by its push token. A token stays with whoever had it before; remove it there with "
        "delete_device."
    ),
    args=AddDeviceArgs,
    endpoint=Endpoint(Api.TRACK, "PUT", "/api/v1/customers/{customer_id}/devices"),
    effect=Effect.OVERWRITE,
    pace=Pace.TRACK,
    body=_device_body,
    mend=mend_device,
    shape=acknowledge(
        "Customer.io accepted the device of {customer_id} and stores it shortly.",
        caution=of_person(
            "Anybody who had this token before keeps it, and gets messages there too: remove it "
            "there with delete_device."
        ),
        verify=look_at_person,
    ),
    may_redirect_messages=True,
    person_argument="customer_id",
    basic=(),
    reference=TRACK_PAGES + "add_device",
    examples=[
        Example(
            {"customer_id": "u1", "device_id": "tok1", "platform": "ios"},
            Sends(
                "PUT",
                "/api/v1/customers/u1/devices",
                body={"device": {"id": "tok1", "platform": "ios", "last_used": "$now"}},
            ),
        ),
        Example(
            {
                "customer_id": "team/42",
                "device_id": "fcm:APA91b/x+y",
                "platform": "android",
                "last_used": "1763890000",
                "attributes": {"push_enabled": True, "app_version": 4},
            },
            Sends(
                "PUT",
                "/api/v1/customers/team%2F42/devices",
                body={
                    "device": {
                        "id": "fcm:APA91b/x+y",
                        "platform": "android",
                        "last_used": 1763890000,
                        "attributes": {"push_enabled": "true", "app_version": "4"},
                    }
                },
            ),
            title="Attributes become texts",
        ),
    ],
)


class DeleteDeviceArgs(PersonArgs):
    """Arguments of delete_device."""

    device_id: Annotated[PathText, Field(description="Push token."), TOKEN_NAMES]


delete_device = Subtool(
    name="delete_device",
    description=(
        "Removes a push device from a person. Use when a phone is lost, sold or replaced, or its "
        "push token is dead. The app adds it again when it reports it."
    ),
    args=DeleteDeviceArgs,
    endpoint=Endpoint(Api.TRACK, "DELETE", "/api/v1/customers/{customer_id}/devices/{device_id}"),
    effect=Effect.REMOVE,
    pace=Pace.TRACK,
    shape=acknowledge(
        "Customer.io accepted the removal of the device from {customer_id}.",
        caution="It may say so of an unknown token too: `verify` shows the devices that are left.",
        verify=look_at_person,
    ),
    person_argument="customer_id",
    reference=TRACK_PAGES + "delete_device",
    examples=[
        Example(
            {"customer_id": "u1", "device_id": "apns:ada-phone"},
            Sends("DELETE", "/api/v1/customers/u1/devices/apns%3Aada-phone"),
        ),
        Example(
            {"customer_id": "team/42", "device_id": "fcm:grace:phone"},
            Sends("DELETE", "/api/v1/customers/team%2F42/devices/fcm%3Agrace%3Aphone"),
            title="Person and token are each encoded once and whole",
        ),
    ],
)
