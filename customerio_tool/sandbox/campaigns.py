"""Campaigns: reading them, and starting people in them by event or by entering a segment."""

from __future__ import annotations

import json
from typing import Any

from . import deliveries, filters
from .refusal import Refused
from .store import Row
from .workspace import Workspace, dump

_PRIVATE = frozenset({"default_recipients"})


def get(ws: Workspace, campaign_id: int, kind: str = "campaign") -> Row:
    """One campaign, or with ``kind="broadcast"`` one broadcast. Raises Refused ``not_found``."""
    row = ws.store.one("SELECT * FROM campaigns WHERE id=? AND kind=?", (campaign_id, kind))
    if row is None:
        raise Refused(f"{kind} not found", "not_found")
    return row


def add(
    ws: Workspace,
    number: int,
    name: str,
    kind: str,
    actions: list[dict[str, Any]],
    state: str = "running",
    *,
    event_name: str | None = None,
    **extra: Any,
) -> None:
    """A new campaign or broadcast; ``extra`` are its members beyond those that all have."""
    definition = {
        "description": "",
        "created": ws.now,
        "updated": ws.now,
        "first_started": 0 if state == "draft" else ws.now,
        "actions": actions,
        "tags": [],
        **extra,
    }
    ws.store.insert(
        "campaigns",
        id=number,
        kind="broadcast" if kind == "triggered_broadcast" else "campaign",
        name=name,
        type=kind,
        state=state,
        event_name=event_name,
        definition=dump(definition),
    )


def every(ws: Workspace, kind: str = "campaign") -> list[Row]:
    """All campaigns, or all broadcasts, by id."""
    return ws.store.all("SELECT * FROM campaigns WHERE kind=? ORDER BY id", (kind,))


def shown(row: Row) -> dict[str, Any]:
    """A campaign as the App API shows it (fact get_campaign); its actions without their content."""
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
    """The segments a campaign is triggered or filtered by."""
    definition = json.loads(row["definition"])
    return {
        *definition.get("trigger_segment_ids", ()),
        *definition.get("filter_segment_ids", ()),
    }


def trigger_segments(ws: Workspace) -> set[int]:
    """The segments that start a running campaign."""
    sql = "SELECT definition FROM campaigns WHERE type='segment' AND state='running'"
    found = [json.loads(row["definition"]) for row in ws.store.all(sql)]
    return {each for definition in found for each in definition["trigger_segment_ids"]}


def started_by(ws: Workspace, event_name: str) -> list[Row]:
    """The running campaigns that an event of this name triggers."""
    sql = "SELECT * FROM campaigns WHERE event_name=? AND state='running' ORDER BY id"
    return ws.store.all(sql, (event_name,))


def start_by_event(
    ws: Workspace, name: str, data: dict[str, Any], event_id: str | None, person: Row | None
) -> None:
    """Start the person, or an invite's recipient, in every campaign of this event."""
    for campaign in started_by(ws, name):
        _start(ws, campaign, person, data, event_id)


def start_by_segment(ws: Workspace, segment_id: int, person: Row) -> None:
    """Start a person in the running campaigns that entering this segment triggers."""
    sql = "SELECT * FROM campaigns WHERE type='segment' AND state='running' ORDER BY id"
    for campaign in ws.store.all(sql):
        if segment_id in json.loads(campaign["definition"])["trigger_segment_ids"]:
            _start(ws, campaign, person, {}, None)


def _start(
    ws: Workspace,
    campaign: Row,
    person: Row | None,
    data: dict[str, Any],
    event_id: str | None,
) -> None:
    definition = json.loads(campaign["definition"])
    for segment_id in definition.get("filter_segment_ids", ()):
        if person is None or not filters.in_segment(ws, segment_id, person):
            return
    if person is not None and person["unsubscribed"]:
        ws.fail_quietly("unsubscribed: campaign sends nothing", str(person["cio_id"]))
        return
    override = data.get("recipient")
    for action in definition["actions"]:
        send_action(
            ws,
            action,
            person,
            recipient=override if isinstance(override, str) else None,
            campaign=campaign["id"],
            trigger_event_id=event_id,
            content={"event": data},
        )


def send_action(
    ws: Workspace,
    action: dict[str, Any],
    person: Row | None,
    *,
    recipient: str | None = None,
    content: dict[str, Any] | None = None,
    **origin: Any,
) -> None:
    """Create the delivery of one action to a person; no address of its channel means failed."""
    to = recipient or deliveries.address_for(ws, action["type"], person)
    deliveries.create(
        ws,
        action["type"],
        person,
        to,
        subject=action.get("subject"),
        action=action["id"],
        failure=None if to else f"no address for {action['type']}",
        content={"body": action.get("body", ""), **(content or {})},
        **origin,
    )
