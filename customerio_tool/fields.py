"""Argument types that several subtools share, each with its limits; limits in bytes are UTF-8.

Limits are Customer.io's own (https://docs.customer.io/integrations/api/track/ and …/app/). What an
LLM sends in the wrong JSON type but plainly means (a number or an object as text) is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from customerio_tool.arguments import NotJson, kind_of, parse, plain_json
from customerio_tool.identifiers import shape_of

MAX_ID_BYTES = 150
MAX_NAME_BYTES = 100
MAX_EVENT_DATA_BYTES = 100_000
MAX_SEGMENT_IDS = 1000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DIGITS = re.compile(r"[+-]?\d{1,20}")
_NUMBER = re.compile(r"\d{1,14}(\.\d{1,9})?")
_MILLISECONDS_FROM = 100_000_000_000


def wrong(problem: str, fix: str, at: str = "", *, inside: str = "") -> PydanticCustomError:
    """Make the error that a validator raises.

    Args:
        problem: What is wrong, as the rest of a sentence that begins with the path.
        fix: What would be right.
        at: The whole path of what is wrong, where it is not the validated value itself.
        inside: Its path within the validated value.
    """
    context = {"problem": problem, "fix": fix, "at": at, "inside": inside}
    return PydanticCustomError("teaching", "{problem}; {fix}", context)


def size_of(value: Any) -> int:
    """Return the bytes of a value as Customer.io counts them: a text's own, else its JSON's."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return len(text.encode())


def at_most(limit: int, what: str = "it") -> Callable[[Any], Any]:
    """Make a validator which refuses values of more than `limit` bytes."""

    def check(value: Any) -> Any:
        if (size := size_of(value)) > limit:
            raise wrong(f"is {size:,} bytes long", f"{what} may have at most {limit:,} bytes")
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
        try:
            return plain_json(parse(value), "", 1)
        except NotJson as found:
            unreadable = found
        raise wrong(unreadable.problem, unreadable.fix, inside=unreadable.path)

    return read


def _number_as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def not_blank(text: str) -> str:
    """Refuse a text without any visible character."""
    if not text.strip():
        raise wrong("is blank", "give a text, or leave the argument out")
    return text


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise wrong("holds a control character or line break", "send one line of plain text")
    return text


def _no_controls(text: str) -> str:
    if _CONTROL_IN_TEXT.search(text):
        raise wrong("holds a control character", "remove it")
    return text


def _exact(text: str) -> str:
    """Refuse an identifier with white space at its ends: to trim it would name another thing."""
    if text != text.strip():
        raise wrong("begins or ends with white space", "send it exactly as stored, without spaces")
    return text


def segment_of_path(text: str) -> str:
    """Refuse what cannot be one segment of a URL's path, however often it is decoded.

    `requests` resolves `..` and `%2e%2e` inside a path, so that encoding is no defence.
    """
    decoded = text
    for _ in range(3):
        if decoded in (".", ".."):
            raise wrong("is a dot segment of a path", "send the identifier itself")
        decoded = unquote(decoded)
    return text


def email(text: str) -> str:
    """Refuse what does not look like one bare e-mail address."""
    if shape_of(text) != "email":
        raise wrong("is not an e-mail address", "send one such as ada@example.com")
    return text


def _person(identifier: str) -> str:
    if shape_of(identifier) != "email":
        at_most(MAX_ID_BYTES, "a person's id")(identifier)
    return identifier


def unix_seconds(value: Any) -> Any:
    """Read an ISO 8601 time (no zone = UTC) or Unix seconds or milliseconds as Unix seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _seconds(float(value))
    if not isinstance(value, str):
        raise wrong(f"is {kind_of(value)}", "send an ISO 8601 time or Unix seconds, as a string")
    text = value.strip()
    return _seconds(float(text)) if _NUMBER.fullmatch(text) else _iso_seconds(text)


def located(check: Callable[[Any], Any], value: Any, where: str) -> Any:
    """Return `check(value)`; where it is refused, name `where` as the path of what is wrong."""
    try:
        return check(value)
    except PydanticCustomError as error:
        found = error.context or {}
    raise wrong(found["problem"], found["fix"], where)


def _seconds(number: float) -> int:
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    if not 0 <= seconds < _MILLISECONDS_FROM:
        raise wrong("is no time in Unix seconds", "send seconds since 1970, at most 11 digits")
    return int(seconds)


def _iso_seconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(_iso_for_python_3_10(text))
    except ValueError:
        moment = None
    if moment is None:
        raise wrong("is not a time", "send ISO 8601 such as 2026-11-23T12:00:00Z, or Unix seconds")
    return _seconds((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())


def iso_time(seconds: float) -> str:
    """Write Unix seconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso_for_python_3_10(text: str) -> str:
    """Spell Z as an offset and a fraction in six digits, which Python 3.10 asks for."""
    text = re.sub(r"[zZ]$", "+00:00", text)
    text = re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text)
    return re.sub(r"([+-]\d{2})(\d{2})?$", _colon_in_offset, text) if "T" in text else text


def _colon_in_offset(found: re.Match[str]) -> str:
    return f"{found[1]}:{found[2] or '00'}"


def _members(value: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in value:
        if not name.strip():
            raise wrong("has a blank name", "name every member")
    return value


def texts_of(where: str) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """Make a validator which turns the numbers and booleans of an object into text."""

    def check(values: Mapping[str, Any]) -> dict[str, str]:
        return {name: _text(value, f"{where}.{name[:40]}") for name, value in values.items()}

    return check


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise wrong(f"is {kind_of(value)}", "send a string, number or boolean", where)


Text: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(not_blank), AfterValidator(_no_controls)
]
"""Text that may have several lines."""

Line: TypeAlias = Annotated[
    str, Field(strict=True), AfterValidator(not_blank), AfterValidator(_one_line)
]
"""Text of one line, as a header, a name or an address must be."""

Identifier: TypeAlias = Annotated[Line, AfterValidator(_exact), BeforeValidator(_number_as_text)]
"""A line which a model may send as a number; digits stay digits, and nothing is trimmed."""

EmailAddress: TypeAlias = Annotated[Line, AfterValidator(email)]
"""What looks like one bare e-mail address."""

PathText: TypeAlias = Annotated[Identifier, AfterValidator(segment_of_path)]
"""An identifier that is sent as one segment of the path, or names a thing elsewhere in full."""

PersonId: TypeAlias = Annotated[PathText, AfterValidator(_person)]
"""A person's id, e-mail address or `cio_…`; an id has at most 150 bytes."""

whole_number = BeforeValidator(_whole)
"""Let a whole number arrive as text; it stands behind the bounds, as JSON Schema shows these."""

ObjectId: TypeAlias = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1), whole_number]
"""The number of a segment, campaign, broadcast or the like."""

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
