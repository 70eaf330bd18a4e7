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
    Field(description="Part of the name, any case."),
    AlsoCalled("name", "query", "search", "q", "segment_name", "campaign_name"),
]
Limit: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT), whole_number] | None,
    Field(description=f"Most to return; default {DEFAULT_LIMIT}."),
    PAGE_SIZE,
    LIMIT_NAMES,
]
Offset: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0), whole_number] | None,
    Field(description="How many to skip."),
    AlsoCalled("skip", "start"),
]
Full: TypeAlias = Annotated[Flag | None, Field(description="True returns every field.")]
