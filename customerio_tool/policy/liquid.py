"""Finds Liquid that may read a hidden attribute of the person to whom a message goes.

Liquid's own readers differ, between versions and between modes. So only a text whose tags every
reader finds in the same places is read tag by tag; any other text is judged as one tag.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.privacy import folded, hides_within

_MAX_DECODINGS = 4

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2}))")
_STRING = re.compile(r"""'[^']*'|"[^"]*\"""")
_LETTER = r"[^\s!-/:-@\[-^`{-~]"
"""What a name may have, the marks of every script included: all but ASCII's punctuation."""

_NAME = rf"{_LETTER}+(?:-+{_LETTER}+)*"
_STEP = rf"""\s*(?:\.\s*{_NAME}|\.?\s*\[\s*(?:'[^']*'|"[^"]*")\s*\])"""
_PERSON = re.compile(
    rf"(?<!\w)(?<!\w-)customer(?!\w|-\w)((?:{_STEP})*)(\s*\.?\s*\[)?", re.IGNORECASE
)
"""The person in an expression: the literal steps into their attributes, and `[` before another."""

_NAME_OF_STEP = re.compile(rf"""\.\s*({_NAME})|'([^']*)'|"([^"]*)\"""")
_COMPUTED_ROOT = re.compile(
    r"(?<![\w\]])(?<![\w\]]\.)\["
    r"|(?<!\w)(?:if|unless|elsif|case|when|and|or|not|in|contains|echo)\["
)
"""A variable whose name is an expression: `[` after what is no variable."""

_HANDS_ON = re.compile(r"(?<!\w)(?:assign|for|tablerow|liquid|with)(?!\w)")
"""The words of a tag that gives an attribute, or a part of one, another name."""


@dataclass(frozen=True)
class _Tags:
    """The code in the tags of a text.

    Args:
        codes: The code of each tag; of the whole text where its tags are in doubt.
        are_certain: Whether every reader of Liquid finds these tags.
    """

    codes: list[str]
    are_certain: bool


def liquid_problem(text: str, hidden: Collection[str]) -> tuple[str, str] | None:
    """Return the problem and the fix of a text whose Liquid may read a hidden attribute.

    An attribute that is printed as a whole may hold others: only those are known that a hidden
    name with dots tells, such as `address.city`.

    Args:
        text: A text of a message, or of an event that triggers one.
        hidden: The folded names of the hidden attributes.
    """
    for given in _readings(text):
        if "{{" not in given and "{%" not in given:
            continue
        written = re.sub(r"\s+", " ", given)  # the patterns take squared time on long white space
        tags = _tags_of(written)
        if _names_hidden(written, hidden) or _names_handed_on(tags, hidden):
            return "reads an attribute that this agent may not see", "take it out of the text"
        if any(_reads_unnamed(code, tags.are_certain) for code in tags.codes):
            return (
                "may read an attribute that this agent may not see",
                "name each attribute as customer.<name>, or take it out of the text",
            )
    return None


def _readings(text: str) -> Iterator[str]:
    """Yield a text as it is and as a mail's HTML, a URL or a string's escapes may decode it."""
    for _ in range(_MAX_DECODINGS):
        yield unicodedata.normalize("NFC", visible(text))
        decoded = _ESCAPE.sub(_character, unquote(html.unescape(text)))
        if decoded == text:
            return
        text = decoded


def _character(found: re.Match[str]) -> str:
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if number <= 0x10FFFF else ""


def _tags_of(text: str) -> _Tags:
    starts = [found.start() for found in re.finditer(r"\{(?=[{%])", text)]
    codes: list[str] = []
    for start, following in zip(starts, [*starts[1:], len(text)], strict=True):
        inside = text[start + 2 : following]
        end = re.search(r"[}%]\}", inside)
        code = inside[: end.start()] if end else ""
        is_own = end is not None and end[0] == ("}}" if text[start + 1] == "{" else "%}")
        if not is_own or re.search("['\"]", _STRING.sub("", code)):
            return _Tags([text[starts[0] + 2 :]], are_certain=False)
        codes.append(code)
    return _Tags(codes, are_certain=True)


def _names_hidden(text: str, hidden: Collection[str]) -> bool:
    if any(hides_within(_names_of(found[1]), hidden) for found in _PERSON.finditer(text)):
        return True
    return any(f"customer.{name}" in folded(text) for name in hidden if not name.isidentifier())


def _names_of(steps: str) -> list[str]:
    return ["".join(groups) for groups in _NAME_OF_STEP.findall(steps)]


def _names_handed_on(tags: _Tags, hidden: Collection[str]) -> bool:
    """Return whether tags hand an attribute on, and a hidden name stands where one may be used."""

    def has_hidden(codes: list[str]) -> bool:
        return any(hides_within([name], hidden) for code in codes for name in _names_of(code))

    reading = [code for code in tags.codes if _PERSON.search(code)]
    if any(_HANDS_ON.search(code) for code in reading):
        return has_hidden(tags.codes)
    return has_hidden([code for code in reading if "|" in code])


def _reads_unnamed(code: str, is_tag: bool) -> bool:
    """Return whether code uses a person as a whole, or a name that it computes."""
    code = _STRING.sub("''", code) if is_tag else code
    if _COMPUTED_ROOT.search(code):
        return True
    return any(
        found[2] or not (found[1] or code[: found.start()].rstrip().endswith("."))
        for found in _PERSON.finditer(code)
    )
