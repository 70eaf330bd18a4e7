"""Reads a JSON object into a declared dataclass: known members, right types, helpful errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Declared = TypeVar("Declared")
_WORDS: dict[Any, str] = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


def read(kind: type[Declared], value: Any, where: str) -> Declared:
    """Build a dataclass from a JSON object: each member is a field of the same name and type.

    Args:
        kind: the dataclass.
        value: the JSON value.
        where: its name in errors, such as ``faults[0]``.

    Raises:
        ValueError: it is no object, or a member is unknown, missing or of the wrong type. The text
            never repeats a value.
    """
    given = check(kind, value, where)
    for name, each in _fields(kind).items():
        if name not in given and each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"{where} needs {name}")
    return kind(**given)


def check(kind: type[Any], value: Any, where: str) -> dict[str, Any]:
    """The checked members of a JSON object. All may be missing.

    Raises:
        ValueError: it is no object, or a member is unknown or of the wrong type.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object")  # noqa: TRY004 - one error for the caller
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    for name, member in value.items():
        if name not in hints:
            raise ValueError(f"{where} has no member {name!r}: {nearest(str(name), hints)}")
        if not _fits(member, hints[name]):
            wanted = _wording(hints[name]) + _nearest_word(member, hints[name])
            raise ValueError(f"{where}.{name} must be {wanted}")
    return dict(value)


def _nearest_word(value: Any, hint: Any) -> str:
    """The nearest of the words that a member may have, if the value is like one."""
    words = _words_of(hint)
    text = nearest(value, words) if words and isinstance(value, str) else ""
    return f": {text}" if text.startswith("did") else ""


def _words_of(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [each for each in get_args(hint) if isinstance(each, str)]
    return [word for each in get_args(hint) for word in _words_of(each)]


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the nearest known ones, or all.

    A name whose words are among those of the other counts as nearer than any likeness of letters:
    ``delay`` means ``delay_seconds``, and ``send_transactional_email`` means ``send_email``.
    """
    names = sorted(known)
    near = _with_the_same_words(name, names)
    if not near:
        plain = {_plain(each): each for each in names}
        near = [plain[each] for each in get_close_matches(_plain(name), plain, 1)]
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"


def _with_the_same_words(name: str, known: list[str]) -> list[str]:
    """The known names with the most words in common, of those that add words or lack some."""
    wanted = _words(name)
    shared = {
        each: len(wanted & _words(each)) / len(wanted | _words(each))
        for each in known
        if wanted and (wanted <= _words(each) or _words(each) <= wanted)
    }
    most = max(shared.values(), default=0.0)
    return [each for each, share in shared.items() if share == most]


def _words(name: str) -> frozenset[str]:
    return frozenset(_plain(name).split("_")) - {""}


def _plain(name: str) -> str:
    """A name in snake_case: ``delaySeconds``, ``Delay-Seconds`` and ``DELAY_SECONDS`` are equal."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", split.lower())


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _fields(kind)}


def _fields(kind: type[Any]) -> dict[str, Field[Any]]:
    return {each.name: each for each in fields(kind)}


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in arguments)
    if hint is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and abs(value) < 2**53  # neither NaN nor infinite
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    if origin is dict:
        return isinstance(value, Mapping) and all(_fits(v, arguments[1]) for v in value.values())
    if origin is list:
        return isinstance(value, list) and all(_fits(each, arguments[0]) for each in value)
    return isinstance(value, hint)


def _wording(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_wording(each) for each in arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin is list:
        return f"a list, each {_wording(arguments[0])}"
    if origin is dict and arguments[1] is not Any:
        return f"an object, each member {_wording(arguments[1])}"
    return _WORDS[origin or hint]
