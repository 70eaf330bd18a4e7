"""Validators of policy fields, which also accept text from configurations and environments.

Blank text is refused, not read as absent: a blank allow-list would allow everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from customerio_tool.errors import Problem
from customerio_tool.subtools import all_subtools, subtools
from customerio_tool.subtools.declare.json_input import parse
from customerio_tool.subtools.declare.privacy import folded
from customerio_tool.subtools.declare.wording import nearest

_WORDS = {"true": True, "1": True, "yes": True, "on": True}
_WORDS |= {"false": False, "0": False, "no": False, "off": False}


def read_flag(value: object) -> bool:
    """Return a boolean, given as one or as true/false, yes/no, on/off or 1/0 in any case."""
    word = value.strip().lower() if isinstance(value, str) else value
    known = _WORDS.get(word) if isinstance(word, str) else word
    if not isinstance(known, bool):
        raise Problem("is neither true nor false", "give true or false")
    return known


def read_flag_or_none(value: object) -> bool | None:
    """Return a boolean as `read_flag` reads it; None stays None."""
    return None if value is None else read_flag(value)


def read_count(value: object) -> object:
    """Return a whole number of at least 0, given as an int or in digits; None stays None."""
    number = int(value) if isinstance(value, str) and _is_digits(value.strip()) else value
    if number is not None and (type(number) is not int or number < 0):
        raise Problem("is no whole number of at least 0", "give 0 or more, or leave it out")
    return number


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def read_names(value: object) -> frozenset[str] | None:
    """Return names, given as a collection, with commas or as a JSON array; None stays None."""
    if value is None:
        return None
    listed = _listed(value) if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple, set, frozenset)):
        raise Problem("is not a list", "give a list of names, or text with commas between them")
    if not all(isinstance(name, str) and name.strip() for name in listed):
        raise Problem("has an entry that is blank or no text", "give each entry as text")
    return frozenset(name.strip() for name in listed)


def _listed(text: str) -> Any:
    if not text.strip(" \t\r\n,"):
        raise Problem("is blank", "leave it out, or give names with commas between them")
    if not text.lstrip().startswith("["):
        return [name for name in text.split(",") if name.strip()]
    try:
        return parse(text)
    except Problem:
        pass
    raise Problem("is not valid JSON", "give a JSON array, or names with commas between them")


def read_recipients(value: object) -> frozenset[str] | None:
    """Return e-mail addresses and domains, given as `read_names` accepts them."""
    from customerio_tool.policy.recipients import is_allow_list_entry

    given = read_names(value)
    if any(not is_allow_list_entry(entry) for entry in given or ()):
        fix = "give addresses such as ada@example.com and domains such as example.com, no patterns"
        raise Problem("has an entry that is no e-mail address and no domain", fix)
    return given


def read_word(value: object, words: Iterable[str]) -> str:
    """Return one of these words in lower case, given in any case."""
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in words:
        raise Problem("is not one of the choices", f"choose from {', '.join(words)}")
    return word


Confirm: TypeAlias = Literal["never", "human", "repeat"]
AskedEffect: TypeAlias = Literal["erase", "send"]
"""The effects of calls that may have to be confirmed."""

Confirmations: TypeAlias = Confirm | Mapping[AskedEffect, Confirm]
"""What comes before all such calls, or before those of each effect."""


def read_confirm(value: object) -> str | dict[str, str]:
    """Return a word of `Confirm`, or one for each effect.

    Args:
        value: A word in any case; or a mapping, JSON text of one, or text such as
            `erase=human, send=never`. An effect that it lacks has no word.
    """
    words, effects = get_args(Confirm), get_args(AskedEffect)
    given = _mapping_in(value) if isinstance(value, str) else value
    if not isinstance(given, Mapping):
        return read_word(given, words)
    if not given:
        raise Problem("is empty", f"give a word for {' or '.join(effects)}, or leave it out")
    if any(key not in effects for key in given):
        raise Problem("names another effect", f"use {' and '.join(effects)}")
    return {str(effect): read_word(word, words) for effect, word in given.items()}


def _mapping_in(text: str) -> object:
    """Return the mapping that a text holds, or the text itself."""
    if text.lstrip().startswith("{"):
        return parse(text)
    if "=" not in text:
        return text
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    words = {key.strip().lower(): word for key, _, word in pairs}
    if len(words) < len(pairs):  # the later one would lift the earlier one
        raise Problem("names an effect twice", "give each effect one word")
    return words


def read_subtools(value: object) -> frozenset[str] | None:
    """Return names of subtools, look-ups or sets, given as `read_names` accepts them."""
    given = read_names(value)
    if given is None or given <= subtools().keys():
        return given
    from customerio_tool.sets import named, sets  # most policies need none

    known = (*all_subtools(), *sets())
    for name in sorted(given.difference(known)):  # which is not repeated
        raise Problem("names no subtool", nearest(name, known))
    return named(given)


def read_attributes(value: object) -> frozenset[str]:
    """Return the folded names of attributes, given as `read_names` accepts them; not None."""
    if (given := read_names(value)) is None:
        raise Problem("is null", "give a list of names, or leave it out")
    return frozenset(folded(name) for name in given)
