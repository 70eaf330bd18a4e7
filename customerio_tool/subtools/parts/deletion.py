"""The arguments of delete_segment, and the segment that it deletes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from customerio_tool.subtools.declare import (
    NARROWS,
    AlsoCalled,
    Args,
    FoundBy,
    Item,
    Line,
    Look,
    SegmentNumber,
    Short,
    Target,
    object_in,
)

NumberOfSegment = Annotated[
    SegmentNumber,
    AlsoCalled("id", "segment", "segment_number"),
    FoundBy("list_segments", ("segment_name", "segment", "name")),
]
SegmentId = Annotated[NumberOfSegment, Field(description="See list_segments.")]


class DeleteSegmentArgs(Args):
    """Arguments of delete_segment."""

    segment_id: SegmentId
    name: Annotated[
        Line | None,
        Field(description="Its name, if the user said one: if it differs, nothing is deleted."),
        Short("As a check"),
        NARROWS,
        AlsoCalled("segment_name"),
    ] = None


def _segment_shown(look: Look, result: Item) -> Item | None:
    segment = object_in(result.get("segment"))
    if segment.get("id") != look.arguments["segment_id"]:
        return None
    members = {"name": segment.get("name"), "type": segment.get("type")}
    count = {name: result[name] for name in ("customer_count",) if name in result}
    return {"id": segment["id"], **members, **count}


def _segment_found(shown: Item) -> str:
    count = shown.get("customer_count")
    if count is None:
        return "How many people were in it could not be read."
    return "1 person was in it." if count == 1 else f"{count} people were in it."


segment_to_delete: Target[DeleteSegmentArgs] = Target(
    looks=lambda args: [
        Look("get_segment", {"segment_id": args.segment_id, "include_count": True})
    ],
    shown=_segment_shown,
    found=_segment_found,
    nothing="No segment of this number was known before: unless an earlier call deleted it, ask "
    "the user which one is meant.",
    unread="What this segment was could not be read before.",
    identity="name",
    name_argument="name",
    by_name=lambda args: Look("list_segments", {"name_contains": args.name}),
)
