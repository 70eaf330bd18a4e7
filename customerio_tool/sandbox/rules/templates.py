"""Transactional messages, found by number or by trigger name in any case."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from ..limits import is_digits, is_int, parse_digits
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump

Channel = Literal["email", "push"]


@dataclass(frozen=True)
class NewTemplate:
    """A transactional message to add. The default ``id`` is the next free number.

    ``content`` holds an e-mail's subject, body and from, or a push's title and message.
    """

    name: str
    channel: Channel
    content: dict[str, Any] = field(default_factory=dict)
    id: int | None = None


def add(ws: Workspace, new: NewTemplate) -> Row:
    """Add a transactional message; returns its row."""
    number = ws.store.insert(
        "templates",
        id=new.id,
        name=new.name,
        name_key=new.name.casefold(),
        channel=new.channel,
        content=dump(new.content),
        created_at=ws.now,
        updated_at=ws.now,
    )
    row = ws.store.one("SELECT * FROM templates WHERE id=?", (number,))
    if row is None:
        raise LookupError(number)
    return row


def every(ws: Workspace) -> list[Row]:
    """All transactional messages by number."""
    return ws.store.all("SELECT * FROM templates ORDER BY id")


def choose(ws: Workspace, reference: Any, channel: Channel, *, auto_create: bool) -> Row:
    """The transactional message that a send names; ``auto_create`` adds a missing name.

    Raises:
        Refused: it does not exist, or is of another channel.
    """
    row = _find(ws, reference)
    if row is None and auto_create and isinstance(reference, str) and not is_digits(reference):
        return add(ws, NewTemplate(reference, channel))
    if row is None:
        raise Refused('"transactional_message_id" not found.', ws.options.unknown_template)
    if row["channel"] != channel:
        raise Refused(f"transactional message is not of type {channel}")
    return row


def _find(ws: Workspace, reference: Any) -> Row | None:
    if isinstance(reference, str) and not is_digits(reference):
        sql = "SELECT * FROM templates WHERE name_key=?"
        return ws.store.one(sql, (reference.casefold(),))
    if isinstance(reference, str) or is_int(reference):
        sql = "SELECT * FROM templates WHERE id=?"
        return ws.store.one(sql, (parse_digits(str(reference)),))
    raise Refused("transactional_message_id must be an integer or a string")


def get(ws: Workspace, number: int) -> Row:
    """One transactional message by its number. Raises Refused ``not_found``."""
    row = ws.store.one("SELECT * FROM templates WHERE id=?", (number,))
    if row is None:
        raise Refused("transactional message not found", "not_found")
    return row


def shown_content(row: Row) -> dict[str, Any]:
    """The content of a transactional message as the App API shows it.

    Which members hold a push's title and text is UNVERIFIED.
    """
    stored = content(row)
    is_push = row["channel"] == "push"
    subject, body = ("title", "message") if is_push else ("subject", "body")
    return {
        "id": row["id"],
        "name": row["name"],
        "created": row["created_at"],
        "updated": row["updated_at"],
        "type": row["channel"],
        "language": "",
        "subject": stored.get(subject, ""),
        "body": stored.get(body, ""),
        "body_amp": stored.get("body_amp", ""),
        "preheader_text": stored.get("preheader", ""),
        "from": stored.get("from", ""),
        "from_id": None,
        "reply_to": stored.get("reply_to", ""),
        "reply_to_id": None,
        "recipient": "" if is_push else "{{customer.email}}",
        "bcc": stored.get("bcc", ""),
        "fake_bcc": False,
        "preprocessor": "" if is_push else "premailer",
        "headers": "[]",
    }


def content(row: Row | None) -> dict[str, Any]:
    """The content of a transactional message, empty for a send without one."""
    found: dict[str, Any] = json.loads(row["content"]) if row else {}
    return found
