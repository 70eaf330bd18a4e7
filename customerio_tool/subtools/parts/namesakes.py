"""What a list of segments shows of a create whose answer was lost: who has its name, since when."""

from __future__ import annotations

import unicodedata
from typing import Any

from customerio_tool.subtools.declare import (
    MAX_LIMIT,
    MAX_TIME,
    Invocation,
    Item,
    Look,
    iso_time,
    objects_in,
    visible,
    whole_in,
)

_MOST_TOLD = 5


def possible_namesakes(name: str, invocation: Invocation, payload: Item) -> Item | None:
    """Return the manual segments of a name that a call may have made; None if there are none.

    Nothing in a segment tells whose call made it: names may repeat, and the clocks may differ. Left
    out is only what is certainly older than the call.
    """
    possible = [
        segment
        for segment in objects_in(payload["segments"])
        if is_named(segment, name)
        and segment.get("type") in ("manual", None)
        and not is_older(segment, invocation)
    ]
    if not possible:
        return None
    newest = sorted(possible, key=_created, reverse=True)[:_MOST_TOLD]
    told = ", ".join(map(_told, newest))
    which = "possibly" if len(possible) == 1 else "one of them possibly"
    return {"possibly": f"There is {told}, {which} by this call."}


def look_for_namesakes(name: str) -> Look:
    """Return the read that shows the manual segments of a name."""
    part = visible(name).strip()
    named = {"name_contains": part} if part else {}
    return Look("list_segments", {"type": "manual", **named, "limit": MAX_LIMIT})


def is_named(segment: Item, name: str) -> bool:
    """Return whether a segment may have a name, as far as it tells its own."""
    return "name" not in segment or _plain(segment["name"]) == _plain(name)


def is_older(segment: Item, invocation: Invocation) -> bool:
    """Return whether a segment is certainly older than a call; the clocks may differ."""
    return _created(segment) < invocation.search_from


def _plain(name: Any) -> str:
    """Return a name in the form for comparisons: Customer.io may trim it or change its case."""
    return " ".join(unicodedata.normalize("NFKC", visible(str(name))).split()).casefold()


def _created(segment: Item) -> int:
    """Return when a segment was created; where it does not tell, it may be later than any call."""
    return whole_in(segment.get("created_at")) or MAX_TIME


def _told(segment: Item) -> str:
    number, created = whole_in(segment.get("id")), _created(segment)
    when = f", created at {iso_time(created)}" if 0 <= created < MAX_TIME else ""
    return f"segment {'?' if number is None else number} of this name{when}"
