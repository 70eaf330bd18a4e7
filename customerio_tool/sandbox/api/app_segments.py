"""The App routes for segments: listing, creating and deleting them, reading their members."""

from __future__ import annotations

from ..limits import MEMBERS_PAGE, parse_digits
from ..refusal import Refused
from ..rules import people, segments
from ..rules.segments import NewSegment
from ..serving.http import Reply, Request, app_reads, json_reply, page_size
from ..serving.routes import Routes
from ..store.workspace import Workspace

_SPEC = "https://docs.customer.io/files/journeys-app.json"
_DEFAULT_PAGE = 1000
SEGMENTS = Routes("app", app_reads)


def path_number(text: str, name: str) -> int:
    """The number in a path segment. Raises Refused, with 400 as for any invalid id."""
    number = parse_digits(text)
    if number is None:
        raise Refused(f"{name} must be an integer")
    return number


@SEGMENTS.route("GET", "/v1/segments", operation="list_segments", source=_SPEC)
def list_segments(ws: Workspace, _request: Request) -> Reply:
    """All segments, on one page."""
    return json_reply({"segments": [segments.shown(row) for row in segments.every(ws)]})


@SEGMENTS.route("POST", "/v1/segments", operation="create_segment", source=_SPEC)
def create_segment(ws: Workspace, request: Request) -> Reply:
    """Create the manual segment in the body's member ``segment``."""
    segment = request.json_object().get("segment")
    if not isinstance(segment, dict):
        raise Refused("segment is required")
    name, description = segment.get("name"), segment.get("description") or ""
    if not isinstance(name, str) or not name.strip():
        raise Refused("segment name is required")
    if not isinstance(description, str):
        raise Refused("segment description must be a string")
    taken = any(row["name"] == name for row in segments.every(ws))
    if taken and ws.options.duplicate_segment_name != "allow":
        raise Refused("a segment of this name exists", ws.options.duplicate_segment_name)
    row = segments.create(ws, NewSegment(name, description))
    return json_reply({"segment": segments.shown(row)})


@SEGMENTS.route("GET", "/v1/segments/{segment_id}", operation="get_segment", source=_SPEC)
def get_segment(ws: Workspace, _request: Request, segment_id: str) -> Reply:
    """One segment, without its member count."""
    row = segments.get(ws, path_number(segment_id, "segment_id"))
    return json_reply({"segment": segments.shown(row)})


@SEGMENTS.route(
    "DELETE",
    "/v1/segments/{segment_id}",
    operation="delete_segment",
    source="https://docs.customer.io/integrations/api/app/tag/segments/deleteManSegment/",
)
def delete_segment(ws: Workspace, _request: Request, segment_id: str) -> Reply:
    """Delete a manual segment: 204 without a body."""
    segments.delete(ws, path_number(segment_id, "segment_id"))
    return Reply(204)


@SEGMENTS.route(
    "GET",
    "/v1/segments/{segment_id}/used_by",
    operation="segment_used_by",
    source=_SPEC,
)
def used_by(ws: Workspace, _request: Request, segment_id: str) -> Reply:
    """The campaigns that use a segment."""
    row = segments.get(ws, path_number(segment_id, "segment_id"))
    return json_reply({"segment_id": row["id"], "used_by": segments.used_by(ws, row["id"])})


@SEGMENTS.route(
    "GET",
    "/v1/segments/{segment_id}/customer_count",
    operation="segment_count",
    source=_SPEC,
)
def customer_count(ws: Workspace, _request: Request, segment_id: str) -> Reply:
    """The number of people in a segment."""
    row = segments.get(ws, path_number(segment_id, "segment_id"))
    return json_reply({"segment_id": row["id"], "count": segments.count(ws, row)})


@SEGMENTS.route(
    "GET",
    "/v1/segments/{segment_id}/membership",
    operation="segment_membership",
    source=_SPEC,
)
def membership(ws: Workspace, request: Request, segment_id: str) -> Reply:
    """A page of a segment's people; ``start`` is the ``next`` of the previous page."""
    row = segments.get(ws, path_number(segment_id, "segment_id"))
    limit = page_size(request, _DEFAULT_PAGE, MEMBERS_PAGE)
    start = request.query_int("start") or 0
    found = segments.members(ws, row, start, limit + 1)
    page = found[:limit]
    return json_reply(
        {
            "ids": [person["id"] or "" for person in page],
            "identifiers": [people.identifiers(person) for person in page],
            "next": str(page[-1]["pk"]) if len(found) > limit else "",
        }
    )
