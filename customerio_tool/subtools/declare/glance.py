"""Tells at a glance which identifiers of people are sound; the others are checked with care.

A text that passes is one that every check of `PersonId` and `check_type` passes unchanged, which a
property test holds. Letters of any script may be in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.identifiers import CIO_PREFIX, IdType
from customerio_tool.subtools.declare.placeholders import LAST_WORDS

_MAX_CHARS = 37
"""Characters of four bytes each that are within the 150 bytes of an id, and the 64 of a mailbox."""

_NO_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Fillers, which show nothing although Unicode counts them as letters."""

_MARKS = r"\u0300-\u034e\u0350-\u036f\u093a-\u094d\u0e31-\u0e4e"
"""Marks above and below letters: accents of their own, Devanagari and Thai."""


def _id_of(characters: str) -> re.Pattern[str]:
    return pattern(
        rf"(?!{CIO_PREFIX})(?=\w)[{characters}]*[1-9][{characters}]*"
        # `void 0` and `cio void 0` are placeholders, as are zeros.
        rf"|(?![cv])[a-z][{characters}]*0[{characters}]*"
    )


_ID = _id_of(rf"\w.+{_MARKS}-")
_ASCII_ID = _id_of("A-Za-z0-9_.+-")
"""The same for ASCII alone, in which a search is three times as fast."""

_MAILBOX = r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
_DOMAIN = rf"(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+(?!(?:{'|'.join(sorted(LAST_WORDS))})\Z)[a-z]+"
_SOUND_EMAIL = pattern(rf"(?!{CIO_PREFIX}){_MAILBOX}@{_DOMAIN}")


class _Sound(list[str]):
    """Identifiers that passed, and their type, so that nobody looks at them again."""

    kind: IdType


def kind_at_a_glance(texts: Sequence[Any]) -> IdType | None:
    """Return the type of identifiers that are all sound and of one shape; None if that is unclear.

    Args:
        texts: The identifiers, at least one.
    """
    if isinstance(texts, _Sound):
        return texts.kind
    if set(map(type, texts)) != {str} or max(map(len, texts)) > _MAX_CHARS:
        return None
    together = "".join(texts)
    if any(map(together.__contains__, _NO_LETTERS)):
        return None
    if "@" in texts[0]:
        return "email" if all(map(_SOUND_EMAIL.fullmatch, texts)) else None
    sound_id = (_ASCII_ID if together.isascii() else _ID).fullmatch
    return "id" if all(map(sound_id, texts)) else None


def is_sound_address(text: Any) -> bool:
    """Return whether a value is certainly one bare e-mail address; False is no proof."""
    return (
        type(text) is str and len(text) <= _MAX_CHARS and _SOUND_EMAIL.fullmatch(text) is not None
    )


def _one(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return value if kind_at_a_glance((value,)) else check(value)


def _all(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    kind = kind_at_a_glance(value) if type(value) is list and 0 < len(value) <= 1000 else None
    if kind is None:
        return check(value)
    sound = _Sound(value)
    sound.kind = kind
    return sound


def _address(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return value if is_sound_address(value) else check(value)


address_at_a_glance = WrapValidator(_address)
"""The same for an e-mail address."""

sound_at_a_glance = WrapValidator(_one)
"""Spares a sound identifier its checks; put it last, around them."""

all_sound_at_a_glance = WrapValidator(_all)
"""The same for a list of identifiers."""
