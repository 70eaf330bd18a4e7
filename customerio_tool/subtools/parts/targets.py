"""People as targets of calls that erase or merge, and who else may be merged by an identify."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare import (
    Args,
    IdType,
    Item,
    Look,
    Target,
    bare,
    canonical,
    object_in,
    shape_of,
)
from customerio_tool.subtools.parts.identify import IdentifyCustomerArgs

A = TypeVar("A", bound=Args)

_MEMBERS = ("id", "email", "cio_id")

NOBODY = (
    "Nobody with this id was known before: unless an earlier call deleted them, ask the user "
    "whether the id is right."
)
"""What is said where nobody has the id of somebody to erase."""


_PLAIN_EMAIL = pattern(r"[\w.+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}")
"""An address that everybody takes for one; what else Customer.io takes for one is UNVERIFIED."""


def person_target(
    named: Callable[[A], tuple[IdType, str]],
    *,
    nothing: str,
    argument: str = "customer_id",
    has_type: bool = False,
) -> Target[A]:
    """Return the target of a call that erases one person.

    Args:
        named: Returns the type and the identifier of the person.
        nothing: The sentence for a person whom nobody knows.
        argument: The argument that names the person.
        has_type: Whether the call sends the type too; else Customer.io infers it from the form.
    """

    def is_certain(args: A) -> bool:
        identifier = named(args)[1]
        is_plain = "@" not in identifier or _PLAIN_EMAIL.fullmatch(identifier) is not None
        return has_type or is_plain

    return Target(
        looks=lambda args: [_look_up(*named(args))],
        shown=_shown,
        found=lambda _: f"Somebody with this {argument} was known before.",
        nothing=nothing,
        unread=(
            "Whether anybody has this id could not be read before, so that a read which finds "
            "nobody later proves nothing."
        ),
        identity="cio_id",
        is_certain=is_certain,
    )


def _look_up(kind: IdType, identifier: str) -> Look:
    """Return the read of a person; a cio_id is bare, the form known to be found."""
    arguments = {"customer_id": bare(identifier, kind), "id_type": kind}
    return Look("get_customer_attributes", arguments)


def _shown(look: Look, result: Item) -> Item | None:
    kind, asked = look.arguments["id_type"], look.arguments["customer_id"]
    person = _identifiers(result)
    if kind in person and canonical(person[kind], kind) != canonical(asked, kind):
        return None
    return person


def _identifiers(result: Item) -> dict[str, str]:
    """Return the identifiers of the person in a result of get_customer_attributes."""
    customer = object_in(result.get("customer"))
    sources = (object_in(customer.get("identifiers")), object_in(customer.get("attributes")))
    found = {name: next((s[name] for s in sources if s.get(name)), None) for name in _MEMBERS}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _is_somebody_else(args: IdentifyCustomerArgs, result: Item) -> bool:
    kind = shape_of(args.customer_id)
    own = _identifiers(result).get(kind)
    return own is None or canonical(own, kind) != canonical(args.customer_id, kind)


other_holder: Target[IdentifyCustomerArgs] = Target(
    looks=lambda args: [_look_up(*pair) for pair in args.other_identifiers()],
    shown=_shown,
    found=lambda _: (
        "Somebody has the second identifier who is not known by the first: the two may be merged "
        "for good."
    ),
    nothing="",
    unread="Who has the second identifier could not be read before: it may be somebody else's.",
    identity="cio_id",
    is_at_risk=_is_somebody_else,
)
"""Whoever holds an identifier that identify_customer would give to the person."""
