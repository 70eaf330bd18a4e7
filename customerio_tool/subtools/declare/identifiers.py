"""Identifiers: the type of a person's identifier, and the ULID of an event."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Literal, TypeAlias, TypeVar

from customerio_tool.patterns import pattern

T = TypeVar("T")

IdType: TypeAlias = Literal["id", "email", "cio_id"]

CIO_PREFIX = "cio_"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = pattern(rf"[0-7][{_CROCKFORD}]{{25}}", re.ASCII | re.IGNORECASE)
_EMAIL = pattern(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PHONE = pattern(r"(?:[a-z]{2,12}:)?\s*(?:\+|%2b)([0-9 ()./\u2010-\u2015-]+)", re.IGNORECASE)
"""A phone number, perhaps with a scheme such as `tel:` in front and marks between its digits."""

_LOOSEST = {"email": pattern(r"[^@\s]+@[^@\s]+"), "cio_id": pattern(r"[A-Za-z0-9]+")}
"""The loosest form that an identifier of each type can have; an id can have any form."""


def shape_of(identifier: str) -> IdType:
    """Return the type that an identifier's form suggests: `cio_…`, an e-mail address, else an id.

    Customer.io's Track API infers the type of an identifier in a path in the same way. A phone
    number counts as an id.
    """
    if identifier.startswith(CIO_PREFIX):
        return "cio_id"
    return "email" if "@" in identifier and _EMAIL.fullmatch(identifier) else "id"


def is_phone(text: str) -> bool:
    """Return whether a text is a phone number with its country code: a plus and 7 to 15 digits."""
    number = _PHONE.fullmatch(unicodedata.normalize("NFKC", text))
    return number is not None and 7 <= len(re.sub(r"\D", "", number[1])) <= 15


def may_be(identifier: str, id_type: str) -> bool:
    """Return whether an identifier can have the type that the caller gave for it.

    The rule is looser than `shape_of`: `ada@intranet` looks like an id but can be an e-mail
    address. A cio_id has only letters and digits (Track specification).
    """
    loosest = _LOOSEST.get(id_type)
    return loosest is None or loosest.fullmatch(bare(identifier, id_type)) is not None


def bare(identifier: str, id_type: str) -> str:
    """Return an identifier in the form for request bodies: a `cio_id` has no prefix there."""
    return identifier.removeprefix(CIO_PREFIX) if id_type == "cio_id" else identifier


def canonical(identifier: str, id_type: str) -> tuple[str, str]:
    """Return a key that is equal for all spellings of one identifier.

    The case of an e-mail address does not matter (Customer.io's page on ids). Lower case is used,
    not case folding: `strasse@` and `straße@` are two addresses.
    """
    value = bare(identifier, id_type)
    return id_type, with_plain_domain(value).lower() if id_type == "email" else value


def with_plain_domain(address: str) -> str:
    """Return an e-mail address whose domain is in lower case and without Punycode (RFC 3492).

    An accented letter is one character, as in Unicode's form NFC.
    """
    local, at, domain = address.rpartition("@")
    if address.isascii() and "xn--" not in domain.lower():
        return f"{local}{at}{domain.lower()}"
    labels = (_plain_label(label) for label in domain.lower().split("."))
    return unicodedata.normalize("NFC", f"{local}{at}{'.'.join(labels)}")


def _plain_label(label: str) -> str:
    try:
        return label[4:].encode().decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def distinct(identifiers: Iterable[str], id_type: str) -> list[str]:
    """Return each identifier once, in its first spelling; all have the type `id_type`."""
    if id_type == "id":  # its spelling is all of it
        return list(dict.fromkeys(identifiers))
    identifiers = list(identifiers)
    together = "".join(identifiers)
    if id_type == "email" and together.isascii() and "xn--" not in together.lower():
        spellings = set(map(str.lower, identifiers))  # these have no other
        if len(spellings) == len(identifiers):
            return identifiers
    return first_of_each(identifiers, partial(canonical, id_type=id_type))


def first_of_each(items: Iterable[T], key: Callable[[T], Hashable]) -> list[T]:
    """Return the first item with each key, in the order given."""
    seen: dict[Hashable, T] = {}
    for item in items:
        seen.setdefault(key(item), item)
    return list(seen.values())


def is_ulid(text: str) -> bool:
    """Return whether a text is a ULID: 26 Crockford base-32 digits in any case, the first ≤ 7."""
    return _ULID.fullmatch(text) is not None


def ulid(unix_seconds: float, entropy: bytes) -> str:
    """Return a ULID made of a Unix time and 10 random bytes (https://github.com/ulid/spec)."""
    milliseconds = int(unix_seconds * 1000)
    return _encode(milliseconds << 80 | int.from_bytes(entropy[:10], "big"))


def hashed_ulid(*parts: str) -> str:
    """Return a ULID that depends on the texts alone: the same on every machine and at any time.

    Customer.io requires the format of a ULID but ignores the time in it (Customer.io's staff on
    its forum, March 2023).
    """
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return _encode(int.from_bytes(digest[:16], "big"))


_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


def _encode(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
