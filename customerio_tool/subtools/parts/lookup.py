"""How the App API looks a person up: by the type that the caller gives, or by the shape."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from customerio_tool.subtools.declare import FoundThrough, canonical, shape_of, visible

LookupType: TypeAlias = Literal["id", "email", "cio_id", "phone"]
"""The types of identifier by which the App API finds a person."""


def kind_of_person(customer_id: str, id_type: LookupType | None) -> str:
    """Return the type of identifier by which Customer.io looks a person up."""
    return id_type or shape_of(customer_id)


def looked_up_hint(customer_id: str, id_type: LookupType | None) -> str:
    """Return a sentence on the type by which nobody was found, and on another one to try."""
    kind = kind_of_person(customer_id, id_type)
    if id_type is not None:
        return f"It was looked up as {kind}, as id_type says: ask the user whether that is right."
    other = _other_kind(customer_id, kind)
    return f"It was looked up as {kind}, by its shape; try id_type='{other}' if it is one."


def person_hint(args: Any) -> str:
    """Return the same for a call's arguments; "" if they name no person."""
    return "" if args.customer_id is None else looked_up_hint(args.customer_id, args.id_type)


def _found_hint(args: Any) -> str:
    hint = person_hint(args)
    return hint and f"{hint} find_customers finds people by address or attributes."


person_through: FoundThrough[Any] = FoundThrough("find_customers", _found_hint)
"""The advice for a person who was not found, where find_customers may run."""


def names_another(customer_id: str, id_type: LookupType | None, found: Sequence[Any]) -> bool:
    """Return whether a reply names somebody else than the person who was looked up.

    Args:
        customer_id: The identifier by which the person was looked up.
        id_type: Its type; None means the type that its form suggests.
        found: The identifiers of that type in the reply; an empty sequence names nobody.
    """
    kind = kind_of_person(customer_id, id_type)
    wanted = _plain(customer_id, kind)
    return bool(found) and not any(_plain(each, kind) == wanted for each in found)


def _plain(identifier: Any, kind: str) -> str | None:
    """Return an identifier in the form for comparisons; None if it is no text and no number."""
    if isinstance(identifier, bool) or not isinstance(identifier, (str, int)):
        return None
    text = unicodedata.normalize("NFC", visible(str(identifier)))
    if kind == "phone":
        return "".join(filter(str.isdigit, text))
    return canonical(text, kind)[1]


def _other_kind(customer_id: str, kind: str) -> str:
    if kind != "id":
        return "id"
    if "@" in customer_id:
        return "email"
    return "phone" if customer_id.startswith("+") else "cio_id"
