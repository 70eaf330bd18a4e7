"""Campaigns and broadcasts: adding and reading them, starting people in campaigns, sending."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump
from . import deliveries, filters
from .deliveries import Failure, NewDelivery, Origin

_PRIVATE = frozenset({"default_recipients"})


@dataclass(frozen=True)
class NewCampaign:
    """A campaign to add, or a broadcast: its type is ``triggered_broadcast``.

    ``members`` are added to the members that all campaigns have, or replace them.
    """

    id: int
    name: str
    type: str
    actions: list[dict[str, Any]]
    state: str = "running"
    event_name: str | None = None
    members: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TriggerEvent:
    """The event that starts a campaign."""

    name: str
    data: dict[str, Any]
    id: str | None = None
    timestamp: int | None = None


@dataclass(frozen=True)
class Journey:
    """One person's journey through a campaign or broadcast.

    Attributes:
        person: ``None`` for an invite, which knows only an address.
        origin: the campaign and event, or the broadcast and trigger, that start it.
        content: the values for the messages: ``{"event": ...}`` or ``{"trigger": ...}``.
        recipient: the address to use instead of the person's own.
    """

    person: Row | None
    origin: Origin
    content: dict[str, Any] = field(default_factory=dict)
    recipient: str | None = None


def get(ws: Workspace, campaign_id: int, kind: str = "campaign") -> Row:
    """One campaign, or with ``kind="broadcast"`` one broadcast. Raises Refused ``not_found``."""
    row = ws.store.one("SELECT * FROM campaigns WHERE id=? AND kind=?", (campaign_id, kind))
    if row is None:
        raise Refused(f"{kind} not found", "not_found")
    return row


def add(ws: Workspace, new: NewCampaign) -> None:
    """Add a campaign or broadcast."""
    definition = {
        "description": "",
        "created": ws.now,
        "updated": ws.now,
        "first_started": 0 if new.state == "draft" else ws.now,
        "actions": new.actions,
        "tags": [],
        **new.members,
    }
    ws.store.insert(
        "campaigns",
        id=new.id,
        kind="broadcast" if new.type == "triggered_broadcast" else "campaign",
        name=new.name,
        type=new.type,
        state=new.state,
        event_name=new.event_name,
        definition=dump(definition),
    )


def every(ws: Workspace, kind: str = "campaign") -> list[Row]:
    """All campaigns, or all broadcasts, by id."""
    return ws.store.all("SELECT * FROM campaigns WHERE kind=? ORDER BY id", (kind,))


def shown(row: Row) -> dict[str, Any]:
    """A campaign as the App API shows it (fact get_campaign): actions have no content there."""
    definition = json.loads(row["definition"])
    actions = [{"type": each["type"], "id": each["id"]} for each in definition["actions"]]
    return {
        "id": row["id"],
        "deduplicate_id": f"{row['id']}:{definition['updated']}",
        "name": row["name"],
        "type": row["type"],
        "active": row["state"] == "running",
        "state": row["state"],
        **({"event_name": row["event_name"]} if row["event_name"] else {}),
        **{key: value for key, value in definition.items() if key not in _PRIVATE},
        "actions": actions,
    }


def segments_of(row: Row) -> set[int]:
    """The segments that trigger or filter a campaign."""
    definition = json.loads(row["definition"])
    return {
        *definition.get("trigger_segment_ids", ()),
        *definition.get("filter_segment_ids", ()),
    }


def trigger_segments(ws: Workspace) -> set[int]:
    """The segments that trigger a running campaign."""
    sql = "SELECT definition FROM campaigns WHERE type='segment' AND state='running'"
    found = [json.loads(row["definition"]) for row in ws.store.all(sql)]
    return {each for definition in found for each in definition["trigger_segment_ids"]}


def started_by(ws: Workspace, event_name: str) -> list[Row]:
    """The running campaigns that this event triggers."""
    sql = "SELECT * FROM campaigns WHERE event_name=? AND state='running' ORDER BY id"
    return ws.store.all(sql, (event_name,))


def start_by_event(ws: Workspace, event: TriggerEvent, person: Row | None) -> None:
    """Start the person, or the recipient of an invite, in every campaign of this event."""
    recipient = event.data.get("recipient")
    for campaign in started_by(ws, event.name):
        journey = Journey(
            person,
            Origin(campaign=campaign["id"], trigger_event_id=event.id),
            _values(event),
            recipient if isinstance(recipient, str) else None,
        )
        _start(ws, campaign, journey)


def _values(event: TriggerEvent) -> dict[str, Any]:
    """What Liquid knows of an event: its data, and about it."""
    values = {"event": event.data, "event_name": event.name, "event_timestamp": event.timestamp}
    return {**values, "event_id": event.id} if event.id else values


def start_by_segment(ws: Workspace, segment_id: int, person: Row) -> None:
    """Start a person who entered this segment in the running campaigns that it triggers."""
    sql = "SELECT * FROM campaigns WHERE type='segment' AND state='running' ORDER BY id"
    for campaign in ws.store.all(sql):
        if segment_id in json.loads(campaign["definition"])["trigger_segment_ids"]:
            journey = Journey(person, Origin(campaign=campaign["id"]))
            _start(ws, campaign, journey)


def _start(ws: Workspace, campaign: Row, journey: Journey) -> None:
    """Send all messages of a campaign, unless its filter or the person forbids it."""
    definition, person = json.loads(campaign["definition"]), journey.person
    for segment_id in definition.get("filter_segment_ids", ()):
        if person is None or not filters.in_segment(ws, segment_id, person):
            return
    if person is not None and person["unsubscribed"]:
        ws.fail_quietly("unsubscribed: campaign sends nothing", str(person["cio_id"]))
        return
    for action in definition["actions"]:
        send_action(ws, action, journey)


def send_action(ws: Workspace, action: dict[str, Any], journey: Journey) -> None:
    """Create the delivery of one action; it fails for a person without an address."""
    channel = action["type"]
    to = journey.recipient or deliveries.address_for(ws, channel, journey.person)
    delivery = NewDelivery(
        channel,
        journey.person,
        to,
        subject=action.get("subject"),
        content={"body": action.get("body", ""), **journey.content},
        data=journey.content,
        origin=replace(journey.origin, action=action["id"]),
        failure=None if to else Failure(f"no address for {channel}"),
    )
    deliveries.create(ws, delivery)
