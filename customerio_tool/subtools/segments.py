"""Segments: read, list, create and delete them, and add or remove people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from customerio_tool.subtools.declare import (
    NO_PEOPLE,
    OMITTED,
    TRUNCATED,
    AlsoCalled,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Flag,
    Item,
    Pace,
    SecondRead,
    Sends,
    Shape,
    Subtool,
    Verify,
    acknowledge,
    contains,
    cut_note,
    fitted,
    listing,
    named,
    object_in,
    or_null,
    whole_in,
)
from customerio_tool.subtools.parts.creation import (
    SEGMENT_TIMES,
    CreateManualSegmentArgs,
    created_to_result,
    new_segment_body,
)
from customerio_tool.subtools.parts.deletion import DeleteSegmentArgs, SegmentId, segment_to_delete
from customerio_tool.subtools.parts.membership import (
    MEMBERSHIP_CAUTION,
    REPEATS,
    SENT,
    MembershipArgs,
    look_at_count,
    membership_body,
    membership_query,
)
from customerio_tool.subtools.parts.namesakes import (
    look_for_namesakes,
    possible_namesakes,
)
from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset
from customerio_tool.subtools.parts.plans import to_delete_segment
from customerio_tool.subtools.parts.references import APP_PAGES, TRACK_PAGES
from customerio_tool.subtools.parts.vocabulary import SEGMENT_WORDS

NOT_FOUND_HINT = "list_segments shows the ids of all segments."


class AddToSegmentArgs(MembershipArgs):
    """Arguments of add_to_segment."""


add_to_segment = Subtool(
    name="add_to_segment",
    description=(
        "Adds people to a manual segment (max 1000 IDs per call). Use to put people on a list or "
        "in a group. Joining can trigger campaigns. A new list: create_manual_segment."
    ),
    args=AddToSegmentArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/segments/{segment_id}/add_customers"),
    effect=Effect.ADD,
    pace=Pace.TRACK,
    query=membership_query,
    body=membership_body,
    shape=acknowledge(
        "Customer.io accepted the additions to segment {segment_id}.",
        caution=MEMBERSHIP_CAUTION,
        verify=look_at_count,
        sent=SENT,
        repeats_removed=REPEATS,
    ),
    not_found_hint=lambda _: NOT_FOUND_HINT,
    may_start_campaigns=True,
    person_argument=None,
    reference=TRACK_PAGES + "add_to_segment",
    examples=[
        Example(
            {"segment_id": 1, "customer_ids": ["u1", "u3"]},
            Sends(
                "POST",
                "/api/v1/segments/1/add_customers",
                query="id_type=id",
                body={"ids": ["u1", "u3"]},
            ),
        ),
        Example(
            {"segment_id": 1, "customer_ids": ["ada+test@example.com", "zoë@example.com"]},
            Sends(
                "POST",
                "/api/v1/segments/1/add_customers",
                query="id_type=email",
                body={"ids": ["ada+test@example.com", "zoë@example.com"]},
            ),
            title="E-mail addresses, recognised by their shape",
        ),
    ],
)


class RemoveFromSegmentArgs(MembershipArgs):
    """Arguments of remove_from_segment."""


def _removal_caution(answer: Answer[RemoveFromSegmentArgs]) -> str:
    kind = answer.args.kind
    if kind == "id":
        return MEMBERSHIP_CAUTION
    return f"By {kind} it may remove nobody; ids are sure. {MEMBERSHIP_CAUTION}"


remove_from_segment = Subtool(
    name="remove_from_segment",
    description=(
        "Removes people from a manual segment (max 1000 IDs per call). Use to take people off a "
        "list or out of a group; nobody is deleted. Give ids where you can: email or cio_id may "
        "remove nobody. The whole list: delete_segment."
    ),
    args=RemoveFromSegmentArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/segments/{segment_id}/remove_customers"),
    effect=Effect.REMOVE,
    pace=Pace.TRACK,
    query=membership_query,
    body=membership_body,
    shape=acknowledge(
        "Customer.io accepted the removals from segment {segment_id}.",
        caution=_removal_caution,
        verify=look_at_count,
        sent=SENT,
        repeats_removed=REPEATS,
    ),
    not_found_hint=lambda _: NOT_FOUND_HINT,
    may_start_campaigns=True,
    person_argument=None,
    reference=TRACK_PAGES + "remove_from_segment",
    examples=[
        Example(
            {"segment_id": 1, "customer_ids": ["u1"]},
            Sends(
                "POST",
                "/api/v1/segments/1/remove_customers",
                query="id_type=id",
                body={"ids": ["u1"]},
            ),
        ),
        Example(
            {"segment_id": 1, "customer_ids": ["team/42", "u1", "team/42"]},
            Sends(
                "POST",
                "/api/v1/segments/1/remove_customers",
                query="id_type=id",
                body={"ids": ["team/42", "u1"]},
            ),
            title="A repeated id is sent once",
        ),
    ],
)


class ListSegmentsArgs(Args):
    """Arguments of list_segments."""

    type: Annotated[
        Literal["dynamic", "manual"] | None,
        Field(description="Only of this kind."),
        SEGMENT_WORDS,
        AlsoCalled("kind", "segment_type"),
    ] = None
    name_contains: NamePart = None
    limit: Limit = None
    offset: Offset = None
    full: Full = None


def _passes_filters(args: ListSegmentsArgs, segment: Item) -> bool:
    of_type = args.type is None or segment.get("type") == args.type
    return of_type and contains(args.name_contains, segment.get("name"))


list_segments = Subtool(
    name="list_segments",
    description=(
        "Lists all segments in the workspace. Use to see which lists, groups or audiences exist, "
        "and to find a number by name. People can be added to manual ones only."
    ),
    args=ListSegmentsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/segments"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=listing(
        "segments",
        brief=("id", "name", "type", "state", "updated_at"),
        keep=_passes_filters,
        times=SEGMENT_TIMES,
    ),
    person_argument=None,
    people=NO_PEOPLE,
    basic=("type", "name_contains", "limit", "offset"),
    reference=APP_PAGES + "tag/segments/listSegments/",
    examples=[
        Example({}, Sends("GET", "/v1/segments")),
        Example(
            {"type": "manual", "name_contains": "TEST", "limit": 5, "offset": 0, "full": True},
            Sends("GET", "/v1/segments"),
            title="Filters and pages are ours: the vendor returns the whole list",
        ),
    ],
)


class GetSegmentArgs(Args):
    """Arguments of get_segment."""

    segment_id: SegmentId
    include_count: Annotated[
        Flag | None,
        Field(description="True also counts the people in it."),
        AlsoCalled("count", "with_count", "include_counts"),
    ] = None


def _segment_to_result(answer: Answer[GetSegmentArgs]) -> dict[str, Any]:
    number = answer.args.segment_id
    members = fitted("segment", answer.payload["segment"])
    note = cut_note(members)
    if answer.second is None:
        kind = object_in(answer.payload["segment"]).get("type")
        is_known = f" is {kind}" if kind in ("manual", "dynamic") else ""
        summary = f"Segment {number}{is_known}; include_count=true counts its people.{note}"
        return {"summary": summary, **members}
    count = whole_in(answer.second["count"])
    if count is None:
        return {"summary": f"Segment {number}; its count could not be read.{note}", **members}
    people = "1 person" if count == 1 else f"{count} people"
    summary = f"Segment {number} holds {people}.{note}"
    return {"summary": summary, "customer_count": count, **members}


get_segment = Subtool(
    name="get_segment",
    description=(
        "Retrieves a single segment by ID. Use to see one list or group: name, type, state; "
        "include_count tells how many people are in it."
    ),
    args=GetSegmentArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=Shape(
        outcome="done",
        to_result=_segment_to_result,
        returns={
            "segment": {"type": "object", "description": "Id, name, type, state."},
            "customer_count": {"type": "integer", "description": "People in the segment."},
            "truncated": TRUNCATED,
            "omitted": OMITTED,
        },
        expects="segment",
        untrusted=True,
        times=[f"segment.{name}" for name in SEGMENT_TIMES],
    ),
    second_read=SecondRead(
        Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}/customer_count"),
        when=lambda args: args.include_count is True,
        expects="count",
        about=named("segment_id", argument="segment_id"),
    ),
    not_found_hint=lambda _: NOT_FOUND_HINT,
    person_argument=None,
    people=NO_PEOPLE,
    about=named("segment.id", argument="segment_id"),
    reference=APP_PAGES + "tag/segments/getSegment/",
    examples=[
        Example({"segment_id": 1}, Sends("GET", "/v1/segments/1")),
        Example(
            {"segment_id": 1, "include_count": True},
            Sends("GET", "/v1/segments/1"),
            title="The count is a second read",
        ),
    ],
)


create_manual_segment = Subtool(
    name="create_manual_segment",
    description=(
        "Creates a manual segment that people can be added to or removed from via the Track API. "
        "Use to make a new, empty list or group; add_to_segment fills it. Names may repeat: see "
        "list_segments first."
    ),
    args=CreateManualSegmentArgs,
    endpoint=Endpoint(Api.APP, "POST", "/v1/segments"),
    effect=Effect.CREATE,
    pace=Pace.APP,
    body=new_segment_body,
    shape=Shape(
        outcome="done",
        to_result=created_to_result,
        returns={
            "segment_id": or_null(
                "integer", "Number of the new segment; null where the reply did not tell it."
            ),
            "segment": {"type": "object", "description": "As Customer.io stored it."},
            "possibly": {
                "type": "string",
                "description": "On an unknown outcome: segments that may be of this call.",
            },
            "truncated": TRUNCATED,
            "omitted": OMITTED,
        },
        untrusted=True,
    ),
    verify=Verify(
        Endpoint(Api.APP, "GET", "/v1/segments"),
        lambda args, at, seen: possible_namesakes(args.name, at, seen),
        expects="segments",
    ),
    look=lambda args, _: look_for_namesakes(args.name),
    person_argument=None,
    people=NO_PEOPLE,
    reference=APP_PAGES + "tag/segments/",
    examples=[
        Example(
            {"name": "Beta"},
            Sends("POST", "/v1/segments", body={"segment": {"name": "Beta"}}),
        ),
        Example(
            {"name": "Größe > L", "description": "likes\nlarge shoes"},
            Sends(
                "POST",
                "/v1/segments",
                body={"segment": {"name": "Größe > L", "description": "likes\nlarge shoes"}},
            ),
        ),
    ],
)


def _deleted_to_result(answer: Answer[DeleteSegmentArgs]) -> dict[str, Any]:
    number = answer.args.segment_id
    return {"summary": f"Deleted segment {number}; its people stay.", "segment_id": number}


delete_segment = Subtool(
    name="delete_segment",
    description=(
        "Deletes a segment by ID. Use to get rid of a whole list or group; its people stay. "
        "Irreversible. For manual segments. To take people out: remove_from_segment."
    ),
    args=DeleteSegmentArgs,
    endpoint=Endpoint(Api.APP, "DELETE", "/v1/segments/{segment_id}"),
    effect=Effect.ERASE,
    pace=Pace.APP,
    shape=Shape(
        outcome="done",
        to_result=_deleted_to_result,
        returns={"segment_id": {"type": "integer", "description": "Number of the segment."}},
    ),
    target=segment_to_delete,
    plan=to_delete_segment,
    not_found_hint=lambda _: "Call list_segments, and let the user say which one is meant.",
    person_argument=None,
    reference=APP_PAGES + "tag/segments/deleteManSegment/",
    examples=[
        Example({"segment_id": 1}, Sends("DELETE", "/v1/segments/1")),
        Example(
            {"segment_id": 1.0},
            Sends("DELETE", "/v1/segments/1"),
            title="A whole number, written as JSON also allows",
        ),
    ],
)
