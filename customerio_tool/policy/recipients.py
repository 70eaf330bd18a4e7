"""Compares those whom a call writes to with the allowed recipients."""

from __future__ import annotations

import re
import string
from collections.abc import Collection

from customerio_tool.errors import FieldProblem
from customerio_tool.subtools.declare import Reach

_ENTRY = re.compile(r"(?:[^\s@,;:<>()\"*]+@|@)?(?:[^\s@,;:<>()\"*.]+\.)+[^\s@,;:<>()\"*.]+")
_INDIRECT = re.compile(r"[{%!]")
"""What is in an address that a template fills in, or that its host may pass on to another."""

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def is_allow_list_entry(text: str) -> bool:
    """Tell whether a text can stand on an allow-list: a bare e-mail address, or a domain."""
    return _ENTRY.fullmatch(text) is not None


def recipient_problems(reach: Reach, allowed: Collection[str]) -> list[FieldProblem]:
    """Return what keeps a call from an allow-list: each address not on it, and each unknown one.

    Args:
        reach: Whom the call reaches.
        allowed: Addresses, and domains with or without a leading `@`; a domain does not include
            its subdomains. ASCII letters are compared without case, others exactly: folding those
            can turn one domain into another.
    """
    entries = {_folded(entry).removeprefix("@") for entry in allowed}
    outside = [path for path, address in reach.known if not _on_list(_folded(address), entries)]
    fix = "write only to recipients that the operator of this agent allows"
    return [
        *(FieldProblem(path, "is not an allowed recipient", fix) for path in outside),
        *(
            FieldProblem(path, "may reach people who are not allowed", fix)
            for path in reach.unknown
        ),
    ]


def _on_list(address: str, entries: Collection[str]) -> bool:
    if address in entries:
        return True
    return address.rpartition("@")[2] in entries and not _INDIRECT.search(address)


def _folded(text: str) -> str:
    return text.translate(_ASCII_LOWER)
