"""Pages of segments, campaigns, broadcasts and transactional messages."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from ..rules import metrics
from ..serving.http import Reply
from ..store.store import Row
from ..store.workspace import Workspace
from . import messages, queries
from .queries import Of, Owner
from .routing import Pages
from .visit import Visit, found

PAGES = Pages()
_COLUMNS = ("sent", "delivered", "opened", "clicked", "converted")


@PAGES.get("/console/segments")
def segments(visit: Visit) -> Reply:
    """The segments with their sizes."""
    with visit.read() as ws:
        page = queries.segments(ws, visit.number("after") or 0)
        sizes = {row["id"]: _size(queries.size_of(ws, row)) for row in page.rows}
    return visit.page("segments", page=page, sizes=sizes)


def _size(count: int) -> str:
    return f"{queries.COUNTED}+" if count > queries.COUNTED else str(count)


@PAGES.get("/console/segments/{segment_id}")
def segment(visit: Visit, segment_id: str) -> Reply:
    """One segment and its people."""
    with visit.read() as ws:
        row = found(queries.segment(ws, _number(segment_id)), "segment with this number")
        page = queries.members(ws, row, visit.number("after") or 0)
    conditions = json.loads(row["conditions"]) if row["conditions"] else None
    return visit.page("segment", segment=row, page=page, conditions=conditions)


def _number(text: str) -> int:
    """A number in a path; 0, which nothing has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


@PAGES.get("/console/campaigns")
def campaigns(visit: Visit) -> Reply:
    """The campaigns with their metrics."""
    return _listed(visit, "campaign")


@PAGES.get("/console/broadcasts")
def broadcasts(visit: Visit) -> Reply:
    """The broadcasts with their metrics."""
    return _listed(visit, "broadcast")


def _listed(visit: Visit, kind: Owner) -> Reply:
    with visit.read() as ws:
        page = queries.campaigns(ws, kind, visit.number("after") or 0)
        totals = {row["id"]: queries.totals(ws, row["id"]) for row in page.rows}
    return visit.page("campaigns", page=page, kind=kind, totals=totals, columns=_COLUMNS)


@PAGES.get("/console/campaigns/{number}")
def campaign(visit: Visit, number: str) -> Reply:
    """One campaign."""
    return _one(visit, "campaign", number)


@PAGES.get("/console/broadcasts/{number}")
def broadcast(visit: Visit, number: str) -> Reply:
    """One broadcast."""
    return _one(visit, "broadcast", number)


def _one(visit: Visit, kind: Owner, number: str) -> Reply:
    with visit.read() as ws:
        row = found(queries.campaign(ws, _number(number), kind), f"{kind} with this number")
        sent = queries.deliveries(ws, Of(kind, row["id"]), size=queries.FEW)
        context: dict[str, Any] = {
            "bars": _bars(queries.totals(ws, row["id"])),
            "days": _days(queries.daily(ws, row["id"], "sent")),
            "deliveries": messages.listed(ws, sent.rows),
            "triggers": _triggers(visit, ws, row, kind),
        }
    definition = json.loads(row["definition"])
    return visit.page("campaign", kind=kind, campaign=row, definition=definition, **context)


def _triggers(visit: Visit, ws: Workspace, row: Row, kind: Owner) -> queries.Page:
    if kind == "campaign":
        return queries.Page([])
    return queries.triggers(ws, row["id"], visit.number("before"))


def _bars(totals: dict[str, int]) -> list[tuple[str, int, float]]:
    """The metrics in the order of a message's life: name, count, and per cent of the largest."""
    order = ("created", "attempted", *_COLUMNS)
    names = [*order, *(name for name in metrics.NAMES if name not in order)]
    names += [name for name in totals if name not in names]
    most = max(totals.values(), default=1)
    return [(name, totals[name], 100 * totals[name] / most) for name in names if name in totals]


def _days(counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """The columns of a chart 100 high."""
    most = max(count for _, count in counts) or 1
    return [
        {"date": _date(start), "count": count, "height": round(100 * count / most, 1)}
        for start, count in counts
    ]


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).date().isoformat()


@PAGES.get("/console/transactional")
def transactional(visit: Visit) -> Reply:
    """The transactional messages."""
    with visit.read() as ws:
        page = queries.templates(ws, visit.number("after") or 0)
    return visit.page("transactional", page=page)
