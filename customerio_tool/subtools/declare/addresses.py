"""Checks the form of e-mail addresses, and reads a list that is written as text.

An address is the dot-string of RFC 5321 at a domain name; letters above ASCII may stand on both
sides (RFC 6531). A quoted local part and an IP address are refused: Customer.io does not say that
it takes them, and hardly anybody has one.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from typing import Any

from customerio_tool.errors import Problem
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.characters import holds_hidden

MAX_LOCAL_BYTES = 64
MAX_ADDRESS_BYTES = 254
MAX_LABEL_BYTES = 63

_ADDRESS_FIX = "send one such as ada@example.com"
# They name what is wrong in ASCII: a class of all that is right above takes 3 ms to compile.
_NOT_IN_LOCAL = pattern(r"(?![A-Za-z0-9!#$%&'*+/=?^_`{|}~.-])[\x00-\x7f]")
_NOT_IN_DOMAIN = pattern(r"(?![A-Za-z0-9.-])[\x00-\x7f]")
_DOT_INSIDE = pattern(r"\.[^\s.]")


def is_like_an_address(text: str) -> bool:
    """Return whether a text is shaped as an e-mail address, even if it is none or holds several.

    Such a text has an `@` after its first character, and behind that a dot that does not end it.
    """
    at = text.find("@", 1)
    return at > 0 and _DOT_INSIDE.search(text, at) is not None


def address_fault(text: str, *, needs_dot: bool = True) -> str | None:
    """Return why a text is no bare e-mail address, as a clause; "" if it is nothing of the kind.

    Args:
        text: The text.
        needs_dot: Whether the domain must have a dot, which an intranet's host has not.

    Returns:
        None for an address. A clause quotes one character of ASCII at most.
    """
    if holds_hidden(text):
        return "it holds white space or a character that does not show"
    local, at, domain = text.rpartition("@")
    if not (at and local and domain):
        return ""
    if "@" in local:
        return "it holds more than one @"
    if wrong := _NOT_IN_LOCAL.search(local) or _NOT_IN_DOMAIN.search(domain):
        return f"it holds {wrong[0]!r}, which no address has"
    if fault := _local_fault(local) or _domain_fault(domain, needs_dot=needs_dot):
        return fault
    is_long = len(text.encode()) > MAX_ADDRESS_BYTES
    return f"it is longer than {MAX_ADDRESS_BYTES} bytes" if is_long else None


def _local_fault(local: str) -> str | None:
    if "" in local.split("."):
        return "a dot begins, ends or repeats before its @"
    if len(local.encode()) > MAX_LOCAL_BYTES:
        return f"more than {MAX_LOCAL_BYTES} bytes stand before its @"
    return None


def _domain_fault(domain: str, *, needs_dot: bool) -> str | None:
    labels = domain.split(".")
    if "" in labels:
        return "a dot begins, ends or repeats after its @"
    if needs_dot and len(labels) == 1:
        return "its domain has no dot"
    if any(label[0] == "-" or label[-1] == "-" for label in labels):
        return "a part of its domain begins or ends with a hyphen"
    if labels[-1].isdigit():
        return "its domain is a number"
    if not all(map(_is_label, labels)):
        return "its domain holds a character that no domain has"
    if max(map(_label_bytes, labels)) > MAX_LABEL_BYTES:
        return f"a part of its domain is longer than {MAX_LABEL_BYTES} bytes"
    return None


def _is_label(label: str) -> bool:
    """Return whether a part of a domain has only letters, marks and digits besides hyphens."""
    composed = unicodedata.normalize("NFC", label)
    kinds = [unicodedata.category(one) for one in label if one != "-"]
    is_word = all(kind[0] in "LM" or kind == "Nd" for kind in kinds) and kinds[0][0] != "M"
    return is_word and unicodedata.normalize("NFKC", label) == composed


def _label_bytes(label: str) -> int:
    return len(label) if label.isascii() else len(label.encode("punycode")) + len("xn--")


def bare_address(text: str, *, needs_dot: bool = True) -> str:
    """Refuse a text that is not one bare e-mail address, and say why it is none."""
    fault = address_fault(text, needs_dot=needs_dot)
    if fault is not None:
        raise Problem(f"is not an e-mail address{fault and f', as {fault}'}", _ADDRESS_FIX)
    return text


_STRING = pattern(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_BETWEEN_STRINGS = pattern(r"(?:[\[\](){},:\s\d.-]|True|False|None)*")
_UNUSUAL_ESCAPE = pattern(r"\\[^\\'\"nrtxuU]")
_MAX_CHARS_OF_PYTHON = 500_000
_MAX_BACKSLASHES = 100
"""A text that is read again from each escaped quotation mark would take minutes."""


def listed(text: str) -> list[Any] | None:
    """Return the list that a text holds, in JSON or as Python shows it; None if it holds none."""
    if text.lstrip()[:1] not in ("[", "("):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _shown_by_python(text.strip())
    return list(found) if isinstance(found, (list, tuple)) else None


def _shown_by_python(text: str) -> Any:
    """Return the value of Python's text for it, made of its plain types alone; None for others."""
    if len(text) > _MAX_CHARS_OF_PYTHON or text.count("\\") > _MAX_BACKSLASHES:
        return None
    between = _STRING.sub("", text)
    if _UNUSUAL_ESCAPE.search(text) or not _BETWEEN_STRINGS.fullmatch(between):
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
