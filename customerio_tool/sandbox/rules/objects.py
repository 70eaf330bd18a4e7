"""Objects, such as companies and courses, and their relationships with people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from ..limits import check_attributes
from ..refusal import Refused
from ..store.workspace import Workspace, dump

_FIRST_CIO_ID = 0xD9C1060000


@dataclass(frozen=True)
class Relation:
    """A change of a person's relationship with one object."""

    action: Literal["add", "delete"]
    type: str
    id: str
    attributes: dict[str, Any]


def relationship_changes(ws: Workspace, value: Any) -> list[Relation]:
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
        ws, "add" if action == "add_relationships" else "delete", value.get("relationships")
    )


def read_relations(ws: Workspace, action: Literal["add", "delete"], value: Any) -> list[Relation]:
    """Read a list of ``{identifiers, relationship_attributes}``; unknown objects are left out."""
    if not isinstance(value, list):
        raise Refused("relationships must be an array", field="cio_relationships")
    return [known for each in value if (known := _relation(ws, action, each))]


def _relation(ws: Workspace, action: Literal["add", "delete"], value: Any) -> Relation | None:
    key = find(ws, value.get("identifiers") if isinstance(value, dict) else None)
    extra = value.get("relationship_attributes") or {}
    if not isinstance(extra, dict):
        raise Refused("relationship_attributes must be an object", field="cio_relationships")
    check_attributes(extra)
    return None if key is None else Relation(action, *key, extra)


def find(ws: Workspace, identifiers: Any) -> tuple[str, str] | None:
    """Type and id of an object; ``None`` for a cio_object_id of none (fact object-unknown-cio).

    Raises:
        Refused: the object is not named by ``{object_type_id, object_id}`` or ``{cio_object_id}``.
    """
    given = identifiers if isinstance(identifiers, dict) else {}
    pair, cio_id = (given.get("object_type_id"), given.get("object_id")), given.get("cio_object_id")
    if isinstance(cio_id, str) and cio_id and pair == (None, None):
        row = ws.store.one("SELECT type, id FROM objects WHERE cio_id=?", (cio_id,))
        if row is None:
            ws.fail_quietly("unknown cio_object_id", cio_id)
            return None
        return str(row["type"]), str(row["id"])
    if cio_id is None and all(pair):
        return str(pair[0]), str(pair[1])
    raise Refused(
        "identifiers must name object_type_id and object_id, or cio_object_id", field="identifiers"
    )


def relate(ws: Workspace, pk: int, changes: list[Relation]) -> None:
    """Add or delete a person's relationships. Adding one creates a missing object."""
    for change in changes:
        key = (pk, change.type, change.id)
        if change.action == "delete":
            sql = "DELETE FROM relationships WHERE person=? AND type=? AND object=?"
            if not ws.store.execute(sql, key).rowcount:
                ws.fail_quietly("unknown relationship", change.id)
            continue
        save(ws, change.type, change.id, {})
        sql = "SELECT attributes FROM relationships WHERE person=? AND type=? AND object=?"
        merged = _merge(ws.store.scalar(sql, key), change.attributes)
        sql = """INSERT INTO relationships VALUES (?,?,?,?) ON CONFLICT (person, type, object)
                 DO UPDATE SET attributes=excluded.attributes"""
        ws.store.execute(sql, (*key, merged))


def save(ws: Workspace, kind: str, object_id: str, attributes: dict[str, Any]) -> None:
    """Create or update an object; null or ``""`` removes an attribute (T)."""
    check_attributes(attributes)
    sql = "SELECT attributes FROM objects WHERE type=? AND id=?"
    stored = ws.store.scalar(sql, (kind, object_id))
    merged = _merge(stored, attributes)
    if stored is not None:
        sql = "UPDATE objects SET attributes=? WHERE type=? AND id=?"
        ws.store.execute(sql, (merged, kind, object_id))
        return
    pk = ws.store.insert("objects", type=kind, id=object_id, attributes=merged)
    cio_id = f"ob{_FIRST_CIO_ID + pk:010x}"
    ws.store.execute("UPDATE objects SET cio_id=? WHERE pk=?", (cio_id, pk))


def delete(ws: Workspace, kind: str, object_id: str) -> None:
    """Delete an object and its relationships."""
    found = ws.store.execute("DELETE FROM objects WHERE type=? AND id=?", (kind, object_id))
    if not found.rowcount:
        ws.fail_quietly("unknown object", object_id)
    ws.store.execute("DELETE FROM relationships WHERE type=? AND object=?", (kind, object_id))


def _merge(stored: str | None, changes: dict[str, Any]) -> str:
    merged = {**json.loads(stored or "{}"), **changes}
    return dump({name: value for name, value in merged.items() if value not in (None, "")})
