"""Types of the arguments that filter and page a list; Customer.io returns these lists whole."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from customerio_tool.subtools.declare import DEFAULT_LIMIT, MAX_LIMIT, Flag, Line, whole_number

NamePart: TypeAlias = Annotated[Line | None, Field(description="Part of the name, any case.")]
Limit: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MAX_LIMIT), whole_number] | None,
    Field(description=f"Most to return; default {DEFAULT_LIMIT}."),
]
Offset: TypeAlias = Annotated[
    Annotated[int, Field(strict=True, ge=0), whole_number] | None,
    Field(description="How many to skip."),
]
Full: TypeAlias = Annotated[Flag | None, Field(description="True returns every field.")]
