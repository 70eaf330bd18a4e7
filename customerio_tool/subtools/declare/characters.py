"""Characters that do not show, as ranges for a regular expression's character class (`[...]`).

The ranges are those of Unicode 17 (https://www.unicode.org/Public/17.0.0/ucd/, its files
DerivedCoreProperties.txt, extracted/DerivedGeneralCategory.txt and emoji/emoji-data.txt). A test
compares the format characters with Python's own `unicodedata`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""ASCII control characters other than `RETURN` and `TAB_AND_LINE_FEED`."""

RETURN = r"\r"

TAB_AND_LINE_FEED = r"\t\n"

HIGH_CONTROL = r"\x80-\x9f"
"""The control characters U+0080 to U+009F (C1)."""

SEPARATOR = r"\u2028\u2029"
"""Unicode's line separator and paragraph separator."""

SURROGATE = r"\ud800-\udfff"
"""Halves of surrogate pairs, which UTF-8 cannot encode."""

IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's property Default_Ignorable_Code_Point: what a display leaves out.

It holds zero-width characters, marks of text direction, variation selectors, fillers, and the
tag characters, an invisible copy of ASCII that can hide instructions to a model.
"""

FORMAT = (
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Unicode's general category Cf (Format)."""

_BLANK = r"\u2800\ufffc\U00013441\U00013442\U0001d159"
"""Characters without any of these properties whose glyph is empty, such as Braille's blank."""

_PICTOGRAPH = (
    r"\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf"
    r"\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934"
    r"\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5"
    r"\U0001f201-\U0001f3fa\U0001f400-\U0001faff\U0001fc00-\U0001fffd"
)
"""Unicode's property Extended_Pictographic, with the symbols in between."""

_SKIN = r"\U0001f3fb-\U0001f3ff"
_EMOJI = rf"[{_PICTOGRAPH}](?:[{_SKIN}]\ufe0f?|\ufe0f)?"
_KEYCAP = r"[0-9#*]\ufe0f(?=\u20e3)"

_JOINED_SCRIPTS = (
    r"\u0620-\u065f\u066e-\u06dc\u06df-\u06ef\u06fa-\u06ff\u0710-\u07ff\u0840-\u088e\u08a0-\u08e1"
    r"\u08e3-\u0dff\u0f00-\u109f\u1780-\u17b3\u17b6-\u17df\u1807\u1820-\u18aa\u1900-\u1cff"
    r"\ua800-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010a5f"
    r"\U00011000-\U000110bc\U000110be-\U000110cc\U000110ce-\U00011fff"
)
"""The blocks of Arabic, Syriac, Indic and like scripts, whose letters joiners shape."""

_JOINER = rf"(?<=[{_JOINED_SCRIPTS}])[\u200c\u200d]"
"""One zero-width joiner or non-joiner after a letter or mark of such a script."""


_SHAPING = "\u200c\u200d\ufe0f"
"""Only where a text has one of these may a character that does not show stay."""


# Compiled when a text first needs them: sets of this size take milliseconds.


@cache
def _hidden() -> re.Pattern[str]:
    return re.compile(
        rf"({_EMOJI}(?:\u200d{_EMOJI})*|{_KEYCAP}|{_JOINER})"
        rf"|[{CONTROL}{RETURN}{HIGH_CONTROL}{SURROGATE}{IGNORABLE}{FORMAT}]+"
    )


@cache
def _any_hidden() -> re.Pattern[str]:
    return re.compile(f"[{CONTROL}{RETURN}{HIGH_CONTROL}{SURROGATE}{IGNORABLE}{FORMAT}]")


@cache
def _unseen() -> re.Pattern[str]:
    return re.compile(rf"[\s{CONTROL}{HIGH_CONTROL}{SURROGATE}{IGNORABLE}{FORMAT}{_BLANK}]")


def visible(text: str) -> str:
    """Return a text without the characters that do not show; tabs and line feeds stay.

    Joiners and variation selectors stay where they shape what shows: inside an emoji, and after a
    letter of a script that needs them, such as Persian or Malayalam.
    """
    if is_visible(text):
        return text
    if not any(map(text.__contains__, _SHAPING)):
        return _any_hidden().sub("", text)
    return _hidden().sub(r"\1", text)


def is_visible(text: str) -> bool:
    """Return whether a few looks tell that a text holds no character that `visible` may remove.

    False is no proof of the contrary.
    """
    if not (text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()):
        return False
    return text.isascii() or _is_latin(text) or _printable_hidden().isdisjoint(text)


def _is_latin(text: str) -> bool:
    """Return whether a text is of Latin-1: what does not show there, Python does not print."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _printable_hidden() -> frozenset[str]:
    """Return the characters that do not show although Python prints them, such as fillers."""
    return frozenset(filter(str.isprintable, _characters_of(IGNORABLE + FORMAT)))


def _characters_of(ranges: str) -> Iterator[str]:
    ends = ranges.encode().decode("unicode_escape")
    for first, last in re.findall("(.)(?:-(.))?", ends, re.DOTALL):
        yield from map(chr, range(ord(first), ord(last or first) + 1))


def holds_hidden(text: str) -> bool:
    """Return whether a text holds white space, or any character that does not show."""
    if text.isascii() and text.isprintable():
        return " " in text
    return _unseen().search(text) is not None


def has_hidden_edge(text: str) -> bool:
    """Return whether a text begins or ends with something that does not show on its own.

    A combining mark at the beginning has nothing to combine with; at the end it is usual.
    """
    begins_with_mark = unicodedata.category(text[:1] or "x").startswith("M")
    return begins_with_mark or holds_hidden(text[:1] + text[-1:])
