"""Cleans, checks and shortens the JSON of Customer.io's replies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, compress
from typing import Any, TypeAlias

from customerio_tool.subtools.declare.characters import is_visible, visible
from customerio_tool.subtools.declare.json_text import compact

MAX_RESULT_CHARS = 20_000
"""Characters of compact JSON that a whole result may have, success or failure; more is cut."""

MAX_PAYLOAD_CHARS = 16_000
"""Of those, the characters that the items or the object of a result may have."""

MAX_TEXT_CHARS = 2_000
"""Characters that one text in a reply may have; more is cut."""

MAX_REPLY_LEVELS = 100
"""Levels of nesting that a reply may have."""

Item: TypeAlias = dict[str, Any]


MAX_INTEGER = 2**63 - 1
"""The largest integer of a reply that is read: those of Customer.io have 64 bits."""


def clean(
    value: Any, levels: int = MAX_REPLY_LEVELS, *, mask: Callable[[str], str] | None = None
) -> Any:
    """Return a reply without the characters that do not show; see `visible`.

    A reply of which nothing changes is returned itself; see `fresh`.

    Args:
        value: The reply, or a part of it.
        levels: The levels of nesting that it may have.
        mask: Returns a text, already without those characters, without keys.

    Raises:
        RecursionError: The reply is nested deeper than `MAX_REPLY_LEVELS`.
    """
    if not isinstance(value, (dict, list, str)):
        return value
    texts = [value] if isinstance(value, str) else _texts(value, levels)
    # One search in place of one for each text.
    cleaned = value if is_visible("".join(texts)) else _changed(value, visible, levels)
    if mask is None:
        return cleaned
    together = "\n".join(texts if cleaned is value else _texts(cleaned, levels))
    return cleaned if mask(together) == together else _changed(cleaned, mask, levels)


def clean_of_text(
    text: str, value: Any, levels: int = MAX_REPLY_LEVELS, *, mask: Callable[[str], str]
) -> Any:
    """Return a reply as `clean` does; one look at its JSON text spares most replies the others.

    Without a backslash, each text of the reply stands in its JSON as it is.

    Args:
        text: The JSON text.
        value: What it says.
        levels: The levels of nesting that it may have.
        mask: As in `clean`.

    Raises:
        RecursionError: The reply is nested deeper than `MAX_REPLY_LEVELS`.
    """
    if "\\" in text or not is_visible(text) or mask(text) != text:
        return clean(value, levels, mask=mask)
    inside = _nesting((value,)) if text.count("{") + text.count("[") > levels else []
    while inside:
        if levels == 0:
            raise RecursionError("The reply is nested too deeply.")
        members = chain.from_iterable(
            [each.values() if type(each) is dict else each for each in inside]
        )
        inside, levels = _nesting(tuple(members)), levels - 1
    return value


def _nesting(values: Sequence[Any]) -> list[Any]:
    """Return the objects and lists among values, without a step of Python for each."""
    return list(compress(values, map(_NESTS.__contains__, map(type, values))))


_NESTS = frozenset((dict, list))


def fresh(value: Any) -> Any:
    """Return a copy of an object or a list, at any depth; no change of it reaches anything else."""
    if isinstance(value, dict):
        return {n: fresh(v) if isinstance(v, (dict, list)) else v for n, v in value.items()}
    if isinstance(value, list):
        return [fresh(each) if isinstance(each, (dict, list)) else each for each in value]
    return value


def _changed(value: Any, change: Callable[[str], str], levels: int) -> Any:
    """Return a value with each text and each name changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(name): _changed(item, change, levels - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, change, levels - 1) for item in value]
    return value


def _texts(value: Any, levels: int) -> list[str]:
    """Return each text and each name in a value.

    Raises:
        RecursionError: It is nested deeper than `levels`.
    """
    texts: list[str] = []
    level = [value]
    while level:
        texts += [each for each in level if isinstance(each, str)]
        lists = [each for each in level if isinstance(each, list)]
        objects = [each for each in level if isinstance(each, dict)]
        if levels == 0 and (lists or objects):
            raise RecursionError("The reply is nested too deeply.")
        texts += chain.from_iterable(objects)
        level = list(chain(*lists, *(each.values() for each in objects)))
        levels -= 1
    return texts


def objects_in(value: Any) -> list[Item]:
    """Return the objects in a list of a reply; other items, and any other value, are ignored."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_in(value: Any) -> Item:
    """Return an object of a reply; return an empty object for any other value."""
    return value if isinstance(value, dict) else {}


def whole_in(value: Any) -> int | None:
    """Return an integer of a reply; return None for any other value, or a longer integer."""
    return value if type(value) is int and abs(value) <= MAX_INTEGER else None


def chars_of(value: Any) -> int:
    """Return the length of a value's compact JSON, in characters."""
    return len(compact(value))


def cut(text: str, limit: int = MAX_TEXT_CHARS) -> str:
    """Return a text with at most `limit` characters, and with the number of those cut off."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters)"


def shortened(value: Any) -> Any:
    """Return a value with each text cut to `MAX_TEXT_CHARS` characters."""
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value


def fitting_items(items: Iterable[Item]) -> list[Item]:
    """Return as many leading items as fit in `MAX_PAYLOAD_CHARS`, but at least one.

    No item is taken after the first that does not fit.
    If even the first item is too large, its largest members are removed; their names are in its
    member `omitted`.
    """
    fitting: list[Item] = []
    used = 0
    for each in items:
        item, size = each, chars_of(each)
        if size > MAX_TEXT_CHARS:  # else none of its texts can be longer
            item = shortened(each)
            size = chars_of(item)
        used += size + 1
        if used > MAX_PAYLOAD_CHARS:
            return fitting or [_with_omitted(*_trimmed(item, MAX_PAYLOAD_CHARS - _RESERVED_CHARS))]
        fitting.append(item)
    return fitting


def fitted(key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{key: item}` with the item cut to `MAX_PAYLOAD_CHARS`.

    The largest members are removed first, those of an object before the object. If anything was
    cut, `truncated` is true; `omitted` has the names of the removed members.
    """
    short, omitted = _trimmed(shortened(dict(item)), MAX_PAYLOAD_CHARS - _RESERVED_CHARS)
    cut_off = {"truncated": True} if short != item else {}
    return _with_omitted({key: short, **cut_off}, omitted)


def _trimmed(item: Item, limit: int) -> tuple[Item, list[str]]:
    """Return an object of at most `limit` characters, and the names of the removed members."""
    sizes = {name: chars_of({name: member}) for name, member in item.items()}
    excess = sum(sizes.values()) - limit
    kept, omitted = dict(item), list[str]()
    for name in sorted(sizes, key=lambda name: sizes[name], reverse=True):
        if excess <= 0:
            break
        left = sizes[name] - excess - len(compact(name))
        if isinstance(item[name], dict) and left >= _LEAST_CHARS:
            kept[name], inside = _trimmed(item[name], left)
            omitted += [f"{name}.{member}" for member in inside]
            excess -= sizes[name] - chars_of({name: kept[name]})
        else:
            del kept[name]
            omitted.append(name)
            excess -= sizes[name]
    return kept, omitted


_RESERVED_CHARS = 1_000
"""Characters that are left for the members `truncated` and `omitted`."""

_LEAST_CHARS = 200
"""The least characters for which an object is cut and not removed."""

_NAME_CHARS = 100


def fitting_names(names: Sequence[str], limit: int = _RESERVED_CHARS - 100) -> list[str]:
    """Return as many leading names as fit in `limit` characters, and how many are left out."""
    shown: list[str] = []
    for name in (cut(name, _NAME_CHARS) for name in names):
        if chars_of([*shown, name]) > limit:
            return [*shown, f"… and {len(names) - len(shown):,} more"]
        shown.append(name)
    return shown


def _with_omitted(item: Item, omitted: list[str]) -> Item:
    return {**item, "omitted": fitting_names(omitted)} if omitted else item
