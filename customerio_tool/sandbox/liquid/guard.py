"""Looks through a template before it is parsed: the parser takes squared time on broken ones."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .steps import NotRendered
from .values import LARGEST

MOST_TAGS = 2_000
LONGEST_TAG = 5_000  # characters
_OF_TAG = 20  # steps

_START = re.compile(r"\{[{%]")
_RAW = re.compile(r"\{%-?\s{0,99}raw\s{0,99}-?%\}")
_ENDRAW = re.compile(r"\{%-?\s{0,99}endraw\s{0,99}-?%\}")


@dataclass(frozen=True)
class Parts:
    """How many tags and outputs a template has, and the steps of parsing it."""

    tags: int
    steps: int


def parts_of(source: str) -> Parts:
    """Count what the parser will find in a template.

    Raises:
        NotRendered: one has no end, or is empty or too long; there are too many; or the template
            is too long.
    """
    if len(source) > LARGEST:
        raise NotRendered(f"it is longer than {LARGEST:,} characters")
    count, at, steps = 0, 0, 1 + len(source) // 1024
    while start := _START.search(source, at):
        count += 1
        if count > MOST_TAGS:
            raise NotRendered(f"it has more than {MOST_TAGS:,} tags")
        end = _end_of(source, start)
        length = min(end - start.start(), LONGEST_TAG)
        steps += _OF_TAG + (length // 64) ** 2  # the library looks ahead from each bracket
        at = end
    return Parts(count, steps)


def _end_of(source: str, start: re.Match[str]) -> int:
    kind, closing = ("Variable", "}}") if start[0] == "{{" else ("Tag", "%}")
    end = source.find(closing, start.end())
    shown = source[start.start() : start.start() + 40]
    if end < 0:
        raise NotRendered(f"{kind} '{shown}' was not properly terminated with {closing}")
    if end - start.end() > LONGEST_TAG:
        raise NotRendered(f"{kind} '{shown}' is longer than {LONGEST_TAG:,} characters")
    code = source[start.end() : end].strip("- \t\r\n\f\v")
    if not code or code.isspace() or not re.match(r"[\w#'\"\[(-]", code):
        raise NotRendered(f"{kind} '{shown}' names nothing")
    if raw := _RAW.match(source, start.start()):
        endraw = _ENDRAW.search(source, raw.end())
        if endraw is None:
            raise NotRendered("raw tag was never closed")
        return endraw.end()
    return end + len(closing)
