"""The Track v1 routes. A path value's shape decides its kind; 200 means accepted, not applied."""

from __future__ import annotations

from typing import Any

from .. import limits
from ..refusal import Refused
from ..rules import devices, events, people, segments
from ..rules.identify import identify
from ..rules.merge import merge, read_address
from ..rules.people import IdKind
from ..serving.http import Reply, Request, json_reply, meta_error, track_errors
from ..serving.routes import Routes
from ..store.workspace import Workspace

_SPEC = "https://docs.customer.io/files/journeys-track.json"
TRACK = Routes("track", track_errors)
MERGES = Routes("track", meta_error)


def _accepted() -> Reply:
    return json_reply({})


@TRACK.route("GET", "/api/v1/accounts/region", operation="region", source=_SPEC)
def region(ws: Workspace, _request: Request) -> Reply:
    """The region and the id of this workspace."""
    options = ws.options
    host = "track-eu" if options.region == "eu" else "track"
    url = f"https://{host}.customer.io"
    return json_reply(
        {"url": url, "region": options.region, "environment_id": options.environment_id}
    )


@TRACK.route("PUT", "/api/v1/customers/{identifier}", operation="identify", source=_SPEC)
def identify_person(ws: Workspace, request: Request, identifier: str) -> Reply:
    """Create or update a person."""
    identify(ws, people.from_path(ws, identifier), request.json_object())
    return _accepted()


@TRACK.route("DELETE", "/api/v1/customers/{identifier}", operation="delete", source=_SPEC)
def delete_person(ws: Workspace, _request: Request, identifier: str) -> Reply:
    """Delete a person; a body is ignored."""
    people.delete(ws, people.from_path(ws, identifier))
    return _accepted()


@TRACK.route("POST", "/api/v1/customers/{identifier}/suppress", operation="suppress", source=_SPEC)
def suppress_person(ws: Workspace, _request: Request, identifier: str) -> Reply:
    """Delete a person and block their identifiers."""
    people.suppress(ws, people.from_path(ws, identifier))
    return _accepted()


@TRACK.route(
    "POST", "/api/v1/customers/{identifier}/unsuppress", operation="unsuppress", source=_SPEC
)
def unsuppress_person(ws: Workspace, _request: Request, identifier: str) -> Reply:
    """Free blocked identifiers."""
    people.unsuppress(ws, people.from_path(ws, identifier))
    return _accepted()


@TRACK.route("POST", "/api/v1/customers/{identifier}/events", operation="track", source=_SPEC)
def track_event(ws: Workspace, request: Request, identifier: str) -> Reply:
    """Record an event, a page view or a screen view of a person."""
    event = events.read(ws, request.json_object())
    may_create = ws.options.events_create_people
    person = people.find_or_create(ws, people.from_path(ws, identifier), may_create=may_create)
    if person is not None:
        events.add(ws, event, person)
    return _accepted()


@TRACK.route("POST", "/api/v1/events", operation="track_anonymous", source=_SPEC)
def track_anonymous(ws: Workspace, request: Request) -> Reply:
    """Record an event of somebody unknown yet, or an invite."""
    events.add_anonymous(ws, events.read(ws, request.json_object()))
    return _accepted()


@TRACK.route("PUT", "/api/v1/customers/{identifier}/devices", operation="add_device", source=_SPEC)
def add_device(ws: Workspace, request: Request, identifier: str) -> Reply:
    """Add or update a device."""
    device = devices.read(ws, request.json_object().get("device"), "id")
    person = people.find_or_create(ws, people.from_path(ws, identifier), may_create=True)
    if person is not None:
        devices.save(ws, person["pk"], device)
    return _accepted()


@TRACK.route(
    "DELETE",
    "/api/v1/customers/{identifier}/devices/{device_id}",
    operation="delete_device",
    source=_SPEC,
)
def delete_device(ws: Workspace, _request: Request, identifier: str, device_id: str) -> Reply:
    """Remove a device."""
    person = people.find_or_create(ws, people.from_path(ws, identifier), may_create=False)
    if person is not None:
        devices.delete(ws, person["pk"], device_id)
    return _accepted()


@MERGES.route("POST", "/api/v1/merge_customers", operation="merge", source=_SPEC)
def merge_people(ws: Workspace, request: Request) -> Reply:
    """Merge the secondary person into the primary."""
    body = request.json_object()
    primary = read_address(ws, body.get("primary"), "primary")
    merge(ws, primary, read_address(ws, body.get("secondary"), "secondary"))
    return _accepted()


@TRACK.route(
    "POST", "/api/v1/segments/{segment_id}/add_customers", operation="add_to_segment", source=_SPEC
)
def add_to_segment(ws: Workspace, request: Request, segment_id: str) -> Reply:
    """Add people to a manual segment."""
    number, kind = _read_membership(ws, request, segment_id)
    segments.add_members(ws, number, request.json_object().get("ids"), kind)
    return _accepted()


@TRACK.route(
    "POST",
    "/api/v1/segments/{segment_id}/remove_customers",
    operation="remove_from_segment",
    source=_SPEC,
)
def remove_from_segment(ws: Workspace, request: Request, segment_id: str) -> Reply:
    """Remove people from a manual segment."""
    number, kind = _read_membership(ws, request, segment_id)
    segments.remove_members(ws, number, request.json_object().get("ids"), kind)
    return _accepted()


def _read_membership(ws: Workspace, request: Request, segment_id: str) -> tuple[int, IdKind]:
    """The segment's number, and the kind of the ids in the body."""
    number = limits.parse_digits(segment_id)
    if number is None:
        raise Refused("segment id must be an integer")
    kind: Any = request.query.get("id_type") or "id"
    if kind not in ("id", "email", "cio_id"):
        raise Refused("id_type must be id, email or cio_id")
    people.check_kind(ws, kind, "id_type")
    named: IdKind = kind
    return number, named
