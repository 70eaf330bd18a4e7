"""Whom a call reaches, as far as its arguments tell, and who of them is on an allow-list."""

from __future__ import annotations

import re
import string
from collections.abc import Collection
from dataclasses import dataclass, field

from customerio_tool.errors import FieldProblem

_ENTRY = re.compile(r"(?:[^\s@,;:<>()\"*]+@|@)?(?:[^\s@,;:<>()\"*.]+\.)+[^\s@,;:<>()\"*.]+")
_PASSED_ON = re.compile(r"[{%!]")
"""What is in an address that a template fills in, or that its host may pass on to another."""

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True)
class Reach:
    """Whom a call reaches; its arguments hold personal data, which `repr` does not show.

    Args:
        known: Each e-mail address, after the path of the argument that holds it.
        unknown: The paths of arguments which stand for people whose addresses they do not tell.
    """

    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    unknown: tuple[str, ...] = ()


def at_paths(argument: str, addresses: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Pair each address of an argument with its path: the argument itself where it is the one."""
    if len(addresses) == 1:
        return tuple((argument, address) for address in addresses)
    return tuple((f"{argument}[{i}]", address) for i, address in enumerate(addresses))


def is_entry(text: str) -> bool:
    """Tell whether a text can stand on an allow-list: a bare e-mail address, or a domain."""
    return _ENTRY.fullmatch(text) is not None


def strangers(reach: Reach, allowed: Collection[str]) -> list[FieldProblem]:
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
    return address.rpartition("@")[2] in entries and not _PASSED_ON.search(address)


def override_of(name: str) -> str:
    """Return the name of an event's property as a lenient reader may take it.

    Whether Customer.io takes `Recipient` for `recipient` is UNVERIFIED; the stricter reading does.
    """
    return name.strip().casefold()


def _folded(text: str) -> str:
    return text.translate(_ASCII_LOWER)
