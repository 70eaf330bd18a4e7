"""Reads a call's arguments, and refuses values that JSON cannot hold."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from customerio_tool.errors import FieldProblem, Problem
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.problems import path_of, refuse
from customerio_tool.subtools.declare.wording import kind_of

MAX_DEPTH = 64
"""Levels of nesting that arguments may have."""

MAX_NUMBER_BITS = 1024
"""Bits that an integer may have. A float overflows at this size, so 10**400 and 1e400 both fail."""

MAX_VALUES = 250_000
"""Values, at any depth, that the arguments of one call may have. The largest call of Customer.io, a
broadcast to 10,000 people with data of their own, has fewer; a million would take seconds."""

_TOO_DEEP = (f"holds more than {MAX_DEPTH} levels of nesting", "flatten it")
_NOT_AN_OBJECT_FIX = "send one JSON object holding the arguments"


def read(arguments: Mapping[str, Any] | str | bytes | None) -> dict[str, Any]:
    """Return a call's arguments as plain JSON values.

    Args:
        arguments: A mapping or JSON text; None and a blank text mean no arguments.

    Raises:
        ArgumentsInvalid: The arguments are not a JSON object, have a key twice, are nested deeper
            than 64 levels, or hold a value that JSON cannot (a non-finite number, half a
            surrogate pair).
    """
    found = _at_a_glance(arguments) if isinstance(arguments, (str, bytes)) else None
    return _read_with_care(arguments) if found is None else found


def _read_with_care(arguments: Mapping[str, Any] | str | bytes | None) -> dict[str, Any]:
    try:
        if isinstance(arguments, (str, bytes)):
            _refuse_too_many_opened(arguments)
        value = _read_text(arguments) if isinstance(arguments, (str, bytes)) else arguments
        _refuse_too_many(value)
        plain = plain_json({} if value is None else value)
    except Problem as found:
        field = found.of(path_of(found.path))
    else:
        if isinstance(plain, dict):
            return plain
        field = FieldProblem("arguments", f"is {kind_of(plain)}", _NOT_AN_OBJECT_FIX)
    return refuse([field])


class _NotPlain(Exception):
    """A text that must be read with care."""


def _plain_number(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise _NotPlain
    return number


def _plain_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _NotPlain
    return members


def _plain_whole(text: str) -> int:
    if len(text) > _MAX_GLANCED_DIGITS:
        raise _NotPlain
    return int(text)


_MAX_GLANCED_DIGITS = 300
_GLANCE = json.JSONDecoder(
    object_pairs_hook=_plain_members,
    parse_float=_plain_number,
    parse_int=_plain_whole,
    parse_constant=_plain_number,
)
_HALF = pattern(r"\\u[dD][89a-fA-F]")
"""The escape of half of a surrogate pair; the other half may be missing."""


def _at_a_glance(text: str | bytes) -> dict[str, Any] | None:
    """Return the object of a text of which a few looks tell that it is sound; None for any other.

    Its values are then plain already: each number is finite and short, no character is half of a
    pair, and there are too few brackets and characters for too many levels or values.
    """
    try:
        given = text.decode() if isinstance(text, bytes) else text
        is_flat = given.count("{") + given.count("[") <= MAX_DEPTH and len(given) <= MAX_VALUES
        if not is_flat or ("\\u" in given and _HALF.search(given)):
            return None
        given.encode()
        found = _GLANCE.decode(given)
    except (_NotPlain, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read_text(text: str | bytes) -> Any:
    """Return the value of a JSON text, also if it is encoded twice; a blank one has no value."""
    if not text.strip():
        return None
    value = parse(text)
    return parse(value) if isinstance(value, str) and value.lstrip().startswith("{") else value


_TOO_MANY = (f"hold more than {MAX_VALUES:,} values", "send less in one call")
_SCALARS = frozenset((str, int, float, bool, type(None)))


def _refuse_too_many_opened(text: str | bytes) -> None:
    """Refuse a text with too many brackets before it is parsed, which would take seconds."""
    brackets = (b"[", b"{") if isinstance(text, bytes) else ("[", "{")
    if sum(map(text.count, brackets)) > MAX_VALUES:  # type: ignore[arg-type]  # of one type
        raise Problem(*_TOO_MANY)


def _refuse_too_many(value: Any) -> None:
    """Count the values without recursion, and stop at the limit."""
    waiting, count = [value], 0
    while waiting:
        inside = waiting.pop()
        members = inside.values() if isinstance(inside, Mapping) else inside
        if isinstance(inside, (Mapping, list, tuple)):
            count += len(inside)
            if count > MAX_VALUES:
                raise Problem(*_TOO_MANY)
            waiting += [each for each in members if type(each) not in _SCALARS]


def parse(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    NaN and the infinities are accepted, so that `plain_json` can report their path.

    Raises:
        Problem: The text is not JSON, is nested too deeply, or has a key twice.
    """
    problem, fix = "is not valid JSON", "check its quotes and brackets"
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except Problem:
        raise
    except RecursionError:
        problem, fix = _TOO_DEEP
    except ValueError:
        pass
    raise Problem(problem, fix)


def plain_json(value: Any, path: tuple[str | int, ...] = (), *, depth: int = 0) -> Any:
    """Return a copy of a value, made of dicts, lists and scalars.

    Args:
        value: The value to copy.
        path: The path of the value within the arguments.
        depth: The number of levels around the value.

    Raises:
        Problem: JSON cannot hold the value, or it is nested deeper than 64 levels.
    """
    if depth > MAX_DEPTH:
        outer = depth - len(path)  # levels that are not in the path: those around a JSON text
        where = () if outer else path[:1]
        raise Problem(*_TOO_DEEP, *(name for name in where if isinstance(name, str)))
    if type(value) in _SCALARS:
        return _scalar(value, path)
    if type(value) is list and _are_encodable(value):
        return value.copy()
    if isinstance(value, Mapping):
        return {
            _key(name, path): plain_json(item, (*path, name), depth=depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain_json(item, (*path, i), depth=depth + 1) for i, item in enumerate(value)]
    return _scalar(value, path)


def _are_encodable(values: list[Any]) -> bool:
    """Whether values are all texts that UTF-8 can encode."""
    if not values or set(map(type, values)) != {str}:
        return False
    try:
        "".join(values).encode()
    except UnicodeEncodeError:  # two halves side by side are none of UTF-8's either
        return False
    return True


def _scalar(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, str):
        return _encodable(value, path)
    if isinstance(value, float) and not math.isfinite(value):
        raise Problem("is not a finite number", "send a finite number", *path)
    if type(value) is int and value.bit_length() > MAX_NUMBER_BITS:
        raise Problem("is a number of more than 300 digits", "send it as a string", *path)
    if value is None or type(value) in (bool, int, float):
        return value
    raise Problem(f"is a Python {type(value).__name__}", "send a JSON value", *path)


def _encodable(text: str, path: tuple[str | int, ...]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    raise Problem("holds half of a surrogate pair", "send valid Unicode text", *path)


def _key(name: object, path: tuple[str | int, ...]) -> str:
    if not isinstance(name, str):
        fix = "name every member with a string"
        raise Problem("has a name that is not a string", fix, *path)
    return _encodable(name, path)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Problem("is given twice", "give each name once", twice)
    return members
