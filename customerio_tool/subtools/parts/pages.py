"""Types of the arguments that filter and page a list; Customer.io returns these lists whole."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from customerio_tool.subtools.declare import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    PAGE_SIZE,
    AlsoCalled,
    Flag,
    Line,
    whole_number,
)
from customerio_tool.subtools.parts.vocabulary import LIMIT_NAMES

NamePart: TypeAlias = Annotated[
    Line | None,
    Field(description="In any case."),
    AlsoCalled("name", "query", "search", "q", "segment_name", "campaign_name"),
]
Limit: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT), whole_number] | None,
    Field(description=f"Default {DEFAULT_LIMIT}."),
    PAGE_SIZE,
    LIMIT_NAMES,
]
Offset: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0), whole_number] | None,
    Field(description="How many to skip."),
    AlsoCalled("skip", "start"),
]
Full: TypeAlias = Annotated[Flag | None, Field(description="True returns every field.")]


def paging_note(shown: int, *, is_cut: bool, has_next: bool) -> str:
    """Return how to go on after a page that is cut, or that is not the last; else ""."""
    if is_cut:
        return (
            f"The page was too long and is cut; repeat with limit={shown} to page through. "
            f"{_NO_PROOF}"
        )
    return f"Go on with cursor=next_cursor. {_NO_PROOF}" if has_next else ""


CURSOR_TOO_LONG = (
    "There are more, but the cursor is too long to pass on: narrow start_time and end_time instead."
)
_NO_PROOF = "A message that is not on this page may be on a later one."
