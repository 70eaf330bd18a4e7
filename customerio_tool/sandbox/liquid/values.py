"""Liquid's values as text, as numbers and as lists, in the way of the vendor's language."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from liquid import Undefined

from .steps import NotRendered

LARGEST = 1024**2
"""The most characters of a text that is made."""

MOST = 10_000
"""The most items of a range."""

_SAFE = 2**53


class Missing(Undefined):
    """An attribute that is not there: only a condition and ``default`` may ask for it."""

    __slots__ = ()

    @property
    def problem(self) -> NotRendered:
        """The error of using it otherwise, in the vendor's words (fact liquid-missing)."""
        return NotRendered(f"Variable '{self.name}' is missing")


def text_of(value: Any) -> str:
    """A value as it is printed: a list without separators, an object as JSON (UNVERIFIED)."""
    if isinstance(value, str):
        return value
    if isinstance(value, Missing):
        raise value.problem
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number_text(value)
    if isinstance(value, (list, tuple)):
        return "".join(text_of(each) for each in value)
    if isinstance(value, Mapping):
        return json_of(dict(value))
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    return str(value)


def _number_text(value: float) -> str:
    """A number as JavaScript prints it: a whole one without decimals."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _SAFE:
        value = int(value)
    return repr(value)


def json_of(value: Any, indent: int | None = None) -> str:
    """A value as JSON text."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(
        value, ensure_ascii=False, indent=indent, separators=separators, default=text_of
    )


def number_of(value: Any) -> int | float:
    """A value as a number; text that is none, and nothing, count for 0.

    An integer beyond 2**53 becomes a float, as all numbers are in JavaScript.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        value = _number_in(value.strip())
    if isinstance(value, int):
        return value if abs(value) < _SAFE else _float_of(value)
    return value if isinstance(value, float) and math.isfinite(value) else 0


def _float_of(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return 0.0


def _number_in(text: str) -> int | float:
    if len(text) > 400:
        return 0
    for read in (int, float):
        try:
            found: int | float = read(text)
        except ValueError:
            continue
        return found
    return 0


def whole_of(value: Any, least: int = -(10**6), most: int = 10**6) -> int:
    """A value as a whole number between two others."""
    return int(min(max(number_of(value), least), most))


def list_of(value: Any) -> list[Any]:
    """A value as a list: of one item, unless it is a list, a range or nothing."""
    if value is None or isinstance(value, Undefined):
        return []
    return list(value) if isinstance(value, (list, tuple, range)) else [value]


def member(value: Any, key: Any) -> Any:
    """A member of an object; ``None`` without one."""
    return value.get(text_of(key)) if isinstance(value, Mapping) else None


def check_size(characters: int) -> None:
    """Refuse to make a text that is too long."""
    if characters > LARGEST:
        raise NotRendered(f"it makes a text of more than {LARGEST:,} characters")


def check_range(value: Any) -> None:
    """Refuse a range that is too long to be walked through."""
    if isinstance(value, range) and (value.stop - value.start) > MOST:
        raise NotRendered(f"it has a range of more than {MOST:,} numbers")
