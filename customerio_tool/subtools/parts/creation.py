"""How a manual segment is created: its arguments, body and result."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    AlsoCalled,
    Answer,
    Args,
    Invocation,
    Name,
    Text,
    fitted,
    object_in,
    whole_in,
    with_iso_times,
)
from customerio_tool.subtools.parts.namesakes import (
    is_named,
    is_older,
)

SEGMENT_TIMES = ("created_at", "updated_at")
"""Members of a segment that are Unix times."""


class CreateManualSegmentArgs(Args):
    """Arguments of create_manual_segment."""

    name: Annotated[
        Name, Field(description="Name of the new segment."), AlsoCalled("segment_name", "title")
    ]
    description: Annotated[Text | None, Field(description="What it is for.")] = None


def new_segment_body(args: CreateManualSegmentArgs, _: Invocation) -> dict[str, Any]:
    """Return the body that creates a segment."""
    description = {} if args.description is None else {"description": args.description}
    return {"segment": {"name": args.name, **description}}


def created_to_result(answer: Answer[CreateManualSegmentArgs]) -> dict[str, Any]:
    """Return the result of a creation; what the answer does not show is not claimed."""
    segment = object_in(answer.payload.get("segment"))
    number = whole_in(segment.get("id"))
    if number is None or not is_named(segment, answer.args.name):
        summary = "Customer.io accepted the segment but did not tell its number; see list_segments."
        return {"summary": summary, "outcome": "accepted", "segment_id": None}
    shown = with_iso_times(segment, SEGMENT_TIMES)
    if is_older(segment, answer.invocation):
        summary = (
            f"Customer.io answered with segment {number}, which is older than this call: it is no "
            "new one, and may hold people."
        )
        return {
            "summary": summary,
            "outcome": "accepted",
            "segment_id": number,
            **fitted("segment", shown),
        }
    return {
        "summary": f"Created segment {number}, empty.",
        "segment_id": number,
        **fitted("segment", shown),
    }
