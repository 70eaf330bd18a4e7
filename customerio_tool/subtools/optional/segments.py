"""Segments: who is in one."""

from __future__ import annotations

from typing import Any

from customerio_tool.subtools.declare import (
    DEFAULT_LIMIT,
    UNNAMED,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Invocation,
    Pace,
    People,
    SecondRead,
    Sends,
    Shape,
    Subtool,
    named,
    objects_in,
    whole_in,
)
from customerio_tool.subtools.parts.cursors import (
    Cursor,
    brief_person,
    counted,
    page_of,
    page_schemas,
)
from customerio_tool.subtools.parts.deletion import SegmentId
from customerio_tool.subtools.parts.pages import Limit
from customerio_tool.subtools.parts.references import APP_PAGES


class ListSegmentMembersArgs(Args):
    """Arguments of list_segment_members."""

    segment_id: SegmentId
    limit: Limit = None
    cursor: Cursor = None


def _query(args: ListSegmentMembersArgs, _: Invocation) -> dict[str, Any]:
    return {"limit": args.limit or DEFAULT_LIMIT, "start": args.cursor}


def _to_result(answer: Answer[ListSegmentMembersArgs]) -> dict[str, Any]:
    rows = [brief_person(each) for each in objects_in(answer.payload["identifiers"])]
    members, note = page_of("members", rows, answer.payload.get("next"), answer.args.cursor)
    total = None if answer.second is None else whole_in(answer.second.get("count"))
    of_all = "" if total is None else f" of {total}"
    found = counted(members["count"], "person", "people")
    summary = f"{found}{of_all} in segment {answer.args.segment_id}. {note}".rstrip()
    return {"summary": summary, **members, **({} if total is None else {"total": total})}


list_segment_members = Subtool(
    name="list_segment_members",
    description="Lists the people in a segment by their identifiers, and counts them all.",
    args=ListSegmentMembersArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}/membership"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns={
            **page_schemas("members", "Their identifiers; cio_id where there is no id."),
            "total": {"type": "integer", "description": "All in the segment; on the first page."},
        },
        expects="identifiers",
        untrusted=True,
    ),
    second_read=SecondRead(
        Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}/customer_count"),
        when=lambda args: args.cursor is None,
        expects="count",
        about=named("segment_id", argument="segment_id"),
    ),
    not_found_hint=lambda _: "list_segments shows the ids of all segments.",
    person_argument=None,
    people=People(at=("identifiers",), renamed={"ids": ("id",)}),
    about=UNNAMED,
    reference=APP_PAGES + "tag/segments/getSegmentMembership/",
    is_lookup=True,
    examples=[
        Example({"segment_id": 1}, Sends("GET", "/v1/segments/1/membership", query="limit=50")),
        Example(
            {"segment_id": 1, "limit": 1, "cursor": "1"},
            Sends("GET", "/v1/segments/1/membership", query="limit=1&start=1"),
            title="The next page; the whole is not counted again",
        ),
    ],
)
