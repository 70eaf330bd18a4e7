"""How the App API looks a person up: by the type that the caller gives, or by the shape."""

from __future__ import annotations

from typing import Literal, TypeAlias

from customerio_tool.subtools.declare import shape_of

LookupType: TypeAlias = Literal["id", "email", "cio_id", "phone"]
"""The types of identifier by which the App API finds a person."""


def kind_of_person(customer_id: str, id_type: LookupType | None) -> str:
    """Return the type of identifier by which Customer.io looks a person up."""
    return id_type or shape_of(customer_id)


def looked_up_hint(customer_id: str, id_type: LookupType | None) -> str:
    """Return a sentence on the type by which nobody was found, and on another one to try."""
    kind = kind_of_person(customer_id, id_type)
    if id_type is not None:
        return f"It was looked up as {kind}, as id_type says."
    other = _other_kind(customer_id, kind)
    return f"It was looked up as {kind}, by its shape; try id_type='{other}' if it is one."


def _other_kind(customer_id: str, kind: str) -> str:
    if kind != "id":
        return "id"
    if "@" in customer_id:
        return "email"
    return "phone" if customer_id.startswith("+") else "cio_id"
