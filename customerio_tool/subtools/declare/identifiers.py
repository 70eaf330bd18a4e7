"""What kind of identifier a person's id is, and how an event's id is made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Iterable
from typing import Literal, TypeAlias, TypeVar

T = TypeVar("T")

IdType: TypeAlias = Literal["id", "email", "cio_id"]

CIO_PREFIX = "cio_"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(rf"[0-7][{_CROCKFORD}]{{25}}", re.ASCII | re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_LEAST = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "cio_id": re.compile(r"[A-Za-z0-9]+")}
"""What an identifier of a type has at the very least; anything may be an id."""


def shape_of(identifier: str) -> IdType:
    """Return the type that an identifier has by its shape: `cio_…`, an e-mail address, else an id.

    Customer.io's Track API infers the type of a path value the same way; a phone number is an id.
    """
    if identifier.startswith(CIO_PREFIX):
        return "cio_id"
    return "email" if _EMAIL.fullmatch(identifier) else "id"


def is_address(text: str) -> bool:
    """Tell whether a text looks like one bare e-mail address, and not like a link to one."""
    return shape_of(text) == "email" and not text.lower().startswith("mailto:")


def may_be(identifier: str, id_type: str) -> bool:
    """Tell whether an identifier can be of a type that is named beside it.

    Looser than its shape: `ada@intranet` looks like an id, and may be called an e-mail address.
    The Track specification gives a cio_id letters and digits only.
    """
    least = _LEAST.get(id_type)
    return least is None or least.fullmatch(bare(identifier, id_type)) is not None


def bare(identifier: str, id_type: str) -> str:
    """Return the identifier as request bodies carry it: a `cio_id` without its prefix."""
    return identifier.removeprefix(CIO_PREFIX) if id_type == "cio_id" else identifier


def canonical(identifier: str, id_type: str) -> tuple[str, str]:
    """Return what is the same for two identifiers of one person: e-mail ignores case (ID page).

    Case is not folded further: `strasse@` and `straße@` are two addresses.
    """
    value = bare(identifier, id_type)
    return id_type, value.lower() if id_type == "email" else value


def distinct(identifiers: Iterable[str], id_type: str) -> list[str]:
    """Return each identifier of one type once, in the order and spelling of its first mention."""
    return first_of_each(identifiers, lambda one: canonical(one, id_type))


def first_of_each(items: Iterable[T], key: Callable[[T], Hashable]) -> list[T]:
    """Return the first item of each key, in their order."""
    seen: dict[Hashable, T] = {}
    for item in items:
        seen.setdefault(key(item), item)
    return list(seen.values())


def is_ulid(text: str) -> bool:
    """Tell whether a text is a ULID in either case: 26 Crockford base-32 digits, the first ≤ 7."""
    return _ULID.fullmatch(text) is not None


def ulid(unix_seconds: float, entropy: bytes) -> str:
    """Make a ULID from a time and 10 random bytes (https://github.com/ulid/spec)."""
    milliseconds = int(unix_seconds * 1000)
    return _encode(milliseconds << 80 | int.from_bytes(entropy[:10], "big"))


def hashed_ulid(*parts: str) -> str:
    """Make the one ULID that stands for these texts, on any machine and at any time.

    Customer.io requires the format of a ULID and does not use its time part (vendor staff on the
    vendor's forum, March 2023).
    """
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return _encode(int.from_bytes(digest[:16], "big"))


def _encode(number: int) -> str:
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
