"""Removes the attributes that a policy hides from the people in a reply."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from types import MappingProxyType
from typing import Any

from customerio_tool.patterns import pattern
from customerio_tool.records import record
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.subtools.declare.vendor_json import clean

IDENTIFIERS = ("id", "email", "phone", "cio_id")
"""The attributes that identify a person; two may be equal, such as an id and an e-mail address."""

_PERSON_MEMBER = "cio_id"
"""An object with this member is a person, wherever it is in a reply."""

_MIN_COMPARED_CHARS = 3
"""A hidden identifier shorter than this is not compared with others: it may match by chance."""

_WORD = r"[\w.+*!#$%^`{|}~'-]"
_CONTACT = pattern(
    rf"(?<!{_WORD}){_WORD}+@[\w.-]*\w|(?<!\w)(?:\+ ?)?\(?\d(?:[ ().-]{{0,3}}\d){{5,}}"
)
"""What may be an e-mail address or a telephone number within a text."""

_MIN_NUMBER_DIGITS = 7
"""Digits of a telephone number, or of its end, that tell whose it is."""

_ESCAPE = pattern(r"\\u([0-9A-Fa-f]{4})")
_NAME = pattern(r"""["']([^"']*)["']\s*:""")
"""The name of a member in a text that is almost JSON, after its backslashes are removed."""

_REMOVED = "***"


@record(frozen=True)
class People:
    """The paths of people in the JSON reply to a read.

    A path is a list of member names with dots between them. It applies to every item of a list on
    the way. `""` is the whole reply.

    Args:
        at: Paths of objects that hold a person's attributes, at any depth.
        renamed: Paths of members that hold an attribute under another name. Each has the names of
            the attributes that may be in it.
        printed: Paths of what may print any attribute, such as the text of a mail that was sent. It
            is emptied where any attribute is hidden, as no name tells what is in it. A second read
            that expects such a member is not made then.
        subjects: Paths of the subjects of messages, which may print any attribute too. They are
            emptied where another attribute than an identifier is hidden: a hidden address is found
            in a text and replaced there.
    """

    at: tuple[str, ...] = ()
    renamed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    printed: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse one text where several belong: it would count as its single letters."""
        several = (self.at, self.printed, self.subjects, *self.renamed.values())
        if any(isinstance(each, str) for each in several):
            raise TypeError("People takes tuples of texts, such as ('customer',).")


NO_PEOPLE = People()
"""The reply holds no person."""


def folded(name: str) -> str:
    """Return an attribute's name in its form for comparisons: trimmed, NFC and case-folded."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def is_hidden(name: str, hidden: Collection[str]) -> bool:
    """Return whether an attribute is hidden, in any spelling; `hidden` holds folded names."""
    return folded(name) in hidden


def ends_hidden(path: Sequence[str], hidden: Collection[str]) -> bool:
    """Return whether a path of names leads to a hidden attribute.

    A hidden name with dots, such as `address.city`, is the name of one attribute, or the last
    names of the path of one inside of another.
    """
    names = [folded(name) for name in path[-_most_names(hidden) :]]
    return any(".".join(names[i:]) in hidden for i in range(len(names)))


def hides_within(path: Sequence[str], hidden: Collection[str]) -> bool:
    """Return whether a path leads to a hidden attribute, through one, or to an object with one.

    The steps to an entry of a list may be in it: `address.first.city`, `address.0.city`.
    """
    names = [folded(name) for name in path]
    through = [name for name in names if name not in ("first", "last") and not name.isdigit()]
    return _holds_hidden(names, hidden) or (through != names and _holds_hidden(through, hidden))


def _holds_hidden(names: Sequence[str], hidden: Collection[str]) -> bool:
    lengths = range(1, 1 + _most_names(hidden))
    if any(".".join(names[i : i + n]) in hidden for i in range(len(names)) for n in lengths):
        return True
    inside = [name.split(".") for name in hidden if "." in name]
    return any(names[-i:] == parts[:i] for parts in inside for i in range(1, len(parts)))


def _most_names(hidden: Collection[str]) -> int:
    return 1 + max((name.count(".") for name in hidden), default=0)


def without_hidden(reply: Any, people: People, hidden: frozenset[str]) -> Any:
    """Return a reply without the hidden attributes of its people.

    Attributes are removed at any depth within a person, also from texts that hold JSON. A text that
    is almost JSON and names a hidden attribute is emptied. Every object with a `cio_id` counts as a
    person, even if `people` does not have its path. A hidden e-mail address or telephone number is
    replaced in every other text of the reply, such as the subject of a message.

    Args:
        reply: The reply's JSON; it is not changed.
        people: The paths of people in the reply.
        hidden: The folded names of the hidden attributes.
    """
    if not hidden:
        return reply
    contacts: set[str] = set()
    tells_no_more = hidden <= frozenset(IDENTIFIERS)
    for path in (*people.printed, *(() if tells_no_more else people.subjects)):
        reply = _changed_at(reply, _steps(path), _emptied)
    for path, names in people.renamed.items():
        if not hidden.isdisjoint(map(folded, names)):
            *parents, member = _steps(path)
            remove = partial(_without_member, member=member, hidden=hidden, contacts=contacts)
            reply = _changed_at(reply, parents, remove)
    strip = partial(_person_without_hidden, hidden=hidden, contacts=contacts)
    for path in people.at:
        reply = _changed_at(reply, _steps(path), strip)
    reply = _with_each_person_changed(reply, strip)
    return _without_contacts(reply, contacts) if contacts else reply


def _steps(path: str) -> list[str]:
    return path.split(".") if path else []


def _changed_at(value: Any, steps: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """Return a copy of a value in which `change` was applied at a path."""
    if isinstance(value, list):
        return [_changed_at(item, steps, change) for item in value]
    if not steps:
        return change(value)
    if isinstance(value, str):
        return _json_text_changed(value, lambda inner: _changed_at(inner, steps, change))
    if isinstance(value, dict) and steps[0] in value:
        return {**value, steps[0]: _changed_at(value[steps[0]], steps[1:], change)}
    return value


def _with_each_person_changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of a value in which `change` was applied to every object with a `cio_id`."""
    if isinstance(value, list):
        return [_with_each_person_changed(item, change) for item in value]
    if isinstance(value, str):
        return _json_text_changed(value, lambda inner: _with_each_person_changed(inner, change))
    if not isinstance(value, dict):
        return value
    if _PERSON_MEMBER in value:
        return change(value)
    return {name: _with_each_person_changed(item, change) for name, item in value.items()}


def _emptied(value: Any) -> Any:
    return type(value)() if isinstance(value, (list, dict)) else None


def _without_member(value: Any, *, member: str, hidden: frozenset[str], contacts: set[str]) -> Any:
    """Return an object without a member; a list or object there is emptied, not removed.

    Args:
        value: The object.
        member: The name of the member.
        hidden: The folded names of the hidden attributes.
        contacts: A set that gets the hidden e-mail addresses and telephone numbers.
    """
    remove = partial(_without_member, member=member, hidden=hidden, contacts=contacts)
    if isinstance(value, str):
        return _json_text_changed(value, remove)
    if isinstance(value, list):  # that a text holds
        return list(map(remove, value))
    if not isinstance(value, dict) or member not in value:
        return value
    contacts.update(
        text
        for _, text in _texts(value[member])
        if _is_contact(text) and ("email" if "@" in text else "phone") in hidden
    )
    empty = type(value[member])() if isinstance(value[member], (dict, list)) else None
    kept = {name: item for name, item in value.items() if name != member}
    return kept if empty is None else {**kept, member: empty}


def _person_without_hidden(person: Any, *, hidden: frozenset[str], contacts: set[str]) -> Any:
    """Return a person without hidden attributes and without copies of hidden identifiers.

    Args:
        person: The JSON of a person.
        hidden: The folded names of the hidden attributes.
        contacts: A set that gets the hidden e-mail addresses and telephone numbers.
    """
    values = {
        text
        for name, text in _texts(person)
        if name in IDENTIFIERS and name in hidden and len(text) >= _MIN_COMPARED_CHARS
    }
    contacts.update(filter(_is_contact, values))

    def is_removed(path: Sequence[str], value: Any) -> bool:
        if ends_hidden(path, hidden) or ends_hidden(_before_change(path), hidden):
            return True
        is_identifier = folded(path[-1]) in IDENTIFIERS and isinstance(value, str)
        return is_identifier and folded(value) in values

    return _without(person, is_removed, {name.rpartition(".")[2] for name in hidden})


def _before_change(path: Sequence[str]) -> Sequence[str]:
    """Return a path without the step of a change, which holds an attribute as `from` and `to`."""
    is_change = len(path) > 1 and path[1] in ("from", "to")
    return (path[0], *path[2:]) if is_change else path


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text at any depth, folded, with the folded name of its member before it."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, name)
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _texts(item, folded(inner))
    if isinstance(value, str):
        yield name, folded(value)
        try:
            held = list(_texts(_json_in(value)[0], name))
        except RecursionError:
            held = []
        yield from held


def _is_contact(text: str) -> bool:
    return "@" in text or _CONTACT.fullmatch(text) is not None


def _without(
    value: Any,
    is_removed: Callable[[Sequence[str], Any], bool],
    last_names: Collection[str],
    path: tuple[str, ...] = (),
) -> Any:
    """Return a copy of a value without what `is_removed`, at any depth.

    Args:
        value: The JSON value.
        is_removed: Returns whether a member goes; it gets the names that lead to it, and its value.
        last_names: Folded names that no text may have which is almost JSON.
        path: The names that lead to the value.
    """
    if isinstance(value, dict):
        members = [((*path, name), item) for name, item in value.items()]
        return {
            at[-1]: _without(item, is_removed, last_names, at)
            for at, item in members
            if not is_removed(at, item)
        }
    if isinstance(value, list):
        return [_without(item, is_removed, last_names, path) for item in value]
    if not isinstance(value, str):
        return value

    def changed(held: Any) -> Any:
        if held is None and any(folded(name) in last_names for name in _names_in(value)):
            return ""
        return _without(held, is_removed, last_names, path)

    return _json_text_changed(value, changed)


def _json_text_changed(text: str, change: Callable[[Any], Any]) -> str:
    """Return a text that holds JSON with its value changed; any other text is unchanged."""
    try:
        held, is_exact = _json_in(text)
        changed = change(held)
    except RecursionError:  # nested too deeply to check
        return ""
    if is_exact and changed == held:
        return text
    return "" if held is None else compact(changed)


def _json_in(text: str) -> tuple[Any, bool]:
    """Return the object, list or text whose JSON a text is, cleaned; None for any other text.

    The second value is false if the text holds more: two members with the same name.

    Raises:
        RecursionError: It is nested too deeply.
    """
    if not text.lstrip().startswith(("{", "[", '"')):
        return None, True
    is_exact = True

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_exact
        held = dict(pairs)
        is_exact = is_exact and len(held) == len(pairs)
        return held

    try:
        return clean(json.loads(text, strict=False, object_pairs_hook=members)), is_exact
    except ValueError:
        return None, True


def _names_in(text: str) -> list[str]:
    """Return the names of members in a text that is almost JSON, such as several lines of JSON."""
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).replace("\\", "")
    return [str(clean(name)) for name in _NAME.findall(plain)]


def _without_contacts(value: Any, contacts: Collection[str]) -> Any:
    """Return a copy of a value in which no text holds one of these addresses or numbers."""
    digits = (_digits_of(each).lstrip("0") for each in contacts if "@" not in each)
    numbers = [each for each in digits if len(each) >= _MIN_NUMBER_DIGITS]

    def shown(found: re.Match[str]) -> str:
        is_one = folded(found[0].strip("'")) in contacts or (
            "@" not in found[0] and _is_number(_digits_of(found[0]), numbers)
        )
        return _REMOVED if is_one else found[0]

    if isinstance(value, list):
        return [_without_contacts(item, contacts) for item in value]
    if isinstance(value, dict):
        return {
            _CONTACT.sub(shown, name): _without_contacts(item, contacts)
            for name, item in value.items()
        }
    if not isinstance(value, str):
        return value
    if folded(value) in contacts:
        return _REMOVED
    held = _json_text_changed(value, lambda inner: _without_contacts(inner, contacts))
    return _CONTACT.sub(shown, held)


def _digits_of(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _is_number(digits: str, numbers: Sequence[str]) -> bool:
    """Return whether digits are one of these telephone numbers, with or without its country.

    Without it, a zero stands before a number in most countries: +49 151 … is 0151 … in Germany.
    """
    own = digits.lstrip("0")
    is_long = len(own) >= _MIN_NUMBER_DIGITS
    return any(each in digits or (is_long and each.endswith(own)) for each in numbers)
