"""Removes the attributes that a policy hides from the people in a reply."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

IDENTIFIERS = ("id", "email", "phone", "cio_id")
"""The attributes that identify a person; two may be equal, such as an id and an e-mail address."""

_PERSON_MEMBER = "cio_id"
"""An object with this member is a person, wherever it is in a reply."""

_MIN_COMPARED_CHARS = 3
"""A hidden identifier shorter than this is not compared with others: it may match by chance."""


@dataclass(frozen=True)
class People:
    """The paths of people in the JSON reply to a read.

    A path is a list of member names with dots between them. It applies to every item of a list on
    the way. `""` is the whole reply.

    Args:
        at: Paths of objects that hold a person's attributes, at any depth.
        renamed: Paths of members that hold an attribute under another name. Each has the names of
            the attributes that may be in it.
    """

    at: tuple[str, ...] = ()
    renamed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


NO_PEOPLE = People()
"""The reply holds no person."""


def folded(name: str) -> str:
    """Return an attribute's name in its form for comparisons: trimmed, NFC and case-folded."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def is_hidden(name: str, hidden: Collection[str]) -> bool:
    """Return whether an attribute is hidden, in any spelling; `hidden` holds folded names."""
    return folded(name) in hidden


def without_hidden(reply: Any, people: People, hidden: frozenset[str]) -> Any:
    """Return a reply without the hidden attributes of its people.

    Attributes are removed at any depth within a person, also from texts that hold JSON. Every
    object with a `cio_id` counts as a person, even if `people` does not have its path.

    Args:
        reply: The reply's JSON; it is not changed.
        people: The paths of people in the reply.
        hidden: The folded names of the hidden attributes.
    """
    if not hidden:
        return reply
    for path, names in people.renamed.items():
        if not hidden.isdisjoint(names):
            *parents, member = _steps(path)
            reply = _changed_at(reply, parents, partial(_without_member, member=member))
    strip = partial(_person_without_hidden, hidden=hidden)
    for path in people.at:
        reply = _changed_at(reply, _steps(path), strip)
    return _with_each_person_changed(reply, strip)


def _steps(path: str) -> list[str]:
    return path.split(".") if path else []


def _changed_at(value: Any, steps: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """Return a copy of a value in which `change` was applied at a path."""
    if isinstance(value, list):
        return [_changed_at(item, steps, change) for item in value]
    if not steps:
        return change(value)
    if isinstance(value, dict) and steps[0] in value:
        return {**value, steps[0]: _changed_at(value[steps[0]], steps[1:], change)}
    return value


def _with_each_person_changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of a value in which `change` was applied to every object with a `cio_id`."""
    if isinstance(value, list):
        return [_with_each_person_changed(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    if _PERSON_MEMBER in value:
        return change(value)
    return {name: _with_each_person_changed(item, change) for name, item in value.items()}


def _without_member(value: Any, *, member: str) -> Any:
    """Return an object without a member; a list or object there is emptied, not removed."""
    if not isinstance(value, dict) or member not in value:
        return value
    empty = type(value[member])() if isinstance(value[member], (dict, list)) else None
    kept = {name: item for name, item in value.items() if name != member}
    return kept if empty is None else {**kept, member: empty}


def _person_without_hidden(person: Any, *, hidden: frozenset[str]) -> Any:
    """Return a person without hidden attributes and without copies of hidden identifiers."""
    values = {
        folded(value)
        for name, value in _text_members(person)
        if name in IDENTIFIERS and name in hidden and len(value) >= _MIN_COMPARED_CHARS
    }

    def is_removed(name: str, value: Any) -> bool:
        if is_hidden(name, hidden):
            return True
        is_identifier = folded(name) in IDENTIFIERS and isinstance(value, str)
        return is_identifier and folded(value) in values

    return _without(person, is_removed)


def _text_members(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the folded name and the value of every member with a text value, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from _text_members(item)
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                yield folded(name), item
            else:
                yield from _text_members(item)


def _without(value: Any, is_removed: Callable[[str, Any], bool]) -> Any:
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if not is_removed(name, item)}
        return {name: _without(item, is_removed) for name, item in kept.items()}
    if isinstance(value, list):
        return [_without(item, is_removed) for item in value]
    return _text_without(value, is_removed) if isinstance(value, str) else value


def _text_without(text: str, is_removed: Callable[[str, Any], bool]) -> str:
    """Return a text that holds JSON without the removed members; any other text is unchanged."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    has_lost_members = False

    def kept_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Called for every object, including the first of two members with the same name.
        nonlocal has_lost_members
        kept = [(name, item) for name, item in pairs if not is_removed(name, item)]
        has_lost_members = has_lost_members or len(kept) < len(pairs)
        return dict(kept)

    try:
        parsed = json.loads(text, object_pairs_hook=kept_members)
        kept = _without(parsed, is_removed)
    except ValueError:
        return text
    except RecursionError:  # nested too deeply to check
        return ""
    if not has_lost_members and kept == parsed:
        return text
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
