"""Knows how to make sends through a ledger without a network, and to count what would have gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.ledger.entry import Entry, Ledger, LedgerLost, Unit
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.doubts import Read
from customerio_tool.calls.persons import PersonConfirmation
from customerio_tool.calls.request import request_for
from customerio_tool.calls.sealing import Seal
from customerio_tool.calls.send_once import SendOnce
from customerio_tool.calls.waiting_calls import WaitingCalls
from customerio_tool.connection import Connection
from customerio_tool.subtools.declare import Answer, Invocation, Subtool
from customerio_tool.subtools.declare.vendor_json import Item
from customerio_tool.subtools.transactional import send_transactional_email
from tests.support.clients import SAVED_US

START = 1_763_900_000.0
SECONDS = 20.0
"""What each call may take."""

EMAIL: Mapping[str, Any] = {
    "to": "ada@example.com",
    "customer_id": "u1",
    "transactional_message_id": "1",
    "message_data": {"order": 17, "note": "danke"},
}


class Died(BaseException):
    """The end of a process: nothing is written after it."""


class MortalLedger(MemoryLedger):
    """A ledger that no dead process writes to, and that tells what was claimed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_dead = False
        self.claimed: list[str] = []

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        self.claimed.append(key)
        return super().claim(key, entry, now)

    def settle(self, *given: Any) -> None:
        if not self.is_dead:
            super().settle(*given)

    def release(self, key: str) -> None:
        if not self.is_dead:
            super().release(key)

    def give_back(self, unit: Unit) -> None:
        if not self.is_dead:
            super().give_back(unit)


class NotingLedger(MemoryLedger):
    """A ledger that writes down what is asked, counts it, and is lost at the counts `lost_at`."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Any, ...]] = []
        self.lost_at: set[int] = set()

    def _note(self, *what: Any) -> None:
        self.done.append(what)
        if len(self.done) in self.lost_at:
            raise LedgerLost("unplugged")

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        self._note("claim", key, entry, now)
        return super().claim(key, entry, now)

    def find(self, key: str, now: float) -> Entry | None:
        self._note("find", key, now)
        return super().find(key, now)

    def settle(self, key: str, entry: Entry, now: float) -> None:
        self._note("settle", key, entry, now)
        super().settle(key, entry, now)

    def release(self, key: str) -> None:
        self._note("release", key)
        super().release(key)


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """Return Unix seconds."""
        return self.now


class Sender:
    """A worker whose sends are counted and answered like Customer.io does.

    `failure` is raised by every send; `meanwhile` is called in the middle of one. `sends_again` and
    `is_spent` are those of every call. `read` makes the reads of a look.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, best_effort: bool = False) -> None:
        self.clock = clock
        self.sent = 0
        self.failure: BaseException | None = None
        self.meanwhile: Callable[[], object] = bool
        self.sends_again = False
        self.is_spent = False
        self.read: Read = lambda _: None
        seal = Seal(Connection.load(SAVED_US))
        persons = PersonConfirmation(WaitingCalls(MemoryApprovals(), seal, bytes))
        how = {"best_effort": True} if best_effort else {}
        self._once = SendOnce(ledger, persons, clock, **how)

    def call(
        self,
        subtool: Subtool[Any] = send_transactional_email,
        *,
        run_id: str | None = None,
        workspace: str = "w",
        arguments: Mapping[str, Any] = EMAIL,
        payload: dict[str, Any] | None = None,
        **changed: Any,
    ) -> Item:
        """Make a call; by default of the one e-mail, with some arguments changed."""
        args = subtool.parse({**arguments, **changed})
        at = Invocation(now=self.clock.now, workspace=workspace, ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")

        def send() -> Item:
            self.sent += 1
            self.meanwhile()
            if self.failure:
                raise self.failure
            told = {"delivery_id": f"delivery-{self.sent}", "id": self.sent}
            return subtool.result(Answer(args, at, told if payload is None else payload))

        context = CallContext(run_id=run_id)
        call = Call(subtool, args, at, context, self.sends_again, self.is_spent)
        request = request_for(call)
        return self._once.run(call, request, send, ends_at=at.now + SECONDS, read=self.read)

    def lose(self, **how: Any) -> None:
        """Make a call whose outcome is unknown; `how` is that of `call`."""
        self.failure = RuntimeError()
        with pytest.raises(RuntimeError):
            self.call(**how)
        self.failure = None


class Loseable:
    """A ledger whose store can be lost, and comes back as it was."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.lost = False

    def claim(self, key: str, entry: Entry, now: float) -> Entry | None:
        """Claim, or be lost."""
        return self._there().claim(key, entry, now)

    def find(self, key: str, now: float) -> Entry | None:
        """Find, or be lost."""
        return self._there().find(key, now)

    def settle(self, key: str, entry: Entry, now: float) -> None:
        """Settle, or be lost."""
        self._there().settle(key, entry, now)

    def release(self, key: str) -> None:
        """Release, or be lost."""
        self._there().release(key)

    def take(self, unit: Unit, allowed: int, now: float) -> bool:
        """Take, or be lost."""
        return self._there().take(unit, allowed, now)

    def taken(self, count: str, now: float) -> int:
        """Count, or be lost."""
        return self._there().taken(count, now)

    def give_back(self, unit: Unit) -> None:
        """Give back, or be lost."""
        self._there().give_back(unit)

    def _there(self) -> Ledger:
        if self.lost:
            raise LedgerLost("unplugged")
        return self._ledger
