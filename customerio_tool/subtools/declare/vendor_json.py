"""Reads the vendor's JSON: cleans it, cuts it, finds things in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from customerio_tool.subtools.declare.characters import (
    BIDI,
    CONTROL,
    FORMAT,
    HIGH_CONTROL,
    RETURN,
    SOFT_HYPHEN,
    SURROGATE,
    TAG,
    ZERO_WIDTH,
)
from customerio_tool.subtools.declare.json_text import compact

MAX_RESULT_CHARS = 20_000
"""Characters of JSON that a result may have before it is cut."""

MAX_TEXT_CHARS = 2_000
"""Characters of one text inside a reply before it is cut."""

MAX_REPLY_LEVELS = 100
"""Levels of nesting of a reply that is still read."""

_HIDDEN = re.compile(
    f"[{CONTROL}{RETURN}{HIGH_CONTROL}{BIDI}{ZERO_WIDTH}{SOFT_HYPHEN}{FORMAT}{TAG}{SURROGATE}]"
)
Item: TypeAlias = dict[str, Any]


def clean(value: Any, levels: int = MAX_REPLY_LEVELS) -> Any:
    """Return a reply without control, bidirectional, zero-width and tag characters.

    Raises:
        RecursionError: It has more levels than `MAX_REPLY_LEVELS`.
    """
    if isinstance(value, str):
        return _HIDDEN.sub("", value)
    if levels == 0 and isinstance(value, (dict, list)):
        raise RecursionError("The reply is nested too deeply.")
    if isinstance(value, dict):
        return {_HIDDEN.sub("", name): clean(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [clean(item, levels - 1) for item in value]
    return value


def objects_in(value: Any) -> list[Item]:
    """Return the objects in a list of the vendor's; anything else there counts as absent."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_in(value: Any) -> Item:
    """Return an object of the vendor's; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def whole_in(value: Any) -> int | None:
    """Return a whole number of the vendor's; anything else counts as absent."""
    return value if type(value) is int else None


def chars_of(value: Any) -> int:
    """Return how many characters of JSON a value has."""
    return len(compact(value))


def shortened(value: Any) -> Any:
    """Return a value whose texts have at most `MAX_TEXT_CHARS` characters."""
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return f"{value[:MAX_TEXT_CHARS]}… ({len(value) - MAX_TEXT_CHARS} more characters)"
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value


def fitting_items(items: Sequence[Item]) -> list[Item]:
    """Return the leading items that fit the budget together, at least one.

    A first item that is too large by itself loses its largest members, and names them under
    `omitted`.
    """
    fitting: list[Item] = []
    used = 0
    for item in map(shortened, items):
        used += chars_of(item) + 1
        if used > MAX_RESULT_CHARS:
            return fitting or [_marked(*_trimmed(item))]
        fitting.append(item)
    return fitting


def fitted(key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object under its key, its largest members left out until it fits the budget."""
    short, omitted = _trimmed(shortened(dict(item)))
    cut = {"truncated": True} if short != item else {}
    return _marked({key: short, **cut}, omitted)


def _trimmed(item: Item) -> tuple[Item, list[str]]:
    """Return an object without its largest members, and their names, the largest first."""
    sizes = {name: chars_of({name: member}) for name, member in item.items()}
    omitted: list[str] = []
    total = sum(sizes.values())
    for name in sorted(sizes, key=lambda name: sizes[name], reverse=True):
        if total <= MAX_RESULT_CHARS - _ROOM_FOR_MARKS:
            break
        omitted.append(name)
        total -= sizes[name]
    return {name: member for name, member in item.items() if name not in omitted}, omitted


_ROOM_FOR_MARKS = 100


def _marked(item: Item, omitted: list[str]) -> Item:
    return {**item, "omitted": omitted} if omitted else item
