"""How names and values are shown in messages; the nearest right name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

MAX_NAME_CHARS = 60
"""Characters of a member's name that a message repeats."""

WITHHELD = "<withheld>"
"""What a message shows for a name that may be an address or a telephone number."""

_PERSONAL = re.compile(r"@|\d(?:[ ()./+-]{0,2}\d){6}")

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
    """Return a name as messages repeat it: short, without what hides in text, never an address."""
    name = "".join(filter(str.isprintable, name))
    return WITHHELD if _PERSONAL.search(name) else name[:MAX_NAME_CHARS]


def kind_of(value: object) -> str:
    """Name the JSON type of a value with its article."""
    return JSON_TYPES.get(type(value), "not JSON")


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, else list them all; a sentence's end is there."""
    names = list(known)
    likely = meant(name, names)
    return f"did you mean {likely!r}?" if likely else choices(names)


ALIKE = 0.8
"""Likeness from which two words are one, misspelt: as evnt and event, not as device and event."""
_NEARLY_THE_SAME = 0.88
"""The same for two whole names, of which most letters may be those of a word they share."""


def choices(names: Iterable[str]) -> str:
    """Return names as a choice, in words."""
    return f"choose from {', '.join(names)}."


def meant(given: str, names: Iterable[str]) -> str | None:
    """Return the known name that differs in spelling or has words more or fewer, if there is one.

    Likeness of the whole is not enough: `create_customer` is much like `delete_customer`.
    """
    words = words_of(shown(given))
    likely = [one for one in names if _is_within(words, words_of(one))]
    return max(likely, key=lambda one: likeness("_".join(words), one), default=None)


def words_of(name: str) -> list[str]:
    """Return the words of a name."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _is_within(given: list[str], known: list[str]) -> bool:
    if likeness("_".join(given), "_".join(known)) >= _NEARLY_THE_SAME:
        return True
    fewer, more = sorted((given, known), key=len)
    return bool(fewer) and all(any(likeness(a, b) >= ALIKE for b in more) for a in fewer)


def likeness(one: str, other: str) -> float:
    """Return how alike two names are, from 0 to 1."""
    return SequenceMatcher(None, one, other).ratio()
