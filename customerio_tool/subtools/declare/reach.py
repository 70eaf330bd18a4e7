"""The recipients of a call, derived from its arguments."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import field
from typing import Any, TypeAlias

from customerio_tool.records import record
from customerio_tool.subtools.declare.characters import visible


@record(frozen=True)
class Reach:
    """The recipients of a call; `repr` does not show their addresses.

    Args:
        known: Pairs of an argument's path and the e-mail address in it.
        unknown: Paths of arguments that stand for people with unknown addresses.
    """

    known: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    unknown: tuple[str, ...] = ()


Addressee: TypeAlias = tuple[str, str]
"""The type of an identifier (`id`, `email`, `cio_id` or `broadcast`), and the identifier."""


@record(frozen=True)
class Addressees:
    """To whom a message goes, as far as its call tells; `repr` shows nothing of them.

    Args:
        marked: Those who are in doubt if the call gets no answer.
        met: Those whose doubts the call has to respect.
        says: JSON values that stand for what the message says.
        may_say: Such values of the messages that it may be under another spelling.
        is_listed: Whether a list of messages has it soon after it was accepted.
        channel: The kind of message that the list shows; None where its call does not tell.
    """

    marked: tuple[Addressee, ...] = field(default=(), repr=False)
    met: tuple[Addressee, ...] = field(default=(), repr=False)
    says: tuple[Any, ...] = field(default=(), repr=False)
    may_say: tuple[Any, ...] = field(default=(), repr=False)
    is_listed: bool = False
    channel: str | None = None


def at_paths(argument: str, addresses: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of path and address: `to` for a single address, else `to[0]`, `to[1]` etc."""
    if len(addresses) == 1:
        return tuple((argument, address) for address in addresses)
    return tuple((f"{argument}[{i}]", address) for i, address in enumerate(addresses))


def override_of(name: str) -> str:
    """Return the name of an event's property, in the form for comparisons.

    A property `recipient` overrides the recipient of a message. Whether `Recipient` does so too, or
    the same name in wide letters or with characters that do not show, is UNVERIFIED; a check of
    this form covers them all.
    """
    return visible(unicodedata.normalize("NFKC", name)).strip().casefold()
