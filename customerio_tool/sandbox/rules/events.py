"""Events: checking and storing them, joining anonymous ones to people, triggering campaigns."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .. import limits
from ..limits import EVENT_DATA, EVENT_NAME
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump
from . import campaigns, people

TRIGGER_WINDOW = 72 * 3600
ANONYMOUS_KEPT = 30 * 86400
JOIN_AFTER_IDENTIFY = 5 * 60
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Event:
    """An accepted event: its name is trimmed, its time in Unix seconds."""

    name: str
    type: str
    event_id: str | None
    timestamp: int
    data: dict[str, Any]
    anonymous_id: str | None = None


def read(ws: Workspace, body: dict[str, Any]) -> Event:
    """Read an event from a body (T; words: INV). Raises Refused."""
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refused("event name must not be blank", field="name")
    name = name.strip()
    if limits.size(name) > EVENT_NAME:
        raise Refused(f"event name cannot be longer than {EVENT_NAME} bytes", field="name")
    data = body.get("data")
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise Refused("event data must be a hash", field="data")
    if limits.size(data) > EVENT_DATA:
        raise Refused(f"event data cannot be longer than {EVENT_DATA} bytes", field="data")
    kind = body.get("type")
    return Event(
        name=name,
        type=kind if kind in ("page", "screen") else "event",
        event_id=_event_id(body.get("id")),
        timestamp=limits.moment(ws, body.get("timestamp"), "timestamp"),
        data=data,
        anonymous_id=anonymous_id_in(ws, body),
    )


def anonymous_id_in(ws: Workspace, body: dict[str, Any]) -> str | None:
    """The anonymous_id of a body, ``None`` when it is blank."""
    value = people.identifier_text(ws, body.get("anonymous_id"))
    return value if value and value.strip() else None


def _event_id(value: Any) -> str | None:
    """The id of an event: a ULID (fact event-id-other)."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _ULID.fullmatch(value):
        raise Refused("id must be a ULID", field="id")  # the vendor's words are UNVERIFIED
    return value


def add(ws: Workspace, event: Event, person: Row | None) -> None:
    """Store an event unless it is a duplicate, then start the campaigns that it triggers."""
    key = event.event_id and event.event_id.upper()
    if key and ws.store.one("SELECT 1 FROM events WHERE dedup_key=?", (key,)):
        ws.fail_quietly("duplicate event id", event.event_id or "")
        return
    ws.store.insert(
        "events",
        person=person["pk"] if person else None,
        anonymous_id=event.anonymous_id,
        name=event.name,
        type=event.type,
        event_id=event.event_id,
        dedup_key=key,
        timestamp=event.timestamp,
        received=ws.now,
        data=dump(event.data),
    )
    _trigger(ws, event, person)


def _trigger(ws: Workspace, event: Event, person: Row | None) -> None:
    """Start campaigns for a person or an invite, if the event is at most 72 hours old."""
    if event.type != "event" or (person is None and not event.data.get("recipient")):
        return
    if person is None and event.anonymous_id:
        return  # an invite has no anonymous_id
    if event.timestamp < ws.now - TRIGGER_WINDOW:
        if campaigns.started_by(ws, event.name):
            ws.fail_quietly("event older than 72 hours: triggers nothing", event.name)
        return
    trigger = campaigns.TriggerEvent(event.name, event.data, event.event_id, event.timestamp)
    campaigns.start_by_event(ws, trigger, person)


def add_anonymous(ws: Workspace, event: Event) -> None:
    """Store an anonymous event; it joins a person who was identified in the last 5 minutes.

    This also deletes anonymous events that nobody claimed within 30 days.
    """
    _drop_expired(ws)
    person = None
    if event.anonymous_id and ws.options.merge_anonymous_events:
        sql = """SELECT people.* FROM anonymous_ids JOIN people ON people.pk = anonymous_ids.person
                 WHERE anonymous_id=? AND bound_at>=?"""
        person = ws.store.one(sql, (event.anonymous_id, ws.now - JOIN_AFTER_IDENTIFY))
    add(ws, event, person)


def bind_anonymous(ws: Workspace, pk: int, anonymous_id: str) -> None:
    """Bind an anonymous_id to a person for good; its events of 30 days become theirs (AN)."""
    bound = ws.store.one("SELECT * FROM anonymous_ids WHERE anonymous_id=?", (anonymous_id,))
    if bound is not None and bound["person"] != pk:
        ws.fail_quietly("anonymous_id belongs to another person", anonymous_id)
        return
    if bound is None:
        ws.store.insert("anonymous_ids", anonymous_id=anonymous_id, person=pk, bound_at=ws.now)
    if bound is None and ws.options.merge_anonymous_events:
        _join(ws, pk, anonymous_id)


def _join(ws: Workspace, pk: int, anonymous_id: str) -> None:
    person = ws.store.one("SELECT * FROM people WHERE pk=?", (pk,))
    sql = """SELECT * FROM events WHERE anonymous_id=? AND person IS NULL AND received>=?
             ORDER BY pk"""
    for row in ws.store.all(sql, (anonymous_id, ws.now - ANONYMOUS_KEPT)):
        ws.store.execute("UPDATE events SET person=? WHERE pk=?", (pk, row["pk"]))
        event = Event(
            row["name"], row["type"], row["event_id"], row["timestamp"], json.loads(row["data"])
        )
        _trigger(ws, event, person)


def _drop_expired(ws: Workspace) -> None:
    sql = "DELETE FROM events WHERE person IS NULL AND received<?"
    ws.store.execute(sql, (ws.now - ANONYMOUS_KEPT,))
