"""Audience filters (and, or, not, segment, attribute): checking them, matching people."""

from __future__ import annotations

import json
from typing import Any

from ..json_text import as_text
from ..limits import is_int
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace
from . import people

MAX_DEPTH = 20


def check(value: Any, pointer: str, depth: int = 0) -> None:
    """Refuse an invalid filter. A filter is an object with exactly one known key (A)."""
    if not isinstance(value, dict) or len(value) != 1 or depth > MAX_DEPTH:
        raise _bad("a filter is an object with one of and, or, not, segment, attribute", pointer)
    ((key, inner),) = value.items()
    pointer = f"{pointer}/{key}"
    if key in ("and", "or"):
        if not isinstance(inner, list) or not inner:
            raise _bad(f"{key} needs a list of filters", pointer)
        for index, each in enumerate(inner):
            check(each, f"{pointer}/{index}", depth + 1)
    elif key == "not":
        check(inner, pointer, depth + 1)
    elif key == "segment":
        if not isinstance(inner, dict) or not is_int(inner.get("id")):
            raise _bad("segment needs an integer id", pointer)
    elif key == "attribute":
        _check_attribute(inner, pointer)
    else:
        raise _bad(f"unknown filter {key}", pointer)


def _check_attribute(value: Any, pointer: str) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("field"), str):
        raise _bad("attribute needs a field", pointer)
    if value.get("operator") not in ("eq", "exists"):
        raise _bad("operator must be eq or exists", f"{pointer}/operator")
    if value["operator"] == "eq" and "value" not in value:
        raise _bad("eq needs a value", f"{pointer}/value")


def _bad(message: str, pointer: str) -> Refused:
    return Refused(message, "unprocessable", pointer=pointer, field="recipients")


def fits(ws: Workspace, value: dict[str, Any], person: Row) -> bool:
    """Whether a person fits a checked filter. Nobody fits a missing segment."""
    ((key, inner),) = value.items()
    if key == "and":
        return all(fits(ws, each, person) for each in inner)
    if key == "or":
        return any(fits(ws, each, person) for each in inner)
    if key == "not":
        return not fits(ws, inner, person)
    if key == "segment":
        return in_segment(ws, inner["id"], person)
    return _attribute_fits(inner, person)


def _attribute_fits(condition: dict[str, Any], person: Row) -> bool:
    field = condition["field"]
    shown = {**people.attributes(person), **people.identifiers(person)}
    shown["unsubscribed"] = bool(person["unsubscribed"])
    value = shown.get(field)
    if condition["operator"] == "exists":
        return value is not None
    return value is not None and as_text(value) == as_text(condition["value"])


def in_segment(ws: Workspace, segment_id: int, person: Row) -> bool:
    """Whether a person is in a segment: stored if it is manual, computed if it is dynamic."""
    segment = ws.store.one("SELECT * FROM segments WHERE id=?", (segment_id,))
    if segment is None:
        return False
    if segment["type"] == "dynamic":
        return fits(ws, json.loads(segment["conditions"]), person)
    sql = "SELECT 1 FROM members WHERE segment=? AND person=?"
    return ws.store.one(sql, (segment_id, person["pk"])) is not None
