"""`KeyMask`: removes the keys of a connection from texts, however a text spells them."""

from __future__ import annotations

import base64
import json
import sys
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from customerio_tool.patterns import pattern
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.characters import visible

if TYPE_CHECKING:
    from customerio_tool.connection.connection import Connection

SHORTEST_MASKED = 8
"""The least characters of a key that is masked: a shorter one would match by chance, and no real
key is that short."""

_MASKED = "***"
_LAYERS = 4
"""How many encodings around each other are decoded, such as percent-encoding in HTML."""

_ESCAPES = "%&\\"
"""One of these, or an equals sign with a number, is in every escape; a text above ASCII may hold
wide letters."""

_HEX = r"([0-9A-Fa-f]{2})"
_ESCAPE = pattern(
    rf"\\u([0-9A-Fa-f]{{4}})|\\u\{{([0-9A-Fa-f]{{1,6}})\}}|\\U([0-9A-Fa-f]{{8}})|\\x{_HEX}|={_HEX}"
)
_QUOTED = pattern(f"={_HEX}")
_OCTAL = pattern(r"\\([0-3][0-7]{2})")
_BACKSLASHED = pattern(r"\\(.)")


class KeyMask:
    """Returns texts with `***` in place of each key of a connection.

    Keys are found in any case, as they are, in base64, in hexadecimal, in Basic credentials,
    divided by white space, in wide letters, and in the escapes of JSON, HTML, URLs, program texts
    and quoted-printable mail. The text must be without
    characters that do not show.
    """

    __slots__ = ("_shortest", "_spellings")

    def __init__(self, connection: Connection) -> None:
        self._spellings = Secret(tuple(sorted(set(_spellings(connection)), key=_longest)))
        self._shortest = min(map(len, self._spellings.reveal()), default=0)

    def __repr__(self) -> str:
        return f"KeyMask({_MASKED})"

    def __call__(self, text: str) -> str:
        """Return a text without the keys; one that hides a key in escapes is decoded first."""
        if not self._shortest or len(text) < self._shortest:
            return text
        # No spelling holds white space, so whatever shows a key shows it when closed up.
        if not _may_hide(text) and not self._is_in(_lower("".join(text.split()))):
            return text
        masked = self._plain(text)
        decoded = masked
        for _ in range(_LAYERS):
            if not _may_hide(decoded) or (inside := _decoded(decoded)) == decoded:
                break
            decoded = inside
            if (shown := self._plain(decoded)) != decoded:
                masked = decoded = shown
        closed_up = "".join(decoded.split())
        if len(closed_up) == len(decoded):  # it was searched already
            return masked
        return masked if (shown := self._plain(closed_up)) == closed_up else shown

    def _is_in(self, lower: str) -> bool:
        """Whether a text in lower case holds a spelling."""
        return any(map(lower.__contains__, self._spellings.reveal()))

    def _plain(self, text: str) -> str:
        if not self._is_in(_lower(text)):
            return text
        for sealed in map(Secret, self._spellings.reveal()):
            text = _without(text, sealed)
        return text


def _longest(spelling: str) -> tuple[int, str]:
    return -len(spelling), spelling


def _spellings(connection: Connection) -> Iterator[str]:
    """Yield the spellings of each key, in lower case."""
    keys = [key.reveal() for key in (connection.track_api_key, connection.app_api_key) if key]
    if Api.TRACK in connection.apis:
        keys.append(connection.authorization(Api.TRACK).removeprefix("Basic "))
        keys.append(f"{connection.site_id}:{keys[0]}")
    for key in keys:
        if len(key) < SHORTEST_MASKED:
            continue
        found = [
            key,
            key.encode().hex(":"),
            json.dumps(key)[1:-1],
            quote(key, safe=""),
            key.encode().hex(),
            *_base64(key),
        ]
        yield from (one.lower() for one in found if len(one) >= SHORTEST_MASKED)


def _base64(key: str) -> Iterator[str]:
    """Yield the base64 of a key, also as a part of a longer text: it then begins at any bit."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + key.encode()).decode().rstrip("=")
        begins, ends = (0, 2, 3)[before], len(whole) - ((before + len(key.encode())) % 3 > 0)
        inside = whole[begins:ends]
        yield inside
        yield inside.translate(str.maketrans("+/", "-_"))


def _without(text: str, spelling: Secret[str]) -> str:
    """Return a text without a spelling, in any case of its letters."""
    lower = _lower(text)
    pieces, begin = [], 0
    while (at := lower.find(spelling.reveal(), begin)) >= 0:
        pieces += [text[begin:at], _MASKED]
        begin = at + len(spelling.reveal())
    return "".join([*pieces, text[begin:]]) if pieces else text


def _lower(text: str) -> str:
    """Return a text in lower case, and as long as it is: the lower case of `İ` has two letters."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in text)


def _may_hide(text: str) -> bool:
    """Return whether a text may hold an escape or a wide letter; most replies hold an `=`."""
    if not text.isascii() or any(map(text.__contains__, _ESCAPES)):
        return True
    return "=" in text and _QUOTED.search(text) is not None


def _decoded(text: str) -> str:
    """Return a text with its escapes decoded once, and wide letters as usual ones."""
    from html import unescape  # its table of names costs a start what few replies need

    escape = _ESCAPE if "\\" in text else _QUOTED
    plain = escape.sub(
        lambda found: _character(int("".join(filter(None, found.groups())), 16)), text
    )
    if "\\" in plain:
        plain = _OCTAL.sub(lambda found: chr(int(found[1], 8)), plain)
        plain = _BACKSLASHED.sub(r"\1", plain)
    return visible(unicodedata.normalize("NFKC", unquote(unescape(plain))))


def _character(number: int) -> str:
    return chr(number) if number <= sys.maxunicode else ""
