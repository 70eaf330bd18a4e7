"""Types of people's identifiers, and the checks of their forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from customerio_tool.errors import Problem
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.addresses import bare_address, is_like_an_address
from customerio_tool.subtools.declare.glance import is_sound_address, sound_at_a_glance
from customerio_tool.subtools.declare.identifiers import CIO_PREFIX, is_phone, may_be, shape_of
from customerio_tool.subtools.declare.marks import AlsoCalled
from customerio_tool.subtools.declare.problems import located
from customerio_tool.subtools.declare.types import MAX_ID_BYTES, PathText, at_most, validator_of

_DECORATED_EMAIL = pattern(r"^mailto:|<[^<>\s]+@[^<>\s]+>$", re.IGNORECASE)
"""An address in the form of a mail header or a link; as an identifier it would create a person."""


def _person(identifier: str) -> str:
    if identifier == CIO_PREFIX:
        raise Problem("has nothing after its prefix cio_", "send the whole identifier")
    if identifier.startswith(CIO_PREFIX) and not may_be(identifier, "cio_id"):
        raise Problem("is not a cio_ id", "send letters and digits alone after cio_")
    if _DECORATED_EMAIL.search(identifier):
        raise Problem(
            "holds more than an e-mail address", "send one such as ada@example.com, alone"
        )
    if shape_of(identifier) != "email":
        at_most(MAX_ID_BYTES, "a person's id")(identifier)
    return identifier


def well_shaped(identifier: str) -> str:
    """Refuse an identifier that is shaped as an e-mail address and is none."""
    if is_sound_address(identifier) or identifier.startswith(CIO_PREFIX):
        return identifier
    return bare_address(identifier) if is_like_an_address(identifier) else identifier


_PHONE = "is a phone number, by which this call finds nobody"
_PHONE_FIX = (
    "find the person with get_customer_attributes and id_type='phone' ('id' if it is their id), "
    "and send the cio_id that it shows, with cio_ before it"
)


def no_phone(identifier: str) -> str:
    """Refuse a phone number, which Customer.io would take for the id of a new person."""
    if is_phone(identifier):
        raise Problem(_PHONE, _PHONE_FIX)
    return identifier


CANNOT_BE = "cannot be of type"
"""Begins the problem of an identifier whose form contradicts the type given for it."""


def check_type(
    identifier: str, id_type: str | None, *where: str | int, finds_phones: bool = False
) -> None:
    """Refuse an identifier that cannot have the given type, or the one that its shape suggests.

    Args:
        identifier: The identifier.
        id_type: The type that the caller gives; None for that of the shape.
        where: The path of the identifier within the arguments.
        finds_phones: Whether the call's own answer tells of the type for phone numbers.

    Raises:
        Problem: The identifier is refused.
    """
    if id_type is None:
        located(well_shaped, identifier, *where)
        if not finds_phones:
            located(no_phone, identifier, *where)
    elif not may_be(identifier, id_type):
        shape = "letters and digits" if id_type == "cio_id" else "one such as ada@example.com"
        fix = f"leave {_type_argument(*where)} out, or send {shape}"
        raise Problem(f"{CANNOT_BE} {id_type}", fix, *where)
    elif id_type == "email":
        located(partial(bare_address, needs_dot=False), identifier, *where)


def _type_argument(argument: str | int = "customer_id", *_: str | int) -> str:
    """Return the name of the argument with the type of an identifier in another argument."""
    is_own = isinstance(argument, str) and argument in ("primary_id", "secondary_id")
    return f"{argument}_type" if is_own else "id_type"


PersonId: TypeAlias = Annotated[PathText, AfterValidator(_person), sound_at_a_glance]
"""A person's id, e-mail address or `cio_…`; an id has at most 150 bytes. See `check_type`."""

WellShapedId: TypeAlias = Annotated[PersonId, AfterValidator(well_shaped), sound_at_a_glance]
"""A person's identifier; what is shaped as an e-mail address is one."""

PERSON_NAMES = AlsoCalled(
    *("id", "email", "email_address", "user_id", "person_id", "contact_id", "profile_id"),
    *("customer", "user", "person", "contact", "identifier", "cio_id"),
    *("customer_email", "user_email"),
)
"""Names by which models give the person that a call is about."""

PEOPLE_NAMES = AlsoCalled(
    *("ids", "customers", "user_ids", "users", "people", "person_ids", "members", "identifiers"),
    *("customer_id", "user_id", "customer", "user", "person"),
)
"""Names by which models give several people."""

Person: TypeAlias = Annotated[
    WellShapedId,
    AfterValidator(no_phone),
    sound_at_a_glance,
    Field(description="Id, email, or cio_... id."),
    PERSON_NAMES,
]
"""The argument that identifies the person that a call is about."""

as_well_shaped_id: Callable[[Any], Any] = validator_of(WellShapedId)
