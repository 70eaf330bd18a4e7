"""Transactional sends: checking the payload, finding template and person, adding the delivery."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any

from .. import limits
from ..json_text import parse_json
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace
from . import addresses, deliveries, devices, people, templates
from .deliveries import Failure, NewDelivery, Origin
from .identify import is_true
from .people import Address
from .templates import Channel

# The vendor refuses executable attachments without publishing its list: this is the usual one.
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
_QUOTED = re.compile(r'"(?:[^"\\]+|\\.)*("?)', re.DOTALL)  # an unclosed quote reaches the end
_ONE_IDENTIFIER = "identifiers must have exactly one of id, email, cio_id"
_RANK = {"id": 0, "email": 1}
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
    """The answer to a send, in Unix seconds. ``send_at`` is ``None`` unless it lies ahead."""

    delivery_id: str
    queued_at: int
    send_at: int | None


@dataclass(frozen=True)
class _Send:
    """A checked send.

    ``template`` is the row of its transactional message, ``person`` a row, ``"suppressed"``, or
    ``None`` for nobody. ``send_at`` is ``None`` for now.
    """

    body: dict[str, Any]
    channel: Channel
    template: Row | None
    person: Row | str | None
    recipient: str | None
    content: dict[str, Any]
    send_at: int | None
    attachments: dict[str, bytes] = field(default_factory=dict)


def send_email(ws: Workspace, body: dict[str, Any], size: int) -> Sent:
    """Queue an e-mail (fact send_transactional_email).

    Args:
        ws: the workspace.
        body: the request's body.
        size: the length of that body in bytes.

    Raises:
        Refused: the vendor would not take it.
    """
    _check_payload(body)
    recipients = _recipients(body)
    attachments = _attachments(body.get("attachments"))
    _check_size(size)
    template = _template(ws, body, "email")
    content = {**templates.content(template), **_filled(body, (*_EMAIL_KEPT, "subject"))}
    needed = ("subject", "body", "from") if ws.options.send_requires_from else ("subject", "body")
    for name in needed:
        if not content.get(name):
            raise Refused(f'Missing required field: "{name}"', field=name)
    send_at = _send_at(ws, body)
    person = _person(ws, body)
    content["attachments"] = {name: len(each) for name, each in attachments.items()}
    content["to"] = recipients
    to = str(body["to"])
    return _queue(ws, _Send(body, "email", template, person, to, content, send_at, attachments))


def send_push(ws: Workspace, body: dict[str, Any], size: int) -> Sent:
    """Queue a push, with the arguments of ``send_email``. It needs a transactional message."""
    if not ws.options.push_enabled:
        raise Refused("Push messaging is not enabled for your workspace.", "forbidden")
    if body.get("transactional_message_id") in (None, ""):
        raise Refused('Missing required field: "transactional_message_id"')
    _check_payload(body)
    _check_size(size)
    template = _template(ws, body, "push")
    device = body.get("custom_device")
    read = devices.read(ws, device, "token") if device is not None else None
    content = {**templates.content(template), **_filled(body, _PUSH_KEPT)}
    content["subject"] = content.get("title")
    send_at = _send_at(ws, body)
    person = _person(ws, body)
    if read is not None and isinstance(person, Row):
        devices.save(ws, person["pk"], read)
    token = _token(ws, person, body.get("to") or "all")
    return _queue(ws, _Send(body, "push", template, person, token, content, send_at))


def _filled(body: dict[str, Any], names: Any) -> dict[str, Any]:
    return {name: body[name] for name in names if body.get(name) not in (None, "")}


def _recipients(body: dict[str, Any]) -> list[str]:
    """The addresses of to, cc and bcc together, 15 at most."""
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
    for each in [*found, *_senders(body)]:
        if not addresses.is_address(addresses.bare(each)):
            raise Refused("to, cc, bcc, from and reply_to must be e-mail addresses", field="to")
    if len(found) > limits.RECIPIENTS:
        raise Refused(f"cannot have more than {limits.RECIPIENTS} recipients", field="to")
    return found


def _senders(body: dict[str, Any]) -> list[str]:
    """The addresses of from and reply_to."""
    return [str(body[name]).strip() for name in ("from", "reply_to") if body.get(name)]


def _entries(text: str) -> list[str]:
    """The entries of an address list. A comma in a quoted name does not separate entries.

    An unclosed quote is an ordinary character, and so are the characters after it.
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


def _check_size(size: int) -> None:
    if size > limits.SEND_BODY:
        raise Refused(limits.BAD_ENTITY)


def _check_headers(headers: Any) -> None:
    """Refuse bad headers, given as JSON text (the schema) or as an object (every client).

    The rule "ASCII, no spaces" applies its second half to names only, since most values hold
    spaces (UNVERIFIED). The vendor does not publish its reserved names: none is refused here.
    """
    if headers in (None, "", {}):
        return
    try:
        found = parse_json(headers.encode()) if isinstance(headers, str) else headers
        if isinstance(found, list):
            found = {each["name"]: each["value"] for each in found}
        texts = [str(text) for pair in found.items() for text in pair]
        is_spaced = any(" " in name for name in found)
    except (AttributeError, KeyError, TypeError, ValueError, Refused):
        raise Refused("headers must be an object", field="headers") from None
    if not all(text.isascii() for text in texts):
        raise Refused("headers must be ASCII", field="headers")
    if "" in found:
        raise Refused("a header has no name", field="headers")
    if is_spaced:
        raise Refused("header names cannot have spaces", field="headers")


def _attachments(value: Any) -> dict[str, bytes]:
    """Refuse bad attachments; returns the files by their names."""
    if value in (None, {}):
        return {}
    if not isinstance(value, dict):
        raise Refused("attachments must be an object", field="attachments")
    files: dict[str, bytes] = {}
    for name, text in value.items():
        extension = name.rpartition(".")[2].lower()
        if extension in _FORBIDDEN:
            raise Refused(f"Forbidden file type {extension}", "forbidden")
        try:
            files[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise Refused(f"attachment {name} is not base64", field="attachments") from None
    if sum(map(len, files.values())) > limits.ATTACHMENTS:
        raise Refused("Total attachment size exceeds the limit", "too_large")
    return files


def _template(ws: Workspace, body: dict[str, Any], channel: Channel) -> Row | None:
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
    """The person that a send names, created if missing; ``"suppressed"`` if blocked."""
    identifiers = body.get("identifiers")
    if identifiers in (None, {}) and not ws.options.send_requires_identifiers:
        return None
    addresses = _addresses(ws, identifiers)
    for address in addresses:
        if people.is_suppressed(ws, address):
            ws.fail_quietly("suppressed", address.value)
            return "suppressed"
    for address in addresses:
        if person := people.find(ws, address):
            return person
    new = [each for each in addresses if each.kind != "cio_id"]
    if not new or not ws.options.send_creates_people:
        raise Refused("person not found", field="identifiers")
    return people.create(ws, *new)


def _addresses(ws: Workspace, identifiers: Any) -> list[Address]:
    """The identifiers of a send, by rank."""
    if not isinstance(identifiers, dict) or not identifiers:
        raise Refused(_ONE_IDENTIFIER)
    if len(identifiers) > 1 and ws.options.send_several_identifiers == "refuse":
        raise Refused(_ONE_IDENTIFIER)
    found: list[Address] = []
    for kind, given in sorted(identifiers.items(), key=lambda each: _RANK.get(each[0], 2)):
        text = people.identifier_text(ws, given)
        if kind not in ("id", "email", "cio_id") or not text:
            raise Refused(_ONE_IDENTIFIER)
        people.check_kind(ws, kind, "identifiers")
        found.append(people.address_of(kind, text))
    return found


def _token(ws: Workspace, person: Row | str | None, to: Any) -> str | None:
    """The recipient of a push: the token of the last used device, or of the one named."""
    found = devices.of(ws, person["pk"]) if isinstance(person, Row) else []
    tokens = [str(row["token"]) for row in found]
    if to in ("all", "last_used"):
        return tokens[0] if tokens else None
    return to if to in tokens else None


def _queue(ws: Workspace, send: _Send) -> Sent:
    template = send.template["id"] if send.template else 1  # sends without one count for 1 (A)
    delivery = NewDelivery(
        send.channel,
        send.person if isinstance(send.person, Row) else None,
        send.recipient,
        subject=send.content.get("subject"),
        content=send.content,
        origin=Origin(template=template),
        failure=_failure(send),
        draft=send.body.get("queue_draft") is True,
        send_at=send.send_at,
        data={"trigger": send.content.get("message_data") or {}},
        attachments=send.attachments,
    )
    return Sent(deliveries.create(ws, delivery), ws.now, send.send_at)


def _failure(send: _Send) -> Failure | None:
    if send.person == "suppressed":
        return Failure("suppressed", "dropped")
    if send.recipient is None:
        return Failure("no device", "undeliverable")
    unsubscribed = isinstance(send.person, Row) and send.person["unsubscribed"]
    if unsubscribed and not _to_unsubscribed(send.body):
        return Failure("unsubscribed", "undeliverable")
    return None


def _to_unsubscribed(body: dict[str, Any]) -> bool:
    value = body.get("send_to_unsubscribed")
    return True if value is None else is_true(value)
