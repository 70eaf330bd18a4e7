"""The whole workspace as plain data, for tests and people who check the effects of their calls."""

from __future__ import annotations

import json
from typing import Any

from ..rules import broadcasts, campaigns, deliveries, devices, people, segments
from .store import Row
from .workspace import Workspace


def dump_state(ws: Workspace) -> dict[str, Any]:
    """All people, anonymous events, suppressions, objects, segments, campaigns, sends, activity."""
    return {
        "time": ws.time,
        "people": [_person(ws, row) for row in ws.store.all("SELECT * FROM people ORDER BY pk")],
        "anonymous_events": [
            _event(row)
            for row in ws.store.all("SELECT * FROM events WHERE person IS NULL ORDER BY pk")
        ],
        "suppressions": [
            {"kind": row["kind"], "value": row["value"], "at": row["at"]}
            for row in ws.store.all("SELECT * FROM suppressions ORDER BY grp, kind")
        ],
        "objects": [
            {
                "cio_object_id": row["cio_id"],
                "type": row["type"],
                "id": row["id"],
                "attributes": json.loads(row["attributes"]),
            }
            for row in ws.store.all("SELECT * FROM objects ORDER BY type, id")
        ],
        "segments": [
            {**segments.shown(row), "members": [m["cio_id"] for m in segments.members(ws, row)]}
            for row in segments.every(ws)
        ],
        "campaigns": [campaigns.shown(row) for row in campaigns.every(ws)],
        "broadcasts": [campaigns.shown(row) for row in campaigns.every(ws, "broadcast")],
        "triggers": [
            _trigger(ws, row)
            for row in ws.store.all("SELECT * FROM triggers ORDER BY broadcast, id")
        ],
        "deliveries": [
            _delivery(ws, row) for row in ws.store.all("SELECT * FROM deliveries ORDER BY pk")
        ],
        "activity": activity(ws),
    }


def activity(ws: Workspace) -> list[dict[str, Any]]:
    """The quiet failures: calls that answered 200 and had no effect, or only part of it."""
    return [dict(row) for row in ws.store.all("SELECT * FROM activity ORDER BY n")]


def _person(ws: Workspace, row: Row) -> dict[str, Any]:
    key = (row["pk"],)
    events = ws.store.all("SELECT * FROM events WHERE person=? ORDER BY pk", key)
    anonymous = ws.store.all("SELECT anonymous_id FROM anonymous_ids WHERE person=?", key)
    relations = ws.store.all(
        "SELECT * FROM relationships WHERE person=? ORDER BY type, object", key
    )
    manual = ws.store.all("SELECT segment FROM members WHERE person=? ORDER BY segment", key)
    return {
        **people.identifiers(row),
        "created": row["created"],
        "unsubscribed": bool(row["unsubscribed"]),
        "attributes": people.attributes(row),
        "timestamps": json.loads(row["stamps"]),
        "anonymous_ids": [each["anonymous_id"] for each in anonymous],
        "devices": [devices.shown(each) for each in devices.of(ws, row["pk"])],
        "events": [_event(each) for each in events],
        "relationships": [
            {
                "object_type_id": each["type"],
                "object_id": each["object"],
                "attributes": json.loads(each["attributes"]),
            }
            for each in relations
        ],
        "manual_segments": [each["segment"] for each in manual],
    }


def _event(row: Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "type": row["type"],
        "id": row["event_id"],
        "anonymous_id": row["anonymous_id"],
        "timestamp": row["timestamp"],
        "received": row["received"],
        "data": json.loads(row["data"]),
    }


def _delivery(ws: Workspace, row: Row) -> dict[str, Any]:
    return {
        **deliveries.shown(ws, row),
        "draft": bool(row["draft"]),
        "trigger_id": row["trigger_id"],
        "transactional_message_id": row["template"],
        "content": json.loads(row["content"]),
        "source": json.loads(row["source"]),
    }


def _trigger(ws: Workspace, row: Row) -> dict[str, Any]:
    return {
        **broadcasts.shown(ws, row),
        "failed": bool(row["failed"]),
        "audience": row["audience"],
        "recipients": row["recipients"],
        "errors": json.loads(row["errors"]),
    }
