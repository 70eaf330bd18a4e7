"""The form of an e-mail address in a send: RFC 5321's dot-string at a domain name, or refused.

What the vendor does with other texts is UNVERIFIED (fact address-form).
"""

from __future__ import annotations

import unicodedata

_ATEXT = frozenset("!#$%&'*+-/=?^_`{|}~")
_UNSEEN_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc")


def is_address(text: str) -> bool:
    """Whether a text is one bare address."""
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text.encode()) <= 254
        and len(local.encode()) <= 64
        and all(atom and all(map(_in_atom, atom)) for atom in local.split("."))
        and len(labels) > 1
        and all(map(_is_label, labels))
        and not labels[-1].isdigit()
    )


def bare(entry: str) -> str:
    """The address of an entry that may have a display name: what the last brackets hold."""
    _, bracket, rest = entry.rpartition("<")
    return rest.removesuffix(">") if bracket and rest.endswith(">") else entry


def _in_atom(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in _ATEXT
    return _is_visible(char)


def _is_visible(char: str) -> bool:
    selector = "\ufe00" <= char <= "\ufe0f" or "\u180b" <= char <= "\u180f" or char >= "\U000e0000"
    kind = unicodedata.category(char)
    return not (selector or char in _UNSEEN_FILLERS or kind in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"))


def _is_label(label: str) -> bool:
    if not label or "-" in (label[0], label[-1]):
        return False
    if label.isascii():
        return len(label) <= 63 and all(char.isalnum() or char == "-" for char in label)
    kinds = [unicodedata.category(char) for char in label if char != "-"]
    composed = unicodedata.normalize("NFC", label)
    return (
        (
            (
                all(map(_is_visible, label))
                and all(kind[0] in "LM" or kind == "Nd" for kind in kinds)
                and kinds[0][0] == "L"
            )
            or kinds[0] == "Nd"
        )
        and unicodedata.normalize("NFKC", label) == composed
        and len(label.encode("punycode")) <= 59
    )
