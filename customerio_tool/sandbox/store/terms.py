"""The terms by which a person is found: each value, and each of its ends that begins a word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

LONGEST = 60  # characters
MOST = 300  # terms of one person
_WORD = re.compile(r"(?<=\W)\w")


def normal(text: str) -> str:
    """A text as it is compared: case and the amount of white space do not matter."""
    return " ".join(text[: 4 * LONGEST].casefold().split())[:LONGEST]


def search_terms(person_id: str | None, email: str | None, attributes: str) -> str:
    """The terms of a person as a JSON list.

    Args:
        person_id: the id.
        email: the e-mail address.
        attributes: the attributes as JSON. Lists, objects and booleans are not searched.
    """
    values = [each for each in (person_id, email) if each]
    values += [
        str(each)
        for each in json.loads(attributes).values()
        if isinstance(each, (str, int, float)) and not isinstance(each, bool)
    ]
    return json.dumps(_first(_all(values)), ensure_ascii=False)


def _all(values: list[str]) -> Iterator[str]:
    """The whole values first: of somebody with many long ones, the ends are left out."""
    yield from map(normal, values)
    for value in values:
        text = value[: 10 * LONGEST]
        for word in _WORD.finditer(text):
            yield normal(text[word.start() :])


def _first(terms: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    for term in terms:
        if term:
            found[term] = None
        if len(found) == MOST:
            break
    return list(found)
