"""Whom a call writes to, as far as its arguments tell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


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


def override_of(name: str) -> str:
    """Return the name of an event's property as a lenient reader may take it.

    Whether Customer.io takes `Recipient` for `recipient` is UNVERIFIED; the stricter reading does.
    """
    return name.strip().casefold()
