"""What is worked out of people as they change: their dynamic segments, and how they are found.

Triggers note who changed. Conditions speak of a person's own row and segments alone: nobody enters
or leaves a dynamic segment as time goes by.
"""

from __future__ import annotations

import json
from typing import Any

from ..store.store import Row
from ..store.terms import search_terms
from ..store.workspace import Workspace
from . import filters

_CHANGED = """SELECT people.*, has_new_terms FROM unsettled
              CROSS JOIN people ON pk=unsettled.person WHERE unsettled.person>0"""


def settle(ws: Workspace) -> None:
    """Work out what depends on those who changed since the last time."""
    changed = ws.store.all(_CHANGED)
    if not changed:
        return
    sql = "SELECT id, conditions FROM segments WHERE type='dynamic'"
    dynamic = {row["id"]: json.loads(row["conditions"]) for row in ws.store.all(sql)}
    for person in changed:
        if person["has_new_terms"]:
            _find_by_terms(ws, person)
        if dynamic:
            _sort_into_segments(ws, person, dynamic)
    ws.store.execute("DELETE FROM unsettled")


def _find_by_terms(ws: Workspace, person: Row) -> None:
    terms = search_terms(person["id"], person["email"], person["attributes"])
    ws.store.execute("DELETE FROM terms WHERE person=?", (person["pk"],))
    sql = "INSERT OR IGNORE INTO terms SELECT value, ? FROM json_each(?)"  # SQLite cuts at NUL
    ws.store.execute(sql, (person["pk"], terms))


def _sort_into_segments(ws: Workspace, person: Row, dynamic: dict[int, dict[str, Any]]) -> None:
    pk = person["pk"]
    sql = "SELECT segment FROM dynamic_members WHERE person=?"
    before = {row["segment"] for row in ws.store.all(sql, (pk,))}
    now = {number for number, each in dynamic.items() if filters.fits(ws, each, person)}
    for number in now - before:
        ws.store.execute("INSERT INTO dynamic_members VALUES (?,?)", (number, pk))
    for number in before - now:
        sql = "DELETE FROM dynamic_members WHERE segment=? AND person=?"
        ws.store.execute(sql, (number, pk))
