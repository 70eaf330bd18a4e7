"""The arguments of the two subtools that add people to a manual segment or remove them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    IMPLIED,
    MAX_SEGMENT_IDS,
    PEOPLE_NAMES,
    AlsoCalled,
    Args,
    IdType,
    Invocation,
    Look,
    Member,
    PersonId,
    Problem,
    bare,
    check_type,
    distinct,
    json_array,
    may_be,
    shape_of,
)
from customerio_tool.subtools.declare.glance import all_sound_at_a_glance, kind_at_a_glance
from customerio_tool.subtools.declare.person_ids import CANNOT_BE
from customerio_tool.subtools.parts.deletion import NumberOfSegment

if TYPE_CHECKING:
    from typing_extensions import Self


class MembershipArgs(Args):
    """Arguments of add_to_segment and remove_from_segment."""

    segment_id: Annotated[NumberOfSegment, Field(description="Number of a manual segment.")]
    customer_ids: Annotated[
        Annotated[
            list[PersonId],
            json_array,
            Field(strict=True, min_length=1, max_length=MAX_SEGMENT_IDS),
            all_sound_at_a_glance,
        ],
        Field(description="1 to 1000, all of one type."),
        PEOPLE_NAMES,
        AlsoCalled("emails", "email", "email_addresses"),
    ]
    id_type: Annotated[
        IdType | None,
        Field(description="Type of the identifiers; default by their shape."),
        IMPLIED,
    ] = None

    @model_validator(mode="after")
    def _one_type(self) -> Self:
        glanced = kind_at_a_glance(self.customer_ids)
        if glanced is None or self.id_type not in (None, glanced):
            self._check_types()
        return self

    def _check_types(self) -> None:
        common = Counter(map(shape_of, self.customer_ids)).most_common(1)[0][0]
        differs = [self._is_odd(shape_of(one), common) for one in self.customer_ids]
        is_invalid = [not may_be(one, self.kind) for one in self.customer_ids]
        if any(differs):
            problem = f"mix types: most look like {common}, but not those at {_indices(differs)}"
        elif any(is_invalid):
            problem = f"{CANNOT_BE} {self.kind} at {_indices(is_invalid)}"
        else:
            for i, one in enumerate(self.customer_ids):
                check_type(one, self.id_type, "customer_ids", i)
            return
        fix = "make one call per type"
        if not len(set(map(shape_of, self.customer_ids))) > 1:
            fix = "leave id_type out, or make one call per type"
        raise Problem(problem, fix, "customer_ids")

    def _is_odd(self, shape: IdType, common: IdType) -> bool:
        """Whether an identifier is of another type than most; an address may be an id as well."""
        if self.id_type is None:
            return shape != common
        return self.id_type == "id" and (shape == "email") != (common == "email")

    @property
    def kind(self) -> IdType:
        """The type of all identifiers in the call."""
        return self.id_type or shape_of(self.customer_ids[0])

    @property
    def distinct(self) -> list[str]:
        """The identifiers in the form for Customer.io, each once."""
        return self.once("distinct", self._each_once)

    def _each_once(self) -> list[str]:
        once = distinct(self.customer_ids, self.kind)
        return [bare(one, "cio_id") for one in once] if self.kind == "cio_id" else once

    @property
    def repeats(self) -> int:
        """The number of entries that repeat an earlier one."""
        return len(self.customer_ids) - len(self.distinct)


def _indices(flags: Sequence[bool]) -> str:
    """Return the indices of the first ten true flags as text."""
    indices = [str(i) for i, flag in enumerate(flags) if flag]
    return ", ".join(indices[:10]) + ("…" if len(indices) > 10 else "")


def membership_query(args: MembershipArgs, _: Invocation) -> dict[str, Any]:
    """Return the query, which holds the type of the identifiers."""
    return {"id_type": args.kind}


def membership_body(args: MembershipArgs, _: Invocation) -> dict[str, Any]:
    """Return the body; its member is `ids` for every type of identifier."""
    return {"ids": args.distinct}


def look_at_count(args: MembershipArgs) -> Look:
    """Return the read that shows the number of people in the segment."""
    return Look("get_segment", {"segment_id": args.segment_id, "include_count": True})


SENT: Member[MembershipArgs] = Member(
    {"type": "integer", "description": "Distinct identifiers sent."},
    lambda args, _: len(args.distinct),
)
REPEATS: Member[MembershipArgs] = Member(
    {"type": "integer", "description": "Repeated identifiers that were left out."},
    lambda args, _: args.repeats or None,
)
MEMBERSHIP_CAUTION = (
    "It may pass over unknown people, or a segment that is not manual, and not say so: compare "
    "the count that `verify` shows."
)
