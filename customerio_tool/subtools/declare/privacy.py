"""Where people stand in a reply, and the removal of the attributes that a policy hides."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

IDENTIFIERS = ("id", "email", "phone", "cio_id")
"""The attributes that identify a person; one of them may have the value of another."""

_MARK = "cio_id"
"""An object that has this member is a person, wherever it stands."""

_LEAST_CHARS = 3
"""A shorter value is not searched for among a person's identifiers: it would match by chance."""


@dataclass(frozen=True)
class People:
    """Where people stand in the JSON reply to a read.

    A path is the names of members with dots between them; a list on the way stands for each of its
    items. `""` is the whole reply.

    Args:
        at: Paths of the objects that hold attributes of a person, at whatever depth inside.
        renamed: Paths of members that hold an attribute under another name, each with the names
            of the attributes that it may hold.
    """

    at: tuple[str, ...] = ()
    renamed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


NO_PEOPLE = People()
"""The reply holds no person."""


def folded(name: str) -> str:
    """Return the form in which names of attributes are compared: composed, and without case."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def is_hidden(name: str, hidden: Collection[str]) -> bool:
    """Tell whether the name of an attribute, however it is written, is among folded names."""
    return folded(name) in hidden


def without_hidden(reply: Any, people: People, hidden: frozenset[str]) -> Any:
    """Return a reply without the hidden attributes of the people in it.

    An attribute goes at any depth of a person, also inside a text that holds JSON. Beside the
    people that the declaration names, each object with a `cio_id` counts as one.

    Args:
        reply: JSON; it is not changed.
        people: Where people stand in it.
        hidden: The folded names of the attributes.
    """
    if not hidden:
        return reply
    for path, names in people.renamed.items():
        if not hidden.isdisjoint(names):
            *parents, member = _steps(path)
            reply = _changed_at(reply, parents, partial(_emptied, member=member))
    strip = partial(_stripped, hidden=hidden)
    for path in people.at:
        reply = _changed_at(reply, _steps(path), strip)
    return _marked_people_changed(reply, strip)


def _steps(path: str) -> list[str]:
    return path.split(".") if path else []


def _changed_at(value: Any, steps: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """Return a value in which all that stands at a path is changed."""
    if isinstance(value, list):
        return [_changed_at(item, steps, change) for item in value]
    if not steps:
        return change(value)
    if isinstance(value, dict) and steps[0] in value:
        return {**value, steps[0]: _changed_at(value[steps[0]], steps[1:], change)}
    return value


def _marked_people_changed(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_marked_people_changed(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    if _MARK in value:
        return change(value)
    return {name: _marked_people_changed(item, change) for name, item in value.items()}


def _emptied(value: Any, *, member: str) -> Any:
    """Return an object without a member; a list or an object there stays, and is empty."""
    if not isinstance(value, dict) or member not in value:
        return value
    empty = type(value[member])() if isinstance(value[member], (dict, list)) else None
    kept = {name: item for name, item in value.items() if name != member}
    return kept if empty is None else {**kept, member: empty}


def _stripped(person: Any, *, hidden: frozenset[str]) -> Any:
    """Return a person without hidden attributes, nor an identifier that has the value of one."""
    values = {
        folded(value)
        for name, value in _members(person)
        if name in IDENTIFIERS and name in hidden and len(value) >= _LEAST_CHARS
    }

    def goes(name: str, value: Any) -> bool:
        if is_hidden(name, hidden):
            return True
        is_identifier = folded(name) in IDENTIFIERS and isinstance(value, str)
        return is_identifier and folded(value) in values

    return _without(person, goes)


def _members(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the folded name and the value of every member at any depth whose value is a text."""
    if isinstance(value, list):
        for item in value:
            yield from _members(item)
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                yield folded(name), item
            else:
                yield from _members(item)


def _without(value: Any, goes: Callable[[str, Any], bool]) -> Any:
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if not goes(name, item)}
        return {name: _without(item, goes) for name, item in kept.items()}
    if isinstance(value, list):
        return [_without(item, goes) for item in value]
    return _text_without(value, goes) if isinstance(value, str) else value


def _text_without(text: str, goes: Callable[[str, Any], bool]) -> str:
    """Return a text without the members that go, where it holds JSON; any other text stays."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    has_lost = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Each object is seen here, also one that a second member of its name replaces.
        nonlocal has_lost
        kept = [(name, item) for name, item in pairs if not goes(name, item)]
        has_lost = has_lost or len(kept) < len(pairs)
        return dict(kept)

    try:
        parsed = json.loads(text, object_pairs_hook=members)
        kept = _without(parsed, goes)
    except ValueError:
        return text
    except RecursionError:  # nested too deep to be looked through
        return ""
    if not has_lost and kept == parsed:
        return text
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
