"""Transactional sends: checking the payload, choosing record and person, creating the delivery."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from . import deliveries, devices, limits, people, templates
from .identify import is_true
from .refusal import Refused
from .store import Row
from .templates import Channel
from .workspace import Workspace

# The vendor refuses executable attachments; its list is not published, this is the usual one.
_FORBIDDEN = frozenset(
    [
        "bat",
        "cmd",
        "com",
        "cpl",
        "dll",
        "exe",
        "hta",
        "jar",
        "js",
        "jse",
        "lnk",
        "msi",
        "ps1",
        "scr",
        "vbe",
        "vbs",
        "wsf",
    ]
)
_QUOTED = re.compile(r'"(?:[^"\\]+|\\.)*("?)', re.DOTALL)  # up to the end where none closes it
_EMAIL_KEPT = [
    "from",
    "reply_to",
    "cc",
    "bcc",
    "body",
    "body_plain",
    "body_amp",
    "preheader",
    "message_data",
    "headers",
    "language",
    "tracked",
    "fake_bcc",
    "disable_message_retention",
    "send_to_unsubscribed",
]
_PUSH_KEPT = [
    "title",
    "message",
    "image_url",
    "link",
    "sound",
    "custom_data",
    "custom_payload",
    "message_data",
    "language",
    "disable_message_retention",
    "send_to_unsubscribed",
]

_TEXTS = [
    "to",
    "subject",
    "body",
    "from",
    "body_plain",
    "body_amp",
    "preheader",
    "reply_to",
    "title",
    "message",
    "image_url",
    "link",
    "sound",
    "language",
]


@dataclass(frozen=True)
class Sent:
    """The answer to a send: ``send_at`` only when it lies in the future. Unix seconds."""

    delivery_id: str
    queued_at: int
    send_at: int | None


def send_email(ws: Workspace, body: dict[str, Any]) -> Sent:
    """Queue an e-mail (fact send_transactional_email). Raises Refused."""
    _check_payload(body)
    recipients = _recipients(body)
    attachments = _attachments(body.get("attachments"))
    record = _record(ws, body, "email")
    content = {**templates.content(record), **_given(body, (*_EMAIL_KEPT, "subject"))}
    for name in ("subject", "body", "from"):
        if not content.get(name):
            raise Refused(f'Missing required field: "{name}"', field=name)
    send_at = _send_at(ws, body)
    person = _person(ws, body)
    content["attachments"] = attachments
    content["to"] = recipients
    return _queue(ws, body, "email", record, person, str(body["to"]), content, send_at)


def send_push(ws: Workspace, body: dict[str, Any]) -> Sent:
    """Queue a push: there is none without a record. Raises Refused."""
    if not ws.options.push_enabled:
        raise Refused("Push messaging is not enabled for your workspace.", "forbidden")
    if body.get("transactional_message_id") in (None, ""):
        raise Refused('Missing required field: "transactional_message_id"')
    _check_payload(body)
    record = _record(ws, body, "push")
    device = body.get("custom_device")
    read = devices.read(ws, device, "token") if device is not None else None
    content = {**templates.content(record), **_given(body, _PUSH_KEPT)}
    content["subject"] = content.get("title")
    send_at = _send_at(ws, body)
    person = _person(ws, body)
    if read is not None and isinstance(person, Row):
        devices.save(ws, person["pk"], read)
    token = _token(ws, person, body.get("to") or "all")
    return _queue(ws, body, "push", record, person, token, content, send_at)


def _given(body: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: body[name] for name in names if body.get(name) not in (None, "")}


def _recipients(body: dict[str, Any]) -> list[str]:
    """The addresses of to, cc and bcc together; at most 15."""
    found: list[str] = []
    for name in ("to", "cc", "bcc"):
        value = body.get(name)
        if value in (None, "") and name != "to":
            continue
        if not isinstance(value, str) or not value.strip():
            raise Refused(f'Missing required field: "{name}"', field=name)
        entries = _entries(value)
        if not entries:
            raise Refused(f"{name} is an address list that names nobody", field=name)
        found += entries
    if not all("@" in each for each in found):
        raise Refused("to, cc and bcc must be e-mail addresses", field="to")
    if len(found) > limits.RECIPIENTS:
        raise Refused(f"cannot have more than {limits.RECIPIENTS} recipients", field="to")
    return found


def _entries(text: str) -> list[str]:
    """The entries of an address list: a comma in a quoted name ends none.

    A quote that nothing closes is a character like any other, and so are all behind it.
    """
    hidden = _QUOTED.sub(lambda each: "_" * len(each[0]) if each[1] else each[0], text)
    found, start = [], 0
    for part in hidden.split(","):
        found.append(text[start : start + len(part)].strip())
        start += len(part) + 1
    return [each for each in found if each]


def _check_payload(body: dict[str, Any]) -> None:
    for name in _TEXTS:
        if body.get(name) is not None and not isinstance(body[name], str):
            raise Refused(f"{name} must be a string", field=name)
    rest = {name: value for name, value in body.items() if name != "attachments"}
    if limits.size(rest) > limits.TRANSACTIONAL_PAYLOAD:
        raise Refused("payload is larger than 1 MB", "too_large")
    data = body.get("message_data")
    if data is not None and not isinstance(data, dict):
        raise Refused("message_data must be an object", field="message_data")
    _check_headers(body.get("headers"))


def _check_headers(headers: Any) -> None:
    """The schema says JSON text of names and values, every client sends an object: both are taken.

    "ASCII, no spaces" is read as of names, for most values of headers hold spaces (UNVERIFIED). The
    names that the vendor reserves are not published, so none is refused here.
    """
    if headers in (None, "", {}):
        return
    try:
        found = json.loads(headers) if isinstance(headers, str) else headers
        if isinstance(found, list):
            found = {each["name"]: each["value"] for each in found}
        texts = [str(text) for pair in found.items() for text in pair]
        is_spaced = any(" " in name for name in found)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise Refused("headers must be an object", field="headers") from None
    if not all(text.isascii() for text in texts):
        raise Refused("headers must be ASCII", field="headers")
    if "" in found:
        raise Refused("a header has no name", field="headers")
    if is_spaced:
        raise Refused("header names cannot have spaces", field="headers")


def _attachments(value: Any) -> dict[str, int]:
    """Check attachments; returns their sizes by file name."""
    if value in (None, {}):
        return {}
    if not isinstance(value, dict):
        raise Refused("attachments must be an object", field="attachments")
    sizes: dict[str, int] = {}
    for name, text in value.items():
        extension = name.rpartition(".")[2].lower()
        if extension in _FORBIDDEN:
            raise Refused(f"Forbidden file type {extension}", "forbidden")
        try:
            sizes[name] = len(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, TypeError):
            raise Refused(f"attachment {name} is not base64", field="attachments") from None
    if sum(sizes.values()) > limits.ATTACHMENTS:
        raise Refused("Total attachment size exceeds the limit", "too_large")
    return sizes


def _record(ws: Workspace, body: dict[str, Any], channel: Channel) -> Row | None:
    reference = body.get("transactional_message_id")
    if reference in (None, ""):
        return None
    auto_create = body.get("auto_create") is True
    return templates.choose(ws, reference, channel, auto_create=auto_create)


def _send_at(ws: Workspace, body: dict[str, Any]) -> int | None:
    moment = limits.seconds(body.get("send_at"), "send_at", ws.now)
    if moment > ws.now + limits.SEND_AHEAD:
        raise Refused("send_at cannot be more than 90 days ahead", field="send_at")
    return moment if moment > ws.now else None


def _person(ws: Workspace, body: dict[str, Any]) -> Row | str | None:
    """The person a send names, made when missing; ``"suppressed"`` when they are blocked."""
    identifiers = body.get("identifiers")
    if identifiers in (None, {}) and not ws.options.send_requires_identifiers:
        return None
    if not isinstance(identifiers, dict) or len(identifiers) != 1:
        raise Refused("identifiers must have exactly one of id, email, cio_id")
    ((kind, given),) = identifiers.items()
    text = people.given(ws, given)
    if kind not in ("id", "email", "cio_id") or not text:
        raise Refused("identifiers must have exactly one of id, email, cio_id")
    people.check_kind(ws, kind, "identifiers")
    address = people.named(kind, text)
    if people.is_suppressed(ws, address):
        ws.fail_quietly("suppressed", text)
        return "suppressed"
    person = people.find(ws, address)
    if person is None and address.kind != "cio_id" and ws.options.send_creates_people:
        return people.create(ws, address)
    if person is None:
        raise Refused("person not found", field="identifiers")
    return person


def _token(ws: Workspace, person: Row | str | None, to: Any) -> str | None:
    """The device token a push goes to: the last used one, or the one named."""
    found = devices.of(ws, person["pk"]) if isinstance(person, Row) else []
    tokens = [str(row["token"]) for row in found]
    if to in ("all", "last_used"):
        return tokens[0] if tokens else None
    return to if to in tokens else None


def _queue(
    ws: Workspace,
    body: dict[str, Any],
    channel: Channel,
    record: Row | None,
    person: Row | str | None,
    recipient: str | None,
    content: dict[str, Any],
    send_at: int | None,
) -> Sent:
    row = person if isinstance(person, Row) else None
    failure, failed_as = None, "failed"
    if person == "suppressed":
        failure = "suppressed"
    elif recipient is None:
        failure, failed_as = "no device", "undeliverable"
    elif row is not None and row["unsubscribed"] and not _to_unsubscribed(body):
        failure, failed_as = "unsubscribed", "undeliverable"
    delivery_id = deliveries.create(
        ws,
        channel,
        row,
        recipient,
        subject=content.get("subject"),
        draft=body.get("queue_draft") is True,
        failure=failure,
        failed_as=failed_as,
        send_at=send_at,
        content=content,
        template=record["id"] if record else 1,  # without a record, metrics are of 1 (A)
    )
    return Sent(delivery_id, ws.now, send_at)


def _to_unsubscribed(body: dict[str, Any]) -> bool:
    value = body.get("send_to_unsubscribed")
    return True if value is None else is_true(value)
