"""The App routes for people. ``id_type`` decides the kind of an identifier, not its shape."""

from __future__ import annotations

import json
from typing import Any

from ..json_text import as_text
from ..limits import ACTIVITIES_PAGE, PEOPLE_PAGE
from ..refusal import Refused
from ..rules import devices, filters, people, segments, timeline
from ..rules.people import Address
from ..serving.http import Reply, Request, app_reads, json_reply, page_size
from ..serving.routes import Routes
from ..store.store import Row
from ..store.workspace import Workspace

_SPEC = "https://docs.customer.io/files/journeys-app.json"
_DEFAULT_PAGE = 50
_FEW = 10
PEOPLE = Routes("app", app_reads)


@PEOPLE.route(
    "GET",
    "/v1/customers/{customer_id}/attributes",
    operation="get_attributes",
    source=_SPEC,
)
def attributes(ws: Workspace, request: Request, customer_id: str) -> Reply:
    """One person with their devices and their attributes, all as text."""
    return json_reply({"customer": _shown(ws, addressed(ws, request, customer_id))})


def addressed(ws: Workspace, request: Request, customer_id: str) -> Row:
    """The person in the path; the query's ``id_type`` is the kind. Raises Refused ``not_found``."""
    kind = request.query.get("id_type") or "id"
    person = people.find(ws, _address(ws, kind, customer_id))
    if person is None:
        raise Refused("customer not found", "not_found")
    return person


def _address(ws: Workspace, kind: str, text: str) -> Address:
    people.check_kind(ws, kind)
    if kind not in ("id", "email", "cio_id"):
        raise Refused("id_type must be id, email, phone or cio_id")
    return people.address_of(kind, text)  # type: ignore[arg-type] # one of the three literals


def _shown(ws: Workspace, person: Row) -> dict[str, Any]:
    identifiers = people.identifiers(person)
    values = people.attributes(person)
    stamps = json.loads(person["stamps"])
    own = {name: text for name, text in identifiers.items() if text is not None}
    return {
        "id": person["id"] or "",
        "identifiers": identifiers,
        "attributes": {**own, **{name: as_text(value) for name, value in values.items()}},
        "timestamps": {
            **dict.fromkeys(own, person["created"]),
            **{name: stamps[name] for name in values if name in stamps},
        },
        "unsubscribed": bool(person["unsubscribed"]),
        "devices": [devices.shown(row) for row in devices.of(ws, person["pk"])],
    }


@PEOPLE.route("GET", "/v1/customers", operation="find_by_email", source=_SPEC)
def find_by_email(ws: Workspace, request: Request) -> Reply:
    """The people with this e-mail address: several only if e-mail is no identifier."""
    email = request.query.get("email")
    if not email:
        raise Refused("email is required")
    found = people.with_email(ws, email)
    return json_reply({"results": [people.identifiers(person) for person in found]})


@PEOPLE.route(
    "POST",
    "/v1/customers",
    operation="search_people",
    source="https://docs.customer.io/integrations/api/app/tag/customers/getPeopleFilter/",
)
def search_people(ws: Workspace, request: Request) -> Reply:
    """A page of the people whom a filter matches, the oldest first."""
    condition: Any = request.json_object().get("filter")
    try:
        filters.check(condition, "/filter")
    except Refused as refused:  # a broadcast's audience gets 422, a search 400
        raise Refused(refused.message, pointer=refused.pointer) from None
    limit = page_size(request, _DEFAULT_PAGE, PEOPLE_PAGE)
    found = segments.matching(ws, condition, request.query_int("start") or 0, limit + 1)
    page = found[:limit]
    return json_reply(
        {
            "identifiers": [people.identifiers(person) for person in page],
            "ids": [person["id"] or "" for person in page],
            "next": str(page[-1]["pk"]) if len(found) > limit else "",
        }
    )


@PEOPLE.route(
    "GET",
    "/v1/customers/{customer_id}/segments",
    operation="segments_of_person",
    source=_SPEC,
)
def segments_of_person(ws: Workspace, request: Request, customer_id: str) -> Reply:
    """The segments that one person is in."""
    rows = segments.with_member(ws, addressed(ws, request, customer_id))
    return json_reply(
        {"segments": [{name: row[name] for name in ("id", "name", "description")} for row in rows]}
    )


@PEOPLE.route(
    "GET",
    "/v1/customers/{customer_id}/activities",
    operation="list_activities",
    source="https://docs.customer.io/integrations/api/app/tag/customers/getPersonActivities/",
)
def list_activities(ws: Workspace, request: Request, customer_id: str) -> Reply:
    """A page of what happened to one person in the last 30 days, the newest first."""
    wanted = timeline.Wanted(
        request.query.get("type") or None,
        request.query.get("name") or None,
        request.query.get("start") or None,
        page_size(request, _FEW, ACTIVITIES_PAGE),
    )
    found, following = timeline.page(ws, addressed(ws, request, customer_id), wanted)
    return json_reply({"activities": found, "next": following or ""})
