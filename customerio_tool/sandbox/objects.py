"""Objects, such as companies and courses, and their relationships with people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from .limits import check_attributes
from .refusal import Refused
from .workspace import Workspace, dump

_SEP = ":"


@dataclass(frozen=True)
class Relation:
    """A change of a person's relationship with one object."""

    action: Literal["add", "delete"]
    type: str
    id: str
    attributes: dict[str, Any]


def relationship_changes(value: Any) -> list[Relation]:
    """Read ``cio_relationships`` of an identify call: ``{action, relationships: []}`` (T)."""
    if value is None:
        return []
    if not isinstance(value, dict):
        raise Refused("cio_relationships must be an object", field="cio_relationships")
    action = value.get("action")
    if action not in ("add_relationships", "delete_relationships"):
        raise Refused(
            "cio_relationships.action must be add_relationships or delete_relationships",
            field="cio_relationships",
        )
    return read_relations(
        "add" if action == "add_relationships" else "delete", value.get("relationships")
    )


def read_relations(action: Literal["add", "delete"], value: Any) -> list[Relation]:
    """Read a list of ``{identifiers, relationship_attributes}``."""
    if not isinstance(value, list):
        raise Refused("relationships must be an array", field="cio_relationships")
    return [_relation(action, each) for each in value]


def _relation(action: Literal["add", "delete"], value: Any) -> Relation:
    identifiers = value.get("identifiers") if isinstance(value, dict) else None
    kind, object_id = object_key(identifiers)
    extra = value.get("relationship_attributes") or {}
    if not isinstance(extra, dict):
        raise Refused("relationship_attributes must be an object", field="cio_relationships")
    check_attributes(extra)
    return Relation(action, kind, object_id, extra)


def object_key(identifiers: Any) -> tuple[str, str]:
    """Type and id of an object from ``{object_type_id, object_id}`` or ``{cio_object_id}``."""
    if isinstance(identifiers, dict):
        if (
            isinstance(identifiers.get("cio_object_id"), str)
            and _SEP in identifiers["cio_object_id"]
        ):
            kind, _, object_id = identifiers["cio_object_id"].partition(_SEP)
            return kind, object_id
        if identifiers.get("object_type_id") and identifiers.get("object_id"):
            return str(identifiers["object_type_id"]), str(identifiers["object_id"])
    raise Refused("identifiers must name object_type_id and object_id", field="identifiers")


def relate(ws: Workspace, pk: int, changes: list[Relation]) -> None:
    """Add or delete a person's relationships. Adding one creates a missing object."""
    for change in changes:
        key = (pk, change.type, change.id)
        if change.action == "delete":
            sql = "DELETE FROM relationships WHERE person=? AND type=? AND object=?"
            ws.store.execute(sql, key)
            continue
        save(ws, change.type, change.id, {})
        sql = "SELECT attributes FROM relationships WHERE person=? AND type=? AND object=?"
        merged = _merge(ws.store.scalar(sql, key), change.attributes)
        ws.store.execute("INSERT OR REPLACE INTO relationships VALUES (?,?,?,?)", (*key, merged))


def save(ws: Workspace, kind: str, object_id: str, attributes: dict[str, Any]) -> None:
    """Create or update an object; null or ``""`` removes an attribute (T)."""
    check_attributes(attributes)
    sql = "SELECT attributes FROM objects WHERE type=? AND id=?"
    merged = _merge(ws.store.scalar(sql, (kind, object_id)), attributes)
    ws.store.execute("INSERT OR REPLACE INTO objects VALUES (?,?,?)", (kind, object_id, merged))


def delete(ws: Workspace, kind: str, object_id: str) -> None:
    """Delete an object and its relationships."""
    found = ws.store.execute("DELETE FROM objects WHERE type=? AND id=?", (kind, object_id))
    if not found.rowcount:
        ws.fail_quietly("unknown object", object_id)
    ws.store.execute("DELETE FROM relationships WHERE type=? AND object=?", (kind, object_id))


def _merge(stored: str | None, changes: dict[str, Any]) -> str:
    merged = {**json.loads(stored or "{}"), **changes}
    return dump({name: value for name, value in merged.items() if value not in (None, "")})
