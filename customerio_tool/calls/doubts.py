"""Remembers to whom a message may have gone, so that another one to them meets that doubt.

A template's name or number, a person's id or address, an e-mail or a push: to the ledger each
spelling is a message of its own. So a send also marks those to whom it goes, and the mark counts if
no answer came, or if the process died before one. In the same run, or for 10 minutes where the host
names none, a send to one of them looks first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, get_args

from customerio_tool.backends.ledger.entry import Entry, Ledger, State
from customerio_tool.calls.call import Call
from customerio_tool.calls.message_keys import (
    RUN_SECONDS,
    WINDOW_SECONDS,
    addressee_key,
    digest_of,
    is_key,
)
from customerio_tool.errors import Look
from customerio_tool.subtools.declare import Addressee, canonical, iso_time, shape_of
from customerio_tool.subtools.declare.identifiers import CIO_PREFIX, IdType
from customerio_tool.subtools.declare.invocation import CLOCK_SLACK_SECONDS
from customerio_tool.subtools.declare.vendor_json import Item, objects_in, whole_in
from customerio_tool.subtools.parts.message_looks import MAX_MESSAGES, messages_since
from customerio_tool.subtools.parts.origins import is_of_stranger
from customerio_tool.subtools.parts.vocabulary import Channel

SETTLED_SECONDS = 600.0
"""How long after a call the list of messages can prove that nothing went, in seconds.

How late Customer.io lists a message is UNVERIFIED: "after a delay". This is a guess on the safe
side; before it, only a person lets another message go.
"""

MAX_PAGES = 5
"""Pages that one look reads; a list that does not end on them proves nothing."""

MAX_EARLY = 16
"""The most addressees that are marked before a send: each mark is a write. An e-mail has fewer."""

Read: TypeAlias = Callable[[Look], "Item | None"]
"""Makes a read within the deadline of the call; None if it failed."""


@dataclass(frozen=True)
class Doubt:
    """An earlier call whose message may have gone to one to whom this call writes.

    Args:
        addressee: The one to whom both go.
        entry: The mark that the earlier call left.
    """

    addressee: Addressee = field(repr=False)
    entry: Entry

    @property
    def is_person(self) -> bool:
        """Whether the addressee is the earlier call's person, not only an address in it."""
        return self.entry.facts.get("is_person") is True

    @property
    def is_provable(self) -> bool:
        """Whether a list of the addressee's messages has the message, if it went."""
        return self.entry.facts.get("is_listed") is True and self.is_person

    @property
    def channel(self) -> Channel | None:
        """The kind of the earlier message, where its call told it."""
        found = self.entry.facts.get("channel")
        return next((each for each in get_args(Channel) if each == found), None)

    @property
    def address(self) -> str | None:
        """The address that the earlier message went to, where its person is not known."""
        return None if self.is_person or self.addressee[0] != "email" else self.addressee[1]

    def look(self, call: Call[Any]) -> Look | None:
        """Return the read that shows whether the earlier message went."""
        at, channel = replace(call.at, now=self.entry.started_at), self.channel
        kind, identifier = self.addressee
        if kind == "broadcast":
            return replace(call, at=at).look()
        if self.address:
            end = iso_time(self.entry.ends_at + CLOCK_SLACK_SECONDS)
            return messages_since(at, type=channel, end_time=end)
        who = CIO_PREFIX + identifier if kind == "cio_id" else identifier
        return messages_since(at, customer_id=who, id_type=None if shape_of(who) == kind else kind)


class Doubts:
    """The doubts that one send meets, and those that it leaves.

    Args:
        ledger: The store of the doubts.
        call: A call of a subtool that sends.
        started: The entry of the message itself.
        message: The key of that entry.
    """

    def __init__(self, ledger: Ledger, call: Call[Any], started: Entry, message: str) -> None:
        self._ledger = ledger
        self._call = call
        self._addressees = call.subtool.addressees_of(call.args, call.at)
        self._started = started
        self._message = message
        person = call.subtool.person_of(call.args)
        self._person = None if person is None else canonical(person[1], person[0])
        self._facts: dict[str, Any] = {
            "is_listed": self._addressees.is_listed,
            "channel": self._addressees.channel,
            "says": self._digests(self._addressees.says),
            "message": message,
        }

    def met(self, now: float) -> list[Doubt]:
        """Return the doubts about those to whom the call writes, and mark those without one.

        Such a mark counts as long as the entry of its message is `unknown`, so nobody removes it.

        Raises:
            LedgerLost: The store cannot be used.
        """
        met, early, found = self._addressees.met, self._early, list[Doubt]()
        for addressee in dict.fromkeys((*met, *early)):
            key, is_early = self._key(addressee), addressee in early
            own = self._entry(addressee, "started")
            held = self._ledger.claim(key, own, now) if is_early else self._ledger.find(key, now)
            state = self._state_of(held, now) if held else "started"
            if held and state == "unknown" and addressee in met:
                found.append(Doubt(addressee, held))
            if state == "sent" and is_early:
                self._ledger.settle(key, own, now)
        return found

    @property
    def _early(self) -> tuple[Addressee, ...]:
        """Those who are marked before the send."""
        return self._addressees.marked[-MAX_EARLY:]

    def _state_of(self, mark: Entry, now: float) -> State:
        """Return what became of the message of a mark; `sent` also if it certainly did not go."""
        message = mark.facts.get("message")
        if mark.state != "started" or not is_key(message):
            return "unknown"
        entry = None if message == self._message else self._ledger.find(message, now)
        return entry.as_of(now).state if entry else "sent"

    def forget(self, proven: Iterable[Doubt], now: float) -> None:
        """End the doubts about messages that certainly did not go, and mark for this call."""
        for doubt in proven:
            key = self._key(doubt.addressee)
            if doubt.addressee in self._early:
                self._ledger.settle(key, self._entry(doubt.addressee, "started"), now)
            else:
                self._ledger.release(key)

    def keep(self, now: float) -> None:
        """Leave all to whom the call writes in doubt."""
        for addressee in self._addressees.marked:
            key, own = self._key(addressee), self._entry(addressee, "unknown")
            held = self._ledger.find(key, now)
            if held and self._state_of(held, now) != "sent":  # no one look settles two doubts
                own = replace(own, started_at=min(held.started_at, own.started_at), facts={})
            self._ledger.settle(key, own, now)

    def may_repeat(self, doubt: Doubt) -> bool:
        """Whether the call may be the earlier message in another spelling."""
        said = doubt.entry.facts.get("says")
        return isinstance(said, list) and any(
            digest in said for digest in self._digests(self._addressees.may_say)
        )

    def _key(self, addressee: Addressee) -> str:
        return addressee_key(self._call.at.workspace, addressee, self._call.context.run_id)

    def _entry(self, addressee: Addressee, state: State) -> Entry:
        lasts = RUN_SECONDS if self._call.context.run_id else WINDOW_SECONDS
        facts = {**self._facts, "is_person": addressee == self._person}
        of, ends_at = self._started, self._started.ends_at
        return Entry(state, of.fingerprint, of.started_at, ends_at, ends_at + lasts, facts)

    def _digests(self, values: Iterable[Any]) -> list[str]:
        return [digest_of("says", self._call.at.workspace, value) for value in values]


def earlier_calls(met: Iterable[Doubt]) -> list[Doubt]:
    """Return one doubt for each earlier call: one that a look can settle, if there is one."""
    chosen: dict[tuple[str, float], Doubt] = {}
    for doubt in sorted(met, key=lambda each: each.is_provable):
        chosen[doubt.entry.fingerprint, doubt.entry.started_at] = doubt
    return list(chosen.values())


@dataclass(frozen=True)
class Sight:
    """What the list of messages shows of an earlier call.

    Args:
        proves_absence: Whether it proves that the message did not go.
        message: The newest message that may be of that call.
        is_likely: Whether a message of the same kind began with that call, and has no other origin.
    """

    proves_absence: bool = False
    message: Item | None = field(default=None, repr=False)
    is_likely: bool = False

    @property
    def sentence(self) -> str:
        """What was seen, as a sentence; empty if nothing was."""
        created = None if self.message is None else whole_in(self.message.get("created"))
        if self.message is None or created is None:
            return ""
        return f"Message {self.message.get('id')} of {iso_time(created)} is possibly of that call."


def look_for(doubt: Doubt, call: Call[Any], read: Read, now: float) -> Sight:
    """Look whether the message of an earlier call went.

    A list proves that it did not if it is complete, names nobody else, holds no message since then
    that could be it, and the earlier call ended `SETTLED_SECONDS` ago.
    """
    look = doubt.look(call)
    found, is_complete = _listed(look, read) if look else ([], False)
    since = doubt.entry.started_at - CLOCK_SLACK_SECONDS
    may_be = [each for each in found if _may_be(each, doubt.channel, doubt.address, since)]
    likely = [each for each in may_be if _is_likely(each, doubt)]
    newest = max(likely or may_be, key=_created, default=None)
    is_settled = now - doubt.entry.ends_at >= SETTLED_SECONDS
    is_about_them = not any(_is_of_stranger(doubt, each) for each in found)
    is_whole = is_complete and is_about_them
    is_proof = doubt.is_provable and is_settled and is_whole and not may_be
    return Sight(is_proof, newest, bool(likely))


def _listed(look: Look, read: Read) -> tuple[list[Item], bool]:
    """Return the messages of all pages, and whether they are all."""
    found: list[Item] = []
    asked: dict[str, Any] = {**look.arguments, "limit": MAX_MESSAGES}
    for _ in range(MAX_PAGES):
        page = read(Look(look.subtool, asked))
        if page is None:
            return found, False
        found += objects_in(page.get("messages"))
        if not page.get("next"):
            return found, True
        asked = {**asked, "cursor": str(page["next"])}
    return found, False


def _is_of_stranger(doubt: Doubt, message: Item) -> bool:
    kind, identifier = doubt.addressee
    return any(is_of_stranger(identifier, each, message) for each in _KINDS if each == kind)


_KINDS = get_args(IdType)


def _created(message: Item) -> int:
    return whole_in(message.get("created")) or 0


def _may_be(message: Item, channel: object, address: str | None, since: float) -> bool:
    """Return whether a message may be of a call; what it does not say speaks for that."""
    if channel and message.get("type") not in (None, channel):
        return False
    recipient = message.get("recipient")
    if address and isinstance(recipient, str) and address not in recipient.lower():
        return False
    return not _created(message) or _created(message) >= since


_OTHER_ORIGINS = ("campaign_id", "broadcast_id", "newsletter_id")


def _is_likely(message: Item, doubt: Doubt) -> bool:
    """Return whether a message that may be of a call says all that it must to be of it.

    No clock may differ for that: a message before the call was another one.
    """
    began, channel = int(doubt.entry.started_at), doubt.channel
    has_other_origin = any(message.get(name) for name in _OTHER_ORIGINS)
    is_of_channel = channel is not None and message.get("type") == channel
    is_there = doubt.address is None or doubt.address in str(message.get("recipient")).lower()
    is_then = began <= _created(message) <= doubt.entry.ends_at + CLOCK_SLACK_SECONDS
    return is_of_channel and is_there and is_then and not has_other_origin
