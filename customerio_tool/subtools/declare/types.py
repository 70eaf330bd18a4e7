"""Types and validators of arguments that several subtools share.

The limits are Customer.io's (https://docs.customer.io/integrations/api/track/ and …/app/); bytes
are those of UTF-8. Models send some values in the wrong JSON type, such as a number or an object as
text; the types accept these where the meaning is clear.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Set
from functools import cache
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

from customerio_tool.errors import Problem
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.addresses import (
    bare_address,
    listed,
)
from customerio_tool.subtools.declare.characters import (
    CONTROL,
    HIGH_CONTROL,
    RETURN,
    SEPARATOR,
    TAB_AND_LINE_FEED,
    has_hidden_edge,
    visible,
)
from customerio_tool.subtools.declare.glance import address_at_a_glance
from customerio_tool.subtools.declare.json_input import parse, plain_json
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.subtools.declare.marks import IDENTIFIES
from customerio_tool.subtools.declare.placeholders import Blank, Placeholder, is_placeholder
from customerio_tool.subtools.declare.reading import base_of
from customerio_tool.subtools.declare.times import unix_seconds
from customerio_tool.subtools.declare.wording import kind_of, shown

MAX_ID_BYTES = 150
MAX_IDENTIFIER_BYTES = 1000
"""Bytes of an identifier for which Customer.io states no limit; this limit is ours."""

MAX_NAME_BYTES = 100
MAX_EVENT_DATA_BYTES = 100_000
MAX_SEGMENT_IDS = 1000

_CONTROL = pattern(f"[{CONTROL}{RETURN}{TAB_AND_LINE_FEED}{HIGH_CONTROL}{SEPARATOR}]")
_CONTROL_IN_TEXT = pattern(f"[{CONTROL}]")
_MAX_EXACT = 2**53
"""Below this size, every whole number is a float of its own."""

_DIGITS = pattern(r"[+-]?\d{1,20}(?:\.0+)?", re.ASCII)


def size_of(value: Any) -> int:
    """Return the size in bytes of a text, or of the compact JSON of any other value."""
    if not isinstance(value, str):
        value = compact(value)
    return len(value.encode())


def is_within(value: Any, limit: int) -> bool:
    """Return whether a value has at most `limit` bytes, as `size_of` counts; most need no count."""
    # A character of Python's form is at most six bytes of JSON, as `\u0000` is.
    return 6 * len(repr(value)) <= limit or size_of(value) <= limit


def at_most(limit: int, noun: str = "a value") -> Callable[[Any], Any]:
    """Return a validator that refuses values of more than `limit` bytes; `noun` names the value."""

    def check(value: Any) -> Any:
        if not is_within(value, limit):
            problem = f"is {size_of(value):,} bytes long"
            raise Problem(problem, f"send {noun} of at most {limit:,} bytes")
        return value

    return check


def _whole(value: Any) -> Any:
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def boolean(value: Any) -> Any:
    """Return the boolean for the text true or false, in any case; return other values unchanged."""
    words = {"true": True, "false": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def nfc(value: Any) -> str:
    """Return a text in which an accent is composed with its letter, for comparisons."""
    return unicodedata.normalize("NFC", str(value))


def _from_text(opening: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not (isinstance(value, str) and value.lstrip().startswith(opening)):
            return value
        return plain_json(parse(value), depth=1)

    return read


_array_from_json = _from_text("[")


def _array(value: Any) -> Any:
    try:
        return _array_from_json(value)
    except Problem:
        if (found := listed(value)) is None:
            raise
    return plain_json(found, depth=1)


def only_entry(value: Any) -> Any:
    """Return the only entry of a list that is written as text; return other values unchanged.

    Raises:
        Problem: The list has several entries.
    """
    entries = listed(value) if isinstance(value, str) else None
    if not entries:
        return value
    if len(entries) > 1:
        raise Problem(f"has {len(entries)} entries", "give one")
    return entries[0]


def number_as_text(value: Any) -> Any:
    """Return a whole number as text; return other values unchanged."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if type(value) is int else value


def only_members(given: Mapping[str, Any], members: Set[str], fix: str, *where: str | int) -> None:
    """Refuse an object with a member that is not in `members`; `where` is the object's path."""
    if unknown := sorted(given.keys() - members):
        raise Problem(f"holds an unknown member {shown(unknown[0])!r}", fix, *where)


def not_blank(text: str) -> str:
    """Refuse a text that is empty or only white space."""
    if not text.strip():
        raise Blank("is blank", "give a text")
    return text


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise Problem("holds a control character or line break", "send one line of plain text")
    return text


def _no_controls(text: str) -> str:
    if _CONTROL_IN_TEXT.search(text):
        raise Problem("holds a control character", "remove it")
    return text


def exact(text: str) -> str:
    """Refuse an identifier with characters that do not show, or that is too long.

    It is not trimmed, because the trimmed text may be the identifier of something else.
    """
    if has_hidden_edge(text):
        found = "begins or ends with white space or an invisible character"
        raise Problem(found, "send it without them")
    if visible(text) != text:
        raise Problem("holds an invisible character", "send it as it shows, without that")
    return str(at_most(MAX_IDENTIFIER_BYTES, "an identifier")(text))


def _real(value: Any, info: ValidationInfo) -> Any:
    """Refuse a placeholder such as `<nil>`, before anything else is said of its form."""
    if isinstance(value, str) and is_placeholder(value, info.field_name or ""):
        raise Placeholder
    return value


def segment_of_path(text: str) -> str:
    """Refuse a text that is a dot segment (`.` or `..`) of a URL's path, even if encoded twice.

    To encode the text is no defence, because `requests` also resolves `%2e%2e` in a path.
    """
    decoded = text
    for _ in range(3):
        if decoded in (".", ".."):
            raise Problem("is a dot segment of a path", "send the identifier itself")
        decoded = unquote(decoded)
    return text


def _named_members(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in value:
        if not name.strip():
            raise Problem("has a blank name", "name every member")
    return value


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return an object with its numbers and booleans as text; refuse other values than these."""
    return {name: text_of(value, name) for name, value in values.items()}


def text_of(value: Any, *where: str | int) -> str:
    """Return a string, number or boolean as text, in the form of attribute values.

    Raises:
        Problem: The value has another type; `where` is the value's path.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT:
        return str(int(value))  # in JSON, 1.0 is 1
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Problem(f"is {kind_of(value)}", "send a string, number or boolean", *where)


Text: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(not_blank), AfterValidator(_no_controls)
]
"""A text of one or more lines."""

Line: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(not_blank), AfterValidator(_one_line)
]
"""A text of one line, such as a header, a name or an address."""

Name: TypeAlias = Annotated[Line, AfterValidator(exact), BeforeValidator(_real), IDENTIFIES]
"""A line that names one thing; no placeholder, and never trimmed."""

Identifier: TypeAlias = Annotated[Name, BeforeValidator(number_as_text)]
"""A line that a model may also send as an integer; no placeholder, and never trimmed."""

EmailAddress: TypeAlias = Annotated[
    Line,
    AfterValidator(exact),
    AfterValidator(bare_address),
    BeforeValidator(_real),
    BeforeValidator(only_entry),
    address_at_a_glance,
    IDENTIFIES,
]
"""One bare e-mail address, which a model may also send as the only entry of a list in text."""


def validator_of(kind: Any) -> Callable[[Any], Any]:
    """Return the function that validates a value of a type; it is built at the first value."""

    @cache
    def built() -> Callable[[Any], Any]:
        from pydantic import TypeAdapter  # most calls need none

        return TypeAdapter(kind).validate_python

    def validate(value: Any) -> Any:
        return built()(value)

    return validate


as_email: Callable[[Any], Any] = validator_of(EmailAddress)

PathText: TypeAlias = Annotated[Identifier, AfterValidator(segment_of_path)]
"""An identifier that can be one segment of a URL's path."""

as_identifier: Callable[[Any], Any] = validator_of(Identifier)
"""Validate an identifier inside an object; see `located`."""

as_path_text: Callable[[Any], Any] = validator_of(PathText)

whole_number = BeforeValidator(_whole)
"""Accept an integer as text or float. Put it after the bounds, or JSON Schema lacks the bounds."""

ObjectId: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1), whole_number]
"""The number of a segment, campaign, broadcast or the like."""

SegmentNumber: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), whole_number]
"""The number of a segment, which is an int32 in both specifications."""

as_segment_number: Callable[[Any], Any] = validator_of(SegmentNumber)

Flag: TypeAlias = Annotated[bool, BeforeValidator(boolean), Field(strict=True)]

JsonObject: TypeAlias = Annotated[
    dict[str, Any],
    BeforeValidator(_from_text("{")),
    AfterValidator(_named_members),
    Field(strict=True),
]
"""An object, which a model may also send as JSON text."""

json_object = _from_text("{")
"""Return the object of a JSON text; return other values unchanged."""


def opened(args: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments, with each object that was given as JSON text."""
    return {
        name: _object_of(value)
        if (argument := args.model_fields.get(name)) and base_of(argument) is dict
        else value
        for name, value in given.items()
    }


def _object_of(value: Any) -> Any:
    try:
        return json_object(value)
    except Problem:
        return value


def as_array(value: Any) -> Any:
    """Return the array of a JSON text, with its objects; return other values unchanged."""
    read = _array(value)
    return [json_object(each) for each in read] if isinstance(read, list) else read


json_array = BeforeValidator(_array)
"""Accept an array as JSON text, or as Python shows a list."""

json_objects = BeforeValidator(as_array)
"""Accept an array of objects as JSON text, and each of the objects as JSON text."""

Time: TypeAlias = Annotated[int, BeforeValidator(unix_seconds), WithJsonSchema({"type": "string"})]
"""A time: a string in the JSON Schema, whole Unix seconds in the typed arguments."""

EventName: TypeAlias = Annotated[
    Line,
    AfterValidator(str.strip),
    AfterValidator(at_most(MAX_NAME_BYTES, "an event's name")),
    AfterValidator(exact),
    WithJsonSchema({"type": "string", "maxLength": MAX_NAME_BYTES}),
]

EventData: TypeAlias = Annotated[JsonObject, AfterValidator(at_most(MAX_EVENT_DATA_BYTES, "data"))]
