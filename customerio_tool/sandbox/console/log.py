"""The request log: a page that grows, one entry with its curl line, and what is served."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from ..json_text import parse_json
from ..limits import parse_digits
from ..refusal import Refused
from ..serving import request_log
from ..serving.http import Reply
from ..serving.routes import UNKNOWN
from ..store.workspace import Workspace
from . import curl, queries, rendering
from .queries import Shown
from .routing import Pages
from .visit import PRIVATE, Visit, found

PAGES = Pages()


def newest(ws: Workspace, size: int) -> dict[str, Any]:
    """The newest entries, and the number after which the log grows on."""
    return {"entries": queries.requests(ws, size=size).rows, "last": queries.last_request(ws)}


@PAGES.get("/console/requests")
def requests(visit: Visit) -> Reply:
    """The log: all of it, of one operation, or what had no full effect."""
    operation = visit.request.query.get("operation") or None
    quiet, before = visit.request.query_bool("quiet"), visit.number("before")
    with visit.read() as ws:
        page = queries.requests(ws, Shown(operation, quiet), before)
        last, gone = queries.last_request(ws), request_log.first_number(ws) > 1
    return visit.page(
        "requests",
        entries=page.rows,
        next=page.next,
        last=last,
        gone=gone,
        kept=visit.application.options.requests_kept,
        grows=not (operation or quiet or before),
        operation=operation or "",
        quiet=quiet,
        operations=_operations(visit),
        first=curl.first(visit.connection()),
    )


def _operations(visit: Visit) -> list[str]:
    return sorted({UNKNOWN, *(route.operation for route in visit.application.router.served())})


@PAGES.get("/console/requests/stream")
def stream(visit: Visit) -> Reply:
    """The log as it grows, by Server-Sent Events."""
    given = visit.request.headers.get("last-event-id") or visit.request.query.get("after", "")
    row = rendering.environment().get_template("row.html")
    pieces = visit.place.listeners.listen(
        visit.application, parse_digits(given) or 0, lambda entry: row.render(entry=entry)
    )
    headers = (("Content-Type", "text/event-stream; charset=utf-8"), *PRIVATE)
    return Reply(headers=headers, pieces=pieces)


@PAGES.get("/console/requests/{number}")
def request(visit: Visit, number: str) -> Reply:
    """One entry of the log."""
    wanted = parse_digits(number) or 0
    with visit.read() as ws:
        if 0 < wanted < request_log.first_number(ws):
            kept = f"{visit.application.options.requests_kept:,} (option requests_kept)"
            raise Refused(
                f"Request {wanted} is gone: the log keeps the newest {kept}.", "not_found"
            )
        entry = found(queries.request(ws, wanted), "request with this number")
    parsed = None
    with suppress(Refused):  # a body that is no JSON, or was cut for the log
        parsed = parse_json(entry["body"].encode()) if entry["body"] else None
    return visit.page(
        "request",
        entry=entry,
        query=json.loads(entry["query"]),
        parsed=parsed,
        curl=curl.command(entry, visit.place.origin, visit.place.ca_file),
    )


@PAGES.get("/console/coverage")
def coverage(visit: Visit) -> Reply:
    """Which operations of Customer.io are served, and which were asked for in vain."""
    with visit.read() as ws:
        missed = queries.requests(ws, Shown(UNKNOWN), size=queries.FEW).rows
    return visit.page("coverage", routes=visit.application.router.served(), missed=missed)
