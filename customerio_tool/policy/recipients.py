"""Checks the recipients of a call against the allow-list."""

from __future__ import annotations

import re
import string
from collections.abc import Collection
from typing import Any

from customerio_tool.errors import FieldProblem
from customerio_tool.subtools.declare import Args, Reach, Subtool, address_fault, override_of
from customerio_tool.subtools.parts.mail import may_hide_address, reach_of

_ENTRY = re.compile(r"(?:[^\s@,;:<>()\"*]+@|@)?(?:[^\s@,;:<>()\"*.]+\.)+[^\s@,;:<>()\"*.]+")
_ROUTED = re.compile(r"[%!]")
"""Characters of an address that a mail host may route to another host."""

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def is_allow_list_entry(text: str) -> bool:
    """Whether a text is a valid entry of an allow-list: a bare e-mail address, or a domain."""
    domain = text.rpartition("@")[2]
    address = text if text.partition("@")[0] != "" and domain != text else f"x@{domain}"
    return _ENTRY.fullmatch(text) is not None and address_fault(address) is None


def reached(subtool: Subtool[Any], args: Args) -> Reach:
    """Return the recipients of a call, with the address that an event's data redirects to."""
    declared = subtool.reach(args) if subtool.reach else Reach()
    data = subtool.data_of(args).items()
    given = [v for name, v in data if override_of(name) == "recipient" and v is not None]
    if not given:
        return declared
    redirected = reach_of(
        {f"{subtool.data_argument}.recipient": given[0] if len(given) == 1 else given}
    )
    return Reach(declared.known + redirected.known, declared.unknown + redirected.unknown)


def recipient_problems(reach: Reach, allowed: Collection[str]) -> list[FieldProblem]:
    """Return a problem for each recipient that is not on the allow-list or not known.

    Args:
        reach: The recipients of the call.
        allowed: Addresses, and domains with or without a leading `@`; a domain does not include
            its subdomains. The case of ASCII letters is ignored; other letters are compared
            exactly, as case folding can turn one domain into another.
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


def on_both_lists(one: Collection[str], other: Collection[str]) -> frozenset[str]:
    """Return the allow-list of what two of them allow: the entries of each that the other has.

    An address is on a list also by its domain; so both lists together allow what each allows.
    """
    lists = [{_folded(entry).removeprefix("@") for entry in each} for each in (one, other)]
    return frozenset(
        entry for own, its in (lists, lists[::-1]) for entry in own if _on_list(entry, its)
    )


def _on_list(address: str, entries: Collection[str]) -> bool:
    if address in entries:
        return True
    is_plain = not _ROUTED.search(address) and not may_hide_address(address)
    return address.rpartition("@")[2] in entries and is_plain


def _folded(text: str) -> str:
    return text.translate(_ASCII_LOWER)
