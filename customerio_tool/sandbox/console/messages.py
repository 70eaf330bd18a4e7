"""Pages of deliveries: the list, one message as it was sent, and the same as a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..refusal import Refused
from ..serving.http import Reply
from ..store.store import Row
from ..store.workspace import Workspace
from . import eml, queries
from .queries import Of
from .routing import Pages
from .visit import PRIVATE, Visit, found

PAGES = Pages()
_BODIES = frozenset({"body", "body_plain", "body_amp", "subject", "preheader", "title", "message"})
_UNHAPPY = ("failed", "undeliverable", "dropped", "bounced", "spammed", "suppressed", "deferred")
_HAPPY = ("converted", "clicked", "opened", "delivered", "sent", "attempted", "drafted")
# The message of a stranger: no script, no form, nothing from elsewhere, no origin of its own.
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; sandbox"
)


def listed(ws: Workspace, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Deliveries as a table shows them: with state and source."""
    recorded = queries.metrics(ws, rows)
    people = queries.named(ws, (row["person"] for row in rows if row["person"] is not None))
    return [
        {
            "row": row,
            "state": _state(ws, row, recorded[row["pk"]]),
            "person": people.get(row["person"]),
            "source": _source(row),
        }
        for row in rows
    ]


def _state(ws: Workspace, row: Row, metrics: Sequence[Row]) -> tuple[str, str]:
    """The state of a delivery in a word, and the colour of it."""
    names = {each["name"] for each in metrics if each["at"] <= ws.now}
    for name in _UNHAPPY:
        if name in names:
            return name, "bad"
    for name in _HAPPY:
        if name in names:
            return name, "quiet" if name == "drafted" else "good"
    return ("draft" if row["draft"] else "scheduled"), "quiet"


def _source(row: Row) -> tuple[str, str]:
    """What made a delivery, and the page of that."""
    if row["campaign"] is not None:
        return f"campaign {row['campaign']}", f"/console/campaigns/{row['campaign']}"
    if row["broadcast"] is not None:
        trigger = f", trigger {row['trigger_id']}"
        return f"broadcast {row['broadcast']}{trigger}", f"/console/broadcasts/{row['broadcast']}"
    if row["template"] is not None:
        return f"transactional message {row['template']}", "/console/transactional"
    return "none", ""


@PAGES.get("/console/deliveries")
def deliveries(visit: Visit) -> Reply:
    """All deliveries, or those of a person, a campaign or a broadcast."""
    with visit.read() as ws:
        of, title, query = _of(visit, ws)
        page = queries.deliveries(ws, of, visit.request.query.get("before"))
        rows = listed(ws, page.rows)
    return visit.page("deliveries", rows=rows, next=page.next, title=title, query=query)


def _of(visit: Visit, ws: Workspace) -> tuple[Of | None, str, str]:
    """Whose deliveries are asked for, in words, and as a query."""
    cio_id = visit.request.query.get("person")
    if cio_id:
        row = found(queries.person(ws, cio_id), "person with this cio_id")
        who = row["id"] or row["email"] or row["cio_id"]
        return Of("person", row["pk"]), f"to {who}", f"person={row['cio_id']}&"
    if number := visit.number("campaign"):
        return Of("campaign", number), f"of campaign {number}", f"campaign={number}&"
    if number := visit.number("broadcast"):
        return Of("broadcast", number), f"of broadcast {number}", f"broadcast={number}&"
    return None, "", ""


@PAGES.get("/console/deliveries/{delivery_id}")
def delivery(visit: Visit, delivery_id: str) -> Reply:
    """One delivery, with its message."""
    with visit.read() as ws:
        row = found(queries.delivery(ws, delivery_id), "delivery with this id")
        metrics = queries.metrics(ws, [row])[row["pk"]]
        [shown] = listed(ws, [row])
    content = json.loads(row["content"])
    return visit.page(
        "delivery",
        **shown,
        metrics=metrics,
        who=json.loads(row["identifiers"]),
        content=content,
        templates=json.loads(row["source"]),
        data={name: each for name, each in content.items() if name not in _BODIES},
    )


@PAGES.get("/console/deliveries/{delivery_id}/html")
def html(visit: Visit, delivery_id: str) -> Reply:
    """The HTML of a message, for a frame that runs no script."""
    with visit.read() as ws:
        row = found(queries.delivery(ws, delivery_id), "delivery with this id")
    content = json.loads(row["content"])
    headers = (("Content-Type", "text/html; charset=utf-8"), *PRIVATE)
    body = str(content.get("body") or "").encode()
    return Reply(200, body, (*headers, ("Content-Security-Policy", FRAME_POLICY)))


@PAGES.get("/console/deliveries/{delivery_id}/eml")
def download(visit: Visit, delivery_id: str) -> Reply:
    """An e-mail as a file that mail programs open."""
    with visit.read() as ws:
        row = found(queries.delivery(ws, delivery_id), "delivery with this id")
        files = queries.attachments(ws, row["pk"])
    if row["type"] != "email":
        raise Refused("Only an e-mail can be saved as a mail file.", "not_found")
    name = "".join(char for char in row["id"] if char.isalnum())
    headers = (
        ("Content-Type", "message/rfc822"),
        ("Content-Disposition", f'attachment; filename="{name}.eml"'),
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
        *PRIVATE,
    )
    return Reply(200, eml.message(row, json.loads(row["content"]), files), headers)
