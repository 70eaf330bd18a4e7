"""The calls that a person tried in a workspace, and what makes each of them happen once."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from time import monotonic, time
from typing import Any, TypeAlias

from customerio_tool.calls.call import Exchange
from customerio_tool.connection.exchange import Request
from customerio_tool.doors.workbench.fields import Arguments

KEPT = 50
"""How many results, and how many forms under way, are kept in memory."""

_MOST_BYTES = 200_000
"""The most bytes of a reply that are kept."""

_MOST_TICKETS = 1_000

Step: TypeAlias = tuple[float, str | Exchange]
"""What happened in a call: the seconds since it began, and a sentence or an exchange."""


@dataclass(frozen=True)
class Draft:
    """A form that was typed and not called yet; `repr` shows nothing that was typed.

    Args:
        number: Its name in addresses.
        subtool: The name of the subtool.
        arguments: What was typed.
        run_id: The agent's run, if it was given.
    """

    number: int
    subtool: str
    arguments: Arguments = field(repr=False)
    run_id: str = ""

    def is_like(self, other: Draft) -> bool:
        """Whether the same was typed."""
        return replace(self, number=other.number) == other


@dataclass(eq=False)
class Trial:
    """A call that was made, or is under way; `repr` shows nothing of what was sent.

    Args:
        number: Its name in addresses.
        draft: What was typed.
        is_dry: Whether it was to send nothing.
        began_at: Unix time in seconds.
        steps: What happened, in order.
        envelope: The result; None while the call is under way, or if it broke.
        request: The request of a dry run, word for word; None if there is none.
        seconds: How long it took; None while it is under way.
        effect: What it changed in the sandbox; None if that is not known.
        sandbox: The sandbox's site id, so that the effect is not looked for in another one.
        requests: Its requests in the sandbox's log.
    """

    number: int
    draft: Draft
    is_dry: bool
    began_at: float = field(default_factory=time)
    steps: list[Step] = field(default_factory=list, repr=False)
    envelope: dict[str, Any] | None = field(default=None, repr=False)
    request: Request | None = field(default=None, repr=False)
    seconds: float | None = None
    effect: Mapping[str, Any] | None = field(default=None, repr=False)
    sandbox: str = field(default="", repr=False)
    requests: Sequence[int] = ()

    def __post_init__(self) -> None:
        """Begin to count the seconds."""
        self._began = monotonic()

    @property
    def subtool(self) -> str:
        """The name of the subtool."""
        return self.draft.subtool

    def note(self, what: str | Exchange) -> None:
        """Add a step; of a very long reply, the beginning is kept."""
        if isinstance(what, Exchange) and what.reply and len(what.reply.body) > _MOST_BYTES:
            what = replace(what, reply=replace(what.reply, body=what.reply.body[:_MOST_BYTES]))
        self.steps.append((monotonic() - self._began, what))

    def end(self) -> None:
        """Stop the seconds: the call is over."""
        self.seconds = monotonic() - self._began

    @property
    def exchanges(self) -> list[Exchange]:
        """The HTTP exchanges, in order."""
        return [what for _, what in self.steps if isinstance(what, Exchange)]


class Trials:
    """Keeps the newest trials and drafts of one workspace; safe for threads.

    Each form that can make a call carries a ticket, which makes one call. A form that is sent
    twice leads to the result of the first time. The tickets of another workspace are unknown here,
    so that a form which was opened for one workspace never makes a call in another.
    """

    def __init__(self) -> None:
        self._trials: OrderedDict[int, Trial] = OrderedDict()
        self._drafts: OrderedDict[int, Draft] = OrderedDict()
        self._tickets: OrderedDict[str, tuple[str, int | None]] = OrderedDict()
        self._count = 0
        self._lock = Lock()

    def ticket(self, purpose: str) -> str:
        """Return a new ticket; `purpose` names the form that carries it."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._tickets[name] = (purpose, None)
            _drop_oldest(self._tickets, _MOST_TICKETS)
        return name

    def made_by(self, ticket: str) -> int | None:
        """Return the number of the trial that a ticket made; None if it made none."""
        with self._lock:
            return self._tickets.get(ticket, ("", None))[1]

    def begin(self, ticket: str, purpose: str, draft: Draft, *, is_dry: bool) -> Trial | None:
        """Return a new trial for a ticket; None if it is not for this, or made a call already."""
        with self._lock:
            if self._tickets.get(ticket) != (purpose, None):
                return None
            self._count += 1
            made = Trial(self._count, draft, is_dry)
            self._tickets[ticket] = (purpose, made.number)
            self._trials[made.number] = made
            _drop_oldest(self._trials, KEPT)
        return made

    def keep(self, subtool: str, arguments: Arguments, run_id: str) -> Draft:
        """Keep what was typed, until others take its place."""
        with self._lock:
            self._count += 1
            draft = self._drafts[self._count] = Draft(self._count, subtool, arguments, run_id)
            _drop_oldest(self._drafts, KEPT)
        return draft

    def draft(self, number: int) -> Draft | None:
        """Return what was typed; None if it is no longer kept."""
        with self._lock:
            return self._drafts.get(number)

    def trial(self, number: int) -> Trial | None:
        """Return a trial; None if it is no longer kept."""
        with self._lock:
            return self._trials.get(number)

    @property
    def newest(self) -> list[Trial]:
        """The trials that are kept, the newest first."""
        with self._lock:
            return list(reversed(self._trials.values()))


def _drop_oldest(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
