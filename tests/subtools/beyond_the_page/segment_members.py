"""Segments: who is in one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    TRUNCATED,
    UNNAMED,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Identifier,
    Invocation,
    Pace,
    People,
    SegmentNumber,
    Sends,
    Shape,
    Subtool,
    fitting_items,
    objects_in,
)
from customerio_tool.subtools.parts.pages import Limit


class ListSegmentMembersArgs(Args):
    """Arguments of list_segment_members."""

    segment_id: Annotated[SegmentNumber, Field(description="Number of the segment.")]
    page_size: Limit = None
    page_mark: Annotated[
        Identifier | None, Field(description="The next_mark of the page before.")
    ] = None


def _query(args: ListSegmentMembersArgs, _: Invocation) -> dict[str, Any]:
    return {"limit": args.page_size, "start": args.page_mark}


def _tell(answer: Answer[ListSegmentMembersArgs]) -> dict[str, Any]:
    members = objects_in(answer.payload["identifiers"])
    shown = fitting_items(members)
    following = answer.payload.get("next") or None
    return {
        "summary": f"{len(shown)} people of segment {answer.args.segment_id}.",
        "members": shown,
        **({"next_mark": str(following)} if following is not None else {}),
        **({"truncated": True} if shown != members else {}),
    }


list_segment_members = Subtool(
    name="list_segment_members",
    description="Lists the people of a segment, each by all identifiers.",
    args=ListSegmentMembersArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/segments/{segment_id}/membership"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    shape=Shape(
        outcome="done",
        to_result=_tell,
        returns={
            "members": {
                "type": "array",
                "items": {"type": "object"},
                "description": "The identifiers of each person.",
            },
            "next_mark": {"type": "string", "description": "Mark of the next page, if any."},
            "truncated": TRUNCATED,
        },
        expects="identifiers",
        untrusted=True,
    ),
    person_argument=None,
    people=People(at=("identifiers",), renamed={"ids": ("id",)}),
    about=UNNAMED,
    reference="https://docs.customer.io/integrations/api/app/",
    examples=[
        Example({"segment_id": 1}, Sends("GET", "/v1/segments/1/membership")),
        Example(
            {"segment_id": 1, "page_size": 2},
            Sends("GET", "/v1/segments/1/membership", query="limit=2"),
            title="The first two",
        ),
    ],
)
