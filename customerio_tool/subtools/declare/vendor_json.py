"""Cleans, checks and shortens the JSON of Customer.io's replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.json_text import compact

MAX_RESULT_CHARS = 20_000
"""Characters of JSON that the items or the object of a result may have; more is cut."""

MAX_TEXT_CHARS = 2_000
"""Characters that one text in a reply may have; more is cut."""

MAX_REPLY_LEVELS = 100
"""Levels of nesting that a reply may have."""

Item: TypeAlias = dict[str, Any]


def clean(value: Any, levels: int = MAX_REPLY_LEVELS) -> Any:
    """Return a reply without the characters that do not show; see `visible`.

    Raises:
        RecursionError: The reply is nested deeper than `MAX_REPLY_LEVELS`.
    """
    if isinstance(value, str):
        return visible(value)
    if levels == 0 and isinstance(value, (dict, list)):
        raise RecursionError("The reply is nested too deeply.")
    if isinstance(value, dict):
        return {visible(name): clean(item, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [clean(item, levels - 1) for item in value]
    return value


def objects_in(value: Any) -> list[Item]:
    """Return the objects in a list of a reply; other items, and any other value, are ignored."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_in(value: Any) -> Item:
    """Return an object of a reply; return an empty object for any other value."""
    return value if isinstance(value, dict) else {}


def whole_in(value: Any) -> int | None:
    """Return an integer of a reply; return None for any other value."""
    return value if type(value) is int else None


def chars_of(value: Any) -> int:
    """Return the length of a value's compact JSON, in characters."""
    return len(compact(value))


def shortened(value: Any) -> Any:
    """Return a value with each text cut to `MAX_TEXT_CHARS` characters."""
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return f"{value[:MAX_TEXT_CHARS]}… ({len(value) - MAX_TEXT_CHARS} more characters)"
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value


def fitting_items(items: Sequence[Item]) -> list[Item]:
    """Return as many leading items as fit in `MAX_RESULT_CHARS`, but at least one.

    If even the first item is too large, its largest members are removed; their names are in its
    member `omitted`.
    """
    fitting: list[Item] = []
    used = 0
    for item in map(shortened, items):
        used += chars_of(item) + 1
        if used > MAX_RESULT_CHARS:
            return fitting or [_with_omitted(*_trimmed(item))]
        fitting.append(item)
    return fitting


def fitted(key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{key: item}` with the item cut to `MAX_RESULT_CHARS`.

    The largest members are removed first. If anything was cut, `truncated` is true; `omitted` has
    the names of the removed members.
    """
    short, omitted = _trimmed(shortened(dict(item)))
    cut = {"truncated": True} if short != item else {}
    return _with_omitted({key: short, **cut}, omitted)


def _trimmed(item: Item) -> tuple[Item, list[str]]:
    """Return an object that fits, and the names of the removed members, the largest first."""
    sizes = {name: chars_of({name: member}) for name, member in item.items()}
    omitted: list[str] = []
    total = sum(sizes.values())
    for name in sorted(sizes, key=lambda name: sizes[name], reverse=True):
        if total <= MAX_RESULT_CHARS - _RESERVED_CHARS:
            break
        omitted.append(name)
        total -= sizes[name]
    return {name: member for name, member in item.items() if name not in omitted}, omitted


_RESERVED_CHARS = 100
"""Characters that are left for the members `truncated` and `omitted`."""


def _with_omitted(item: Item, omitted: list[str]) -> Item:
    return {**item, "omitted": omitted} if omitted else item
