"""The arguments of a read of one person, whom the App API finds by an identifier of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import IMPLIED, PERSON_NAMES, Args, PersonId, check_type
from customerio_tool.subtools.parts.lookup import LookupType

if TYPE_CHECKING:
    from typing_extensions import Self


class OnePersonArgs(Args):
    """Whom a read is about. A shape that `id_type` contradicts is refused."""

    customer_id: Annotated[
        PersonId, Field(description="Person's id, email address, or cio_... id."), PERSON_NAMES
    ]
    id_type: Annotated[
        LookupType | None,
        Field(description="Type of customer_id; default by its shape, never phone."),
        IMPLIED,
    ] = None

    @model_validator(mode="after")
    def _one_type(self) -> Self:
        check_type(self.customer_id, self.id_type, "customer_id", finds_phones=True)
        return self
