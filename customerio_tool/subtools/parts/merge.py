"""The arguments and the body of merge_customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    IMPLIED,
    AlsoCalled,
    Args,
    IdType,
    Invocation,
    Look,
    PersonId,
    Problem,
    Short,
    bare,
    canonical,
    check_type,
    shape_of,
)

if TYPE_CHECKING:
    from typing_extensions import Self

_ID_TYPE = Field(description="Type of that identifier; default by its shape.")
_PRIMARY = AlsoCalled("primary", "primary_customer_id", "primary_email")
_SECONDARY = AlsoCalled("secondary", "secondary_customer_id", "secondary_email")


class MergeCustomersArgs(Args):
    """Arguments of merge_customers."""

    primary_id: Annotated[
        PersonId, Field(description="The person who survives."), Short("Survives"), _PRIMARY
    ]
    secondary_id: Annotated[
        PersonId, Field(description="The person who is deleted."), Short("Is deleted"), _SECONDARY
    ]
    primary_id_type: Annotated[IdType | None, _ID_TYPE, IMPLIED] = None
    secondary_id_type: Annotated[IdType | None, _ID_TYPE, IMPLIED] = None

    @property
    def primary(self) -> tuple[IdType, str]:
        """The type and the identifier of the person who survives."""
        return self.primary_id_type or shape_of(self.primary_id), self.primary_id

    @property
    def secondary(self) -> tuple[IdType, str]:
        """The type and the identifier of the person who is deleted."""
        return self.secondary_id_type or shape_of(self.secondary_id), self.secondary_id

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        (primary_type, primary), (secondary_type, secondary) = self.primary, self.secondary
        check_type(primary, self.primary_id_type, "primary_id")
        check_type(secondary, self.secondary_id_type, "secondary_id")
        if canonical(primary, primary_type) == canonical(secondary, secondary_type):
            raise Problem("is the same person as primary_id", "name another person", "secondary_id")
        return self


def look_at_secondary(args: MergeCustomersArgs) -> Look:
    """Return the read that shows whether the secondary person still exists."""
    id_type = {} if args.secondary_id_type is None else {"id_type": args.secondary_id_type}
    return Look("get_customer_attributes", {"customer_id": args.secondary_id, **id_type})


def merge_body(args: MergeCustomersArgs, _: Invocation) -> dict[str, Any]:
    """Return the body: each person by type and identifier."""
    people = {"primary": args.primary, "secondary": args.secondary}
    return {role: {kind: bare(value, kind)} for role, (kind, value) in people.items()}
