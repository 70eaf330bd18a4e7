"""Segments: calls fill the manual ones, conditions the dynamic ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..limits import SEGMENT_IDS
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace
from . import campaigns, filters, people
from .people import Address, IdKind
from .settling import settle

_READ_AT_ONCE = 500


@dataclass(frozen=True)
class NewSegment:
    """A segment to add: dynamic when it has ``conditions``, otherwise manual and empty.

    The default ``id`` is the next free number.
    """

    name: str
    description: str = ""
    conditions: dict[str, Any] | None = None
    id: int | None = None


def get(ws: Workspace, segment_id: int) -> Row:
    """One segment. Raises Refused ``not_found``."""
    row = ws.store.one("SELECT * FROM segments WHERE id=?", (segment_id,))
    if row is None:
        raise Refused("segment not found", "not_found")
    return row


def every(ws: Workspace) -> list[Row]:
    """All segments by id."""
    return ws.store.all("SELECT * FROM segments ORDER BY id")


def create(ws: Workspace, new: NewSegment) -> Row:
    """Add a segment; returns its row. Only a seed adds dynamic segments."""
    segment_id = ws.store.insert(
        "segments",
        id=new.id,
        name=new.name,
        description=new.description,
        type="manual" if new.conditions is None else "dynamic",
        conditions=None if new.conditions is None else json.dumps(new.conditions),
        created_at=ws.now,
        updated_at=ws.now,
    )
    return get(ws, segment_id)


def delete(ws: Workspace, segment_id: int) -> None:
    """Delete a manual segment. Only the vendor's user interface deletes a dynamic one."""
    if get(ws, segment_id)["type"] == "dynamic":
        message = "data-driven segments cannot be deleted through the API"
        raise Refused(message, ws.options.delete_dynamic_segment)
    in_use = ws.options.delete_used_segment
    if in_use != "allow" and used_by(ws, segment_id)["campaigns"]:
        raise Refused("the segment is in use", in_use)
    ws.store.execute("DELETE FROM members WHERE segment=?", (segment_id,))
    ws.store.execute("DELETE FROM segments WHERE id=?", (segment_id,))


def shown(row: Row) -> dict[str, Any]:
    """A segment as the App API shows it. Its state is always finished (UNVERIFIED)."""
    segment = {
        "id": row["id"],
        "deduplicate_id": f"{row['id']}:{row['updated_at']}",
        "name": row["name"],
        "description": row["description"],
        "state": "finished",
        "progress": None,
        "type": row["type"],
        "tags": None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    if row["conditions"]:
        segment["conditions"] = json.loads(row["conditions"])
    return segment


MEMBERS = {"manual": "members", "dynamic": "dynamic_members"}
"""The table that holds the people of a segment, by its type."""


def count(ws: Workspace, segment: Row) -> int:
    """The number of people in a segment."""
    settle(ws)
    sql = f"SELECT count(*) FROM {MEMBERS[segment['type']]} WHERE segment=?"  # noqa: S608 - two names
    return int(ws.store.scalar(sql, (segment["id"],)))


def members(ws: Workspace, segment: Row, after: int = 0, limit: int = -1) -> list[Row]:
    """The people of a segment, oldest first: those after a key, all or so many."""
    settle(ws)
    table = MEMBERS[segment["type"]]
    sql = f"""SELECT people.* FROM {table} AS m CROSS JOIN people ON people.pk = m.person
              WHERE m.segment=? AND m.person>? ORDER BY m.person LIMIT ?"""  # noqa: S608 - two names
    return ws.store.all(sql, (segment["id"], after, limit))


def with_member(ws: Workspace, person: Row) -> list[Row]:
    """The segments that a person is in, by id."""
    settle(ws)
    sql = """SELECT * FROM segments WHERE id IN (
               SELECT segment FROM members WHERE person=?1
               UNION ALL SELECT segment FROM dynamic_members WHERE person=?1) ORDER BY id"""
    return ws.store.all(sql, (person["pk"],))


def matching(ws: Workspace, value: dict[str, Any], after: int, count: int) -> list[Row]:
    """The first people behind a key who fit a checked filter, the oldest first.

    A segment that all of them must be in is read by its index; else people are read until enough
    of them fit.
    """
    settle(ws)
    sql = "SELECT * FROM people WHERE pk>? ORDER BY pk LIMIT ?"
    values: tuple[int, ...] = ()
    segment = _segment_of_all(ws, value)
    if segment is not None:
        sql = f"""SELECT people.* FROM {MEMBERS[segment["type"]]} AS m
                  CROSS JOIN people ON people.pk = m.person
                  WHERE m.segment=? AND m.person>? ORDER BY m.person LIMIT ?"""  # noqa: S608 - two names
        values = (segment["id"],)
    found: list[Row] = []
    while len(found) < count:
        rows = ws.store.all(sql, (*values, after, _READ_AT_ONCE))
        found += [person for person in rows if filters.fits(ws, value, person)]
        if len(rows) < _READ_AT_ONCE:
            break
        after = rows[-1]["pk"]
    return found[:count]


def _segment_of_all(ws: Workspace, value: dict[str, Any]) -> Row | None:
    """A segment that everybody who fits a filter is in, ``None`` if none is certain."""
    parts = value.get("and", [value])
    for number in (each["segment"]["id"] for each in parts if "segment" in each):
        segment = ws.store.one("SELECT id, type FROM segments WHERE id=?", (number,))
        if segment is not None:
            return segment
    return None


def add_members(ws: Workspace, segment_id: int, ids: Any, kind: IdKind) -> None:
    """Add people to a manual segment. An id of nobody is ignored and recorded.

    Raises:
        Refused: no ids, more than 1000, not all text; a segment that is missing or dynamic.
    """
    addresses = _read_ids(ws, ids, kind)
    _check_is_manual(ws, segment_id)
    for address in addresses:
        person = _member(ws, address, may_create=ws.options.segment_add_creates_people)
        if person is None:
            continue
        key = (segment_id, person["pk"])
        if ws.store.execute("INSERT OR IGNORE INTO members VALUES (?,?)", key).rowcount:
            campaigns.start_by_segment(ws, segment_id, person)


def remove_members(ws: Workspace, segment_id: int, ids: Any, kind: IdKind) -> None:
    """Remove people from a manual segment. An id of nobody is ignored and recorded.

    Raises:
        Refused: as by ``add_members``; a kind other than id when only ids are taken.
    """
    addresses = _read_ids(ws, ids, kind)
    if kind != "id" and ws.options.segment_remove_by == "id":
        raise Refused("people are removed by id only", field="id_type")
    _check_is_manual(ws, segment_id)
    for address in addresses:
        person = _member(ws, address, may_create=False)
        if person is not None:
            key = (segment_id, person["pk"])
            sql = "DELETE FROM members WHERE segment=? AND person=?"
            if not ws.store.execute(sql, key).rowcount:
                ws.fail_quietly("not in the segment", address.value)


def _read_ids(ws: Workspace, ids: Any, kind: IdKind) -> list[Address]:
    if not isinstance(ids, list) or not ids:
        raise Refused("ids must have at least 1 item", field="ids")
    if len(ids) > SEGMENT_IDS:
        raise Refused(f"ids cannot have more than {SEGMENT_IDS} items", field="ids")
    texts = [text for each in ids if (text := people.identifier_text(ws, each)) is not None]
    if len(texts) < len(ids):
        raise Refused("ids must be strings", field="ids")
    return [people.address_of(kind, text) for text in texts]


def _check_is_manual(ws: Workspace, segment_id: int) -> None:
    row = ws.store.one("SELECT * FROM segments WHERE id=?", (segment_id,))
    if row is None:
        raise Refused("segment not found", ws.options.segment_unusable)
    if row["type"] != "manual":
        raise Refused("segment is not a manual segment", ws.options.segment_unusable)


def _member(ws: Workspace, address: Address, *, may_create: bool) -> Row | None:
    if people.looks_like_another_kind(ws, address) and people.find(ws, address) is None:
        ws.fail_quietly("wrong id type in the list", address.value)
        return None
    return people.find_or_create(ws, address, may_create=may_create)


def dynamic_triggers_of(ws: Workspace, person: Row) -> set[int]:
    """The person's dynamic segments, as far as they trigger a running campaign."""
    triggers = campaigns.trigger_segments(ws)
    if not triggers:
        return set()
    rows = ws.store.all("SELECT id FROM segments WHERE type='dynamic'")
    mine = {row["id"] for row in rows} & triggers
    return {each for each in mine if filters.in_segment(ws, each, person)}


def start_entered(ws: Workspace, person: Row, before: set[int]) -> None:
    """Start the campaigns of the dynamic segments that a person entered since ``before``."""
    for segment_id in sorted(dynamic_triggers_of(ws, person) - before):
        campaigns.start_by_segment(ws, segment_id, person)


def used_by(ws: Workspace, segment_id: int) -> dict[str, Any]:
    """The campaigns that name this segment; newsletters do not exist here."""
    return {
        "campaigns": [
            row["id"] for row in campaigns.every(ws) if segment_id in campaigns.segments_of(row)
        ],
        "sent_newsletters": [],
        "draft_newsletters": [],
    }
