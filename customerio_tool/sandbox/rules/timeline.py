"""A person's timeline: events, what became of messages, changes of attributes, the newest first.

The vendor promises the last 30 days; here nothing older is shown.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ..json_text import as_text
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump

KEPT = 30 * 86400
CHANGE = "attribute_change"
FAILED_CHANGE = "failed_attribute_change"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DEVICES = {"email": "email", "twilio": "phone", "whatsapp": "phone"}

# The three sources, each with its rank, which orders what happened in one second.
_ALL = """
SELECT 0 AS rank, pk, timestamp AS at, type, name, data, NULL AS delivery, NULL AS channel
  FROM events WHERE person=?1
UNION ALL
SELECT 1, timeline.pk, at, type, NULL, data, NULL, NULL FROM timeline WHERE person=?1
UNION ALL
SELECT 2, metrics.rowid, metrics.at, metrics.name || '_' || deliveries.type, NULL, '{}',
       deliveries.id, deliveries.type
  FROM deliveries CROSS JOIN metrics ON metrics.delivery = deliveries.pk
  WHERE deliveries.person=?1 AND metrics.name<>'created'
"""
_PAGE = f"""SELECT * FROM ({_ALL})
WHERE at BETWEEN ?2 AND ?3 AND (at, rank, pk) < (?4, ?5, ?6)
  AND (?7 IS NULL OR type=?7)
  AND (?8 IS NULL OR name=?8
    OR (rank=1 AND EXISTS (SELECT 1 FROM json_each(data) WHERE key=?8)))
ORDER BY at DESC, rank DESC, pk DESC LIMIT ?9"""  # noqa: S608 - a text of our own
_END = 2**62


@dataclass(frozen=True)
class Wanted:
    """A page of a timeline. ``name`` is that of an event, or of an attribute that changed."""

    type: str | None = None
    name: str | None = None
    cursor: str | None = None
    limit: int = 10


def note(ws: Workspace, person: int, kind: str, changes: dict[str, tuple[Any, Any]]) -> None:
    """Add what happened to a person: attributes that changed, each with its old and new value."""
    data = {name: {"from": _text(old), "to": _text(new)} for name, (old, new) in changes.items()}
    ws.store.insert("timeline", person=person, type=kind, at=ws.now, data=dump(data))


def _text(value: Any) -> str:
    return "" if value is None else as_text(value)


def note_changes(ws: Workspace, before: dict[str, Any], after: dict[str, Any], person: int) -> None:
    """Add the attributes that differ between two states of a person, if any do."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if names:
        note(ws, person, CHANGE, {name: (before.get(name), after.get(name)) for name in names})


def page(ws: Workspace, person: Row, wanted: Wanted) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a person's timeline, and the cursor of the next one, ``None`` at the end."""
    at, rank, pk = _read_cursor(wanted.cursor) if wanted.cursor else (_END, _END, _END)
    among = (person["pk"], ws.now - KEPT, ws.now, at, rank, pk)
    rows = ws.store.all(_PAGE, (*among, wanted.type, wanted.name, wanted.limit + 1))
    shown = rows[: wanted.limit]
    if len(rows) <= wanted.limit:
        return [_shown(person, row) for row in shown], None
    last = f"{shown[-1]['at']}:{shown[-1]['rank']}:{shown[-1]['pk']}"
    return [_shown(person, row) for row in shown], base64.urlsafe_b64encode(last.encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, int, int]:
    try:
        at, rank, pk = base64.urlsafe_b64decode(cursor.encode()).decode().split(":")
        return int(at), int(rank), int(pk)
    except ValueError:
        raise Refused("start is not a cursor of this list", field="start") from None


def _shown(person: Row, row: Row) -> dict[str, Any]:
    """An activity as the App API shows it (fact activity-failed-data)."""
    activity: dict[str, Any] = {
        "id": _id_of(row),
        "type": row["type"],
        "timestamp": row["at"],
        "customer_id": person["id"],
        "customer_identifiers": {name: person[name] for name in ("id", "email", "cio_id")},
        "data": json.loads(row["data"]),
    }
    if row["type"] == "page":
        activity["url"] = row["name"]
    elif row["name"] is not None:
        activity["name"] = row["name"]
    if row["delivery"] is not None:
        activity |= {"delivery_id": row["delivery"], "data": {"delivery_id": row["delivery"]}}
        if row["channel"] in _DEVICES:
            activity["delivery_type"] = _DEVICES[row["channel"]]
    return activity


def _id_of(row: Row) -> str:
    """The id of an activity: a ULID of its time, the same in every run."""
    digest = hashlib.sha256(f"activity {row['rank']} {row['pk']}".encode()).digest()
    number = (row["at"] * 1000) << 80 | int.from_bytes(digest[:10], "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
