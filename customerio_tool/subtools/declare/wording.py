"""Words for names and values in messages, and suggestions for misspelt names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.characters import visible

MAX_NAME_CHARS = 60
"""Characters of a name that a message repeats."""

WITHHELD = "<withheld>"
"""Replaces a name in messages that may be an e-mail address or a telephone number."""

_PERSONAL = pattern(r"@|\d(?:[ ()./+-]{0,2}\d){6}")

JSON_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


def shown(name: str) -> str:
    """Return a name in the form for messages: without invisible characters, and cut.

    `WITHHELD` replaces a name that may be an e-mail address or a telephone number.
    """
    name = "".join(filter(str.isprintable, visible(name)))
    return WITHHELD if _PERSONAL.search(name) else name[:MAX_NAME_CHARS]


def kind_of(value: object) -> str:
    """Return the JSON type of a value with its article, such as "an array"."""
    return JSON_TYPES.get(type(value), "not JSON")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: a question with the likely name, or a list of all names."""
    names = list(known)
    likely = meant(name, names)
    return f"did you mean {likely!r}?" if likely else choices(names)


ALIKE = 0.8
"""Likeness of two words from which one counts as a misspelling of the other.

`evnt` and `event` are above it, `device` and `event` below.
"""

_NAMES_ALIKE = 0.88
"""Likeness of two names from which one counts as a misspelling of the other.

It is higher than `ALIKE`, because different names may share a long word.
"""


def choices(names: Iterable[str]) -> str:
    """Return the end of a sentence that lists names to choose from."""
    return f"choose from {', '.join(names)}."


def meant(given: str, names: Iterable[str]) -> str | None:
    """Return the known name that a given name probably stands for, or None.

    It is a misspelling of the given name, or has more or fewer words. Likeness of the whole names
    alone would not do: `create_customer` is much like `delete_customer`.
    """
    words = words_of(shown(given))
    likely = [one for one in names if _is_variant(words, words_of(one))]
    return max(likely, key=lambda one: likeness("_".join(words), one), default=None)


def words_of(name: str) -> list[str]:
    """Return the words of a name in snake_case or camelCase, in lower case."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _is_variant(given: list[str], known: list[str]) -> bool:
    """Return whether two names are alike, or each word of the shorter is alike one of the other."""
    if is_like("_".join(given), "_".join(known), _NAMES_ALIKE):
        return True
    fewer, more = sorted((given, known), key=len)
    return bool(fewer) and all(any(is_like(a, b) for b in more) for a in fewer)


def is_like(one: str, other: str, least: float = ALIKE) -> bool:
    """Return whether the likeness of two names is no less than a bound."""
    from difflib import SequenceMatcher

    both = SequenceMatcher(None, one, other)
    # Each is no less than the next, and far cheaper.
    return all(most() >= least for most in (both.real_quick_ratio, both.quick_ratio, both.ratio))


def likeness(one: str, other: str) -> float:
    """Return the likeness of two names, from 0 (nothing in common) to 1 (equal)."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, one, other).ratio()
