"""Merging two people: the primary takes over data, then the secondary is erased (T, MG).

A merge starts no campaign: moved events trigger nothing, and the secondary's segments count as
entered before, because the vendor moves its journeys too. There are no journeys to move here: a
campaign sends all its messages at once.
"""

from __future__ import annotations

import json
from typing import Any

from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump
from . import people, timeline
from .people import Address, IdKind

EVENTS_TAKEN = 30 * 86400


def read_address(ws: Workspace, value: Any, name: str) -> Address:
    """Read ``primary`` or ``secondary``: exactly one of id, email, cio_id. Raises Refused."""
    if not isinstance(value, dict) or len(value) != 1:
        raise Refused(f"{name} must have exactly one of id, email, cio_id", field=name)
    ((kind, given),) = value.items()
    text = people.identifier_text(ws, given)
    if kind not in ("id", "email", "cio_id") or not text:
        raise Refused(f"{name} must have exactly one of id, email, cio_id", field=name)
    people.check_kind(ws, kind, name)
    return people.address_of(kind, text)


def merge(ws: Workspace, primary: Address, secondary: Address) -> None:
    """Move the secondary's data to the primary and erase the secondary.

    A missing person is recorded, not refused.
    """
    if any(people.is_suppressed(ws, each) for each in (primary, secondary)):
        ws.fail_quietly("suppressed", primary.value)
        return
    target, source = people.find(ws, primary), people.find(ws, secondary)
    if target is None:
        ws.fail_quietly("merge primary missing", primary.value)
    elif source is None:
        ws.fail_quietly("merge secondary missing", secondary.value)
    elif target["pk"] == source["pk"]:
        ws.fail_quietly("merge of a person with themselves", primary.value)
    else:
        _move_rows(ws, target["pk"], source["pk"])
        _take_attributes(ws, target, source)
        people.erase(ws, source["pk"])
        _take_identifiers(ws, target, source)
        timeline.note(ws, target["pk"], "profile_merge", {})
        if ws.options.merge_renames_deliveries:
            _rename_deliveries(ws, target["pk"])


def _move_rows(ws: Workspace, target: int, source: int) -> None:
    sql = "UPDATE events SET person=? WHERE person=? AND timestamp>=?"
    ws.store.execute(sql, (target, source, ws.now - EVENTS_TAKEN))
    tables = ["deliveries", "timeline", "anonymous_ids", "members", "relationships"]
    if ws.options.merge_moves_devices:
        tables.append("devices")
    for table in tables:  # a row that the primary has already stays, and is erased later
        sql = f"UPDATE OR IGNORE {table} SET person=? WHERE person=?"  # noqa: S608 - fixed names
        ws.store.execute(sql, (target, source))


def _take_attributes(ws: Workspace, target: Row, source: Row) -> None:
    """Copy the attributes that the primary lacks or has empty."""
    ours, theirs = people.attributes(target), people.attributes(source)
    stamps, their_stamps = json.loads(target["stamps"]), json.loads(source["stamps"])
    for name, value in theirs.items():
        if ours.get(name) in (None, ""):
            ours[name] = value
            stamps[name] = their_stamps.get(name, ws.now)
    unsubscribed = target["unsubscribed"]
    if "unsubscribed" in their_stamps and "unsubscribed" not in stamps:
        unsubscribed, stamps["unsubscribed"] = source["unsubscribed"], their_stamps["unsubscribed"]
    sql = "UPDATE people SET attributes=?, stamps=?, unsubscribed=? WHERE pk=?"
    ws.store.execute(sql, (dump(ours), dump(stamps), unsubscribed, target["pk"]))


def _take_identifiers(ws: Workspace, target: Row, source: Row) -> None:
    """Copy the identifiers that the primary lacks, if the option says so.

    An e-mail address that is no identifier is copied like any attribute.
    """
    options = ws.options
    wanted: dict[IdKind, bool] = {
        "id": options.merge_moves_identifiers,
        "email": options.merge_moves_identifiers or not options.email_is_identifier,
    }
    for kind in (kind for kind, is_wanted in wanted.items() if is_wanted):
        if target[kind] is None and source[kind] is not None:
            people.set_identifier(ws, target["pk"], people.address_of(kind, source[kind]))


def _rename_deliveries(ws: Workspace, pk: int) -> None:
    """Put the primary's identifiers into all its deliveries: nobody has the secondary's now."""
    who = dump(people.identifiers(people.get(ws, pk)))
    ws.store.execute("UPDATE deliveries SET identifiers=? WHERE person=?", (who, pk))
