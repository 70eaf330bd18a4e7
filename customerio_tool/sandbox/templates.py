"""Transactional message records: looked up by number or by trigger name, whatever its case."""

from __future__ import annotations

import json
from typing import Any, Literal

from .limits import is_digits, is_int, whole
from .refusal import Refused
from .store import Row
from .workspace import Workspace, dump

Channel = Literal["email", "push"]


def save(
    ws: Workspace,
    name: str,
    channel: Channel,
    content: dict[str, Any],
    number: int | None = None,
) -> Row:
    """A new record; ``number`` is its id, by default the next free one."""
    number = ws.store.insert(
        "templates",
        id=number,
        name=name,
        name_key=name.casefold(),
        channel=channel,
        content=dump(content),
        created_at=ws.now,
        updated_at=ws.now,
    )
    row = ws.store.one("SELECT * FROM templates WHERE id=?", (number,))
    if row is None:
        raise LookupError(number)
    return row


def every(ws: Workspace) -> list[Row]:
    """All records by number."""
    return ws.store.all("SELECT * FROM templates ORDER BY id")


def choose(ws: Workspace, reference: Any, channel: Channel, *, auto_create: bool) -> Row:
    """The record a send names. Raises Refused when there is none or it is of another channel."""
    row = _find(ws, reference)
    if row is None and auto_create and isinstance(reference, str) and not is_digits(reference):
        return save(ws, reference, channel, {})
    if row is None:
        raise Refused("transactional message not found", ws.options.unknown_template)
    if row["channel"] != channel:
        raise Refused(f"transactional message is not of type {channel}")
    return row


def _find(ws: Workspace, reference: Any) -> Row | None:
    if isinstance(reference, str) and not is_digits(reference):
        sql = "SELECT * FROM templates WHERE name_key=?"
        return ws.store.one(sql, (reference.casefold(),))
    if isinstance(reference, str) or is_int(reference):
        sql = "SELECT * FROM templates WHERE id=?"
        return ws.store.one(sql, (whole(str(reference)),))
    raise Refused("transactional_message_id must be an integer or a string")


def content(row: Row | None) -> dict[str, Any]:
    """What a record holds: subject, body, from, title, message."""
    found: dict[str, Any] = json.loads(row["content"]) if row else {}
    return found
