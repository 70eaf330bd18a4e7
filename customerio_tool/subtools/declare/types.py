"""Argument types that several subtools share, each with its limits; limits in bytes are UTF-8.

Limits are Customer.io's own (https://docs.customer.io/integrations/api/track/ and …/app/). What an
LLM sends in the wrong JSON type but plainly means (a number or an object as text) is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WithJsonSchema

from customerio_tool.errors import Problem
from customerio_tool.subtools.declare.characters import (
    BIDI,
    CONTROL,
    HIGH_CONTROL,
    RETURN,
    SEPARATOR,
    SOFT_HYPHEN,
    TAB_AND_LINE_FEED,
    ZERO_WIDTH,
)
from customerio_tool.subtools.declare.identifiers import CIO_PREFIX, is_address, may_be, shape_of
from customerio_tool.subtools.declare.json_input import parse, plain_json
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.subtools.declare.times import unix_seconds
from customerio_tool.subtools.declare.wording import kind_of, shown

MAX_ID_BYTES = 150
MAX_NAME_BYTES = 100
MAX_EVENT_DATA_BYTES = 100_000
MAX_SEGMENT_IDS = 1000

_NOT_SHOWN = rf"[\s{SOFT_HYPHEN}{ZERO_WIDTH}{BIDI}]"
_HIDDEN_EDGE = re.compile(f"^{_NOT_SHOWN}|{_NOT_SHOWN}$")
_CONTROL = re.compile(f"[{CONTROL}{RETURN}{TAB_AND_LINE_FEED}{HIGH_CONTROL}{SEPARATOR}]")
_DRESSED_EMAIL = re.compile(r"^mailto:|<[^<>\s]+@[^<>\s]+>$", re.IGNORECASE)
"""An address as a mail's header or a link holds it; as an identifier it would make a new person."""
_CONTROL_IN_TEXT = re.compile(f"[{CONTROL}]")
_DIGITS = re.compile(r"[+-]?\d{1,20}")


def size_of(value: Any) -> int:
    """Return the bytes of a value as it is sent: a text's own, else those of its compact JSON."""
    if not isinstance(value, str):
        value = compact(value)
    return len(value.encode())


def at_most(limit: int, what: str = "it") -> Callable[[Any], Any]:
    """Make a validator which refuses values of more than `limit` bytes."""

    def check(value: Any) -> Any:
        if (size := size_of(value)) > limit:
            raise Problem(f"is {size:,} bytes long", f"{what} may have at most {limit:,} bytes")
        return value

    return check


def _whole(value: Any) -> Any:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def boolean(value: Any) -> Any:
    """Take the words true and false for the booleans."""
    words = {"true": True, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _from_text(opening: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not (isinstance(value, str) and value.lstrip().startswith(opening)):
            return value
        return plain_json(parse(value), depth=1)

    return read


def number_as_text(value: Any) -> Any:
    """Take a whole number for the text of its digits."""
    return str(value) if type(value) is int else value


def only_members(given: Mapping[str, Any], members: Set[str], fix: str, *where: str | int) -> None:
    """Refuse an object that holds another member than these; `where` is its path."""
    if unknown := sorted(given.keys() - members):
        raise Problem(f"holds an unknown member {shown(unknown[0])!r}", fix, *where)


def not_blank(text: str) -> str:
    """Refuse a text without any visible character."""
    if not text.strip():
        raise Problem("is blank", "give a text, or leave the argument out")
    return text


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise Problem("holds a control character or line break", "send one line of plain text")
    return text


def _no_controls(text: str) -> str:
    if _CONTROL_IN_TEXT.search(text):
        raise Problem("holds a control character", "remove it")
    return text


def _exact(text: str) -> str:
    """Refuse an identifier whose ends do not show: to trim it would name another thing."""
    if _HIDDEN_EDGE.search(text):
        found = "begins or ends with white space or an invisible character"
        raise Problem(found, "send it exactly as stored, without them")
    return text


def segment_of_path(text: str) -> str:
    """Refuse what cannot be one segment of a URL's path, however often it is decoded.

    `requests` resolves `..` and `%2e%2e` inside a path, so that encoding is no defence.
    """
    decoded = text
    for _ in range(3):
        if decoded in (".", ".."):
            raise Problem("is a dot segment of a path", "send the identifier itself")
        decoded = unquote(decoded)
    return text


def email(text: str) -> str:
    """Refuse what does not look like one bare e-mail address."""
    if not is_address(text):
        raise Problem("is not an e-mail address", "send one such as ada@example.com")
    return text


def _person(identifier: str) -> str:
    if identifier == CIO_PREFIX:
        raise Problem("has nothing after its prefix cio_", "send the whole identifier")
    if _DRESSED_EMAIL.search(identifier):
        raise Problem(
            "holds more than an e-mail address", "send one such as ada@example.com, alone"
        )
    if shape_of(identifier) != "email":
        at_most(MAX_ID_BYTES, "a person's id")(identifier)
    return identifier


def check_type(identifier: str, id_type: str | None, at: str) -> None:
    """Refuse an identifier that cannot be of the type named for it; `at` is its path."""
    if id_type is None or may_be(identifier, id_type):
        return
    shape = "letters and digits" if id_type == "cio_id" else "one such as ada@example.com"
    raise Problem(f"cannot be of type {id_type}", f"send {shape}, or its own type", at)


def _members(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in value:
        if not name.strip():
            raise Problem("has a blank name", "name every member")
    return value


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Turn the numbers and booleans of an object into text."""
    return {name: text_of(value, name) for name, value in values.items()}


def text_of(value: Any, *where: str | int) -> str:
    """Return a text, number or boolean as text, as attributes show it; `where` is its path."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Problem(f"is {kind_of(value)}", "send a string, number or boolean", *where)


Text: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(not_blank), AfterValidator(_no_controls)
]
"""Text that may have several lines."""

Line: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(not_blank), AfterValidator(_one_line)
]
"""Text of one line, as a header, a name or an address must be."""

Identifier: TypeAlias = Annotated[Line, AfterValidator(_exact), BeforeValidator(number_as_text)]
"""A line which a model may send as a number; digits stay digits, and nothing is trimmed."""

EmailAddress: TypeAlias = Annotated[Line, AfterValidator(email)]
"""What looks like one bare e-mail address."""

as_email: Callable[[Any], Any] = TypeAdapter(EmailAddress).validate_python

PathText: TypeAlias = Annotated[Identifier, AfterValidator(segment_of_path)]
"""An identifier that is sent as one segment of the path, or names a thing elsewhere in full."""

PersonId: TypeAlias = Annotated[PathText, AfterValidator(_person)]
"""A person's id, e-mail address or `cio_…`; an id has at most 150 bytes."""

Person: TypeAlias = Annotated[
    PersonId, Field(description="Person's id, email address, or cio_... id.")
]
"""The argument that names whom a call is about."""

as_identifier: Callable[[Any], Any] = TypeAdapter(Identifier).validate_python
"""Check an identifier inside of an object; see `located`."""

as_path_text: Callable[[Any], Any] = TypeAdapter(PathText).validate_python

as_person_id: Callable[[Any], Any] = TypeAdapter(PersonId).validate_python

whole_number = BeforeValidator(_whole)
"""Let a whole number arrive as text; it stands behind the bounds, as JSON Schema shows these."""

ObjectId: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1), whole_number]
"""The number of a segment, campaign, broadcast or the like."""

SegmentNumber: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), whole_number]
"""The number of a segment, which is an int32 in both specifications."""

as_segment_number: Callable[[Any], Any] = TypeAdapter(SegmentNumber).validate_python

Flag: TypeAlias = Annotated[bool, BeforeValidator(boolean), Field(strict=True)]

JsonObject: TypeAlias = Annotated[
    dict[str, Any], BeforeValidator(_from_text("{")), AfterValidator(_members), Field(strict=True)
]

json_array = BeforeValidator(_from_text("["))
"""Let an array arrive as JSON text."""

Time: TypeAlias = Annotated[int, BeforeValidator(unix_seconds), WithJsonSchema({"type": "string"})]
"""A moment, declared to models as a string and held in Unix seconds."""

EventName: TypeAlias = Annotated[
    Line,
    AfterValidator(str.strip),
    AfterValidator(at_most(MAX_NAME_BYTES, "an event's name")),
    WithJsonSchema({"type": "string", "maxLength": MAX_NAME_BYTES}),
]

EventData: TypeAlias = Annotated[JsonObject, AfterValidator(at_most(MAX_EVENT_DATA_BYTES, "data"))]
