"""Pages of people: the list, the search, one person with their history."""

from __future__ import annotations

from typing import Any

from ..rules import people as rules
from ..serving.http import Reply
from ..store.store import Row
from ..store.workspace import Workspace
from . import curl, log, messages, queries
from .queries import Of
from .routing import Pages
from .visit import Visit, found

PAGES = Pages()
_LONGEST = 200  # characters of a search


@PAGES.get("/")
def overview(visit: Visit) -> Reply:
    """What is new, and how a client connects."""
    with visit.read() as ws:
        context = {
            "people": queries.people(ws, size=queries.FEW).rows,
            "deliveries": messages.listed(ws, queries.deliveries(ws, size=queries.FEW).rows),
            **log.newest(ws, queries.FEW),
        }
    connection = visit.connection()
    return visit.page("overview", connection=connection, first=curl.first(connection), **context)


@PAGES.get("/console/people")
def listed(visit: Visit) -> Reply:
    """The people, or those that a search finds."""
    asked = visit.request.query.get("q", "").strip()[:_LONGEST]
    with visit.read() as ws:
        if asked:
            page, term = _found(visit, ws, asked)
        else:
            page, term = queries.people(ws, visit.number("before")), ""
    return visit.page("people", page=page, asked=asked, term=term)


def _found(visit: Visit, ws: Workspace, asked: str) -> tuple[queries.Page, str]:
    """A page of the search, each person once, and the term where the next page begins."""
    known = queries.person(ws, asked.removeprefix(rules.CIO_PREFIX))
    if known is not None:
        return queries.Page([known]), ""
    last = visit.number("after")
    term = visit.request.query.get("term", "")
    page = queries.search(ws, asked, None if last is None else (term, last))
    people = {row["pk"]: row for row in page.rows}
    return queries.Page(list(people.values()), page.next), _last_term(page.rows)


def _last_term(rows: Any) -> str:
    return str(rows[-1]["term"]) if rows else ""


@PAGES.get("/console/people/{cio_id}")
def person(visit: Visit, cio_id: str) -> Reply:
    """One person."""
    with visit.read() as ws:
        row = found(queries.person(ws, cio_id), "person with this cio_id")
        context = _known(ws, row)
        context["timeline"] = queries.events(ws, row["pk"], visit.number("before"))
    return visit.page("person", person=row, **context)


def _known(ws: Workspace, row: Row) -> dict[str, Any]:
    """All that is known of a person, but for the events."""
    sent = queries.deliveries(ws, Of("person", row["pk"]), size=queries.FEW)
    return {
        "attributes": rules.attributes(row),
        "anonymous_ids": queries.anonymous_ids(ws, row["pk"]),
        "devices": queries.devices(ws, row["pk"]),
        "relationships": queries.relationships(ws, row["pk"]),
        "segments": queries.segments_of(ws, row),
        "deliveries": messages.listed(ws, sent.rows),
        "more_deliveries": sent.next is not None,
    }
