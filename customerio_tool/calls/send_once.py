"""Sends each message once, also if a model or host repeats the call.

Customer.io has no idempotency keys for sends, so only the ledger knows which messages were sent.
Choose its store by who shares it: `MemoryLedger` for one process, `SqliteLedger` for one machine,
`RedisLedger` for many.

A message has a key made from its content and its run, and perhaps one that the caller chose. A new
key of the caller sends the message again on purpose. It never releases a message with an unknown
outcome: only a person does. `doubts` does the same for other messages to the same people.

A message is `started` only while a request may be on its way. So a process that dies while the
message waits leaves no doubt: neither before its turn, nor after a refusal for sure, such as a 429.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from customerio_tool.backends.ledger.entry import Entry, Ledger, LedgerLost, State
from customerio_tool.calls.call import Call
from customerio_tool.calls.doubts import Doubt, Doubts, Read, Sight, earlier_calls, look_for
from customerio_tool.calls.earlier_sends import already_sent, of_another_version, still_unknown
from customerio_tool.calls.kept_facts import kept_facts
from customerio_tool.calls.message_keys import (
    explicit_key,
    fingerprint_of,
    is_comparable,
    lifetime,
    message_key,
)
from customerio_tool.calls.persons import PersonConfirmation
from customerio_tool.calls.standby import Standby
from customerio_tool.connection.exchange import Request
from customerio_tool.errors import (
    CustomerIoError,
    FieldProblem,
    LedgerUnavailable,
    SendInProgress,
)
from customerio_tool.subtools.declare.problems import refuse
from customerio_tool.subtools.declare.times import iso_time
from customerio_tool.subtools.declare.vendor_json import Item

logger = logging.getLogger(__name__)


class _Overtaken(Exception):
    """A message that waited for its next attempt is not sent by this call.

    Args:
        outcome: What its call comes to: a result, or the error to raise.
    """

    def __init__(self, outcome: Item | CustomerIoError) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass
class _Claim:
    """The ledger entries of one message while it is sent.

    Args:
        call: The call that sends it.
        started: The entry of a send that has begun.
        doubts: The doubts about those to whom it goes.
        explicit: The key that the caller chose, where there is one.
        message: The key of the message itself.
        taken: The keys that this call took, each with the entry that it replaced, if any.
        waits: Whether it was refused for sure, and waits for its next attempt.
    """

    call: Call[Any] = field(repr=False)
    started: Entry
    doubts: Doubts = field(repr=False)
    explicit: str | None
    message: str
    taken: dict[str, Entry | None] = field(default_factory=dict)
    waits: bool = False

    @property
    def keys(self) -> list[str]:
        """The keys in the order in which they are claimed."""
        return [self.message] if self.explicit is None else [self.explicit, self.message]

    def ended(self, key: str, state: State, now: float, facts: Mapping[str, Any]) -> Entry:
        """Return the entry of a key for how the send ended."""
        lasts = lifetime(state, is_explicit=key == self.explicit, run_id=self.call.context.run_id)
        of = self.started
        return Entry(state, of.fingerprint, of.started_at, of.ends_at, now + lasts, facts)


class SendOnce:
    """Sends messages through a ledger, which stops every second sending.

    Args:
        ledger: The store of sends.
        persons: Asks a person about a message that may have gone.
        now: Returns Unix time in seconds.
        best_effort: Whether to send, with a warning in the log, if the ledger cannot be used. By
            default the call is refused.
    """

    def __init__(
        self,
        ledger: Ledger,
        persons: PersonConfirmation,
        now: Callable[[], float],
        *,
        best_effort: bool = False,
    ) -> None:
        self._ledger = ledger
        self._persons = persons
        self._now = now
        self._best_effort = best_effort

    def run(
        self,
        call: Call[Any],
        request: Request,
        send: Callable[[], Item],
        *,
        ends_at: float,
        wait: Callable[[], None] = lambda: None,
        read: Read = lambda _: None,
        standby: Standby | None = None,
    ) -> Item:
        """Send a message unless the ledger has it already, and store the outcome.

        Args:
            call: A call of a subtool that sends.
            request: The request that would be sent.
            send: Sends it and returns the success envelope. If it raises a `CustomerIoError` with
                `took_effect="no"`, the message was not sent; after any other exception the outcome
                is unknown.
            ends_at: The deadline of the call, in Unix seconds; nothing is sent after it.
            wait: Waits until the message may go at once; the ledger has no trace of it before.
            read: Makes a read within that deadline.
            standby: Tells when `send` waits between two attempts, and is not on its way.

        Returns:
            The envelope of `send`, or an `already_sent` envelope.

        Raises:
            ArgumentsInvalid: The explicit key was used for another message.
            ConfirmationRequired: The message may have gone already, and the call has a new key; or
                another message may have gone to the same people.
            OutcomeUnknown: An earlier call of the same message has an unknown outcome.
            SendInProgress: Another call is sending the same message now.
            LedgerUnavailable: The ledger cannot be used, and `best_effort` is false.
            CustomerIoError: Raised by `wait` or `send`.
        """
        claim = self._claim(call, request, ends_at)
        held: tuple[str, Entry] | None = None
        lost: LedgerLost | None = None
        try:
            held = self._found(claim)
        except LedgerLost as error:
            lost = error
        if lost:
            self._refuse_unless_best_effort(call, lost)
        if held:
            return self._result_of_earlier(claim, *held)
        if not call.is_spent:  # else `send` refuses it
            wait()
        if not lost and (told := self._start(claim, read)):
            return told
        if standby:
            standby.tell(lambda: self._wait(claim), lambda: self._go_on(claim, read))
        return self._send(claim, send)

    def _start(self, claim: _Claim, read: Read) -> Item | None:
        """Take the keys of a message that may go at once; return a result if it may not go."""
        call, met = claim.call, list[Doubt]()
        held: tuple[str, Entry] | None = None
        lost: LedgerLost | None = None
        try:
            held = self._take(claim)
            met = [] if held else claim.doubts.met(self._now())
        except LedgerLost as error:
            lost = error
        if lost:
            self._release(claim)
            self._refuse_unless_best_effort(call, lost)
            claim.taken.clear()
        if held:
            self._release(claim)
            return self._result_of_earlier(claim, *held)
        is_free = call.sends_again or call.is_spent  # agreed to, or refused by `send` itself
        return self._settled(claim, met, read) if met and not is_free else None

    def _wait(self, claim: _Claim) -> None:
        """Let a message that was refused for sure be as if it had not begun."""
        claim.waits = True
        self._release(claim)

    def _go_on(self, claim: _Claim, read: Read) -> None:
        """Begin a message anew; another call may have sent it meanwhile.

        Raises:
            _Overtaken: It is not to be sent by this call.
        """
        outcome: Item | CustomerIoError | None
        try:
            outcome = self._start(claim, read)
        except CustomerIoError as error:
            outcome = error
        if outcome is not None:
            raise _Overtaken(outcome)
        claim.waits = False

    def _settled(self, claim: _Claim, met: list[Doubt], read: Read) -> Item | None:
        """Look at the doubts about those to whom the call goes; None if it may go.

        Raises:
            ConfirmationRequired: A message may have gone to them.
        """
        doubt, sight = met[0], Sight()
        try:
            for doubt in earlier_calls(met):
                sight = look_for(doubt, claim.call, read, self._now())
                if not sight.proves_absence:
                    break
        except BaseException:
            self._release(claim)
            raise
        if sight.proves_absence:
            self._write(claim, claim.doubts.forget, met, self._now())
            return None
        self._release(claim)
        return self._doubtful(claim, doubt, sight)

    def _doubtful(self, claim: _Claim, doubt: Doubt, sight: Sight) -> Item:
        """Return the envelope of a message that went already under another spelling.

        Raises:
            ConfirmationRequired: It may be another message.
        """
        call, began, look = claim.call, doubt.entry.started_at, doubt.look(claim.call)
        if not (sight.is_likely and claim.doubts.may_repeat(doubt)):
            self._persons.ask_about(call, began, look, sight.sentence)
        return {
            "ok": True,
            "summary": (
                f"Nothing was sent now: a call of {iso_time(began)} for the same message got no "
                "usable answer, and Customer.io lists a message that is possibly of that call. "
                "Tell the user what the call in `verify` shows."
            ),
            "outcome": "already_sent",
            "first_sent_at": iso_time(began),
            "possibly": sight.sentence,
            **({"verify": look.as_json()} if look else {}),
        }

    def _claim(self, call: Call[Any], request: Request, ends_at: float) -> _Claim:
        given, run_id = call.subtool.key_of(call.args), call.context.run_id
        of = call.subtool.name, call.at.workspace
        fingerprint = fingerprint_of(call, request)
        lasts = lifetime("unknown", is_explicit=given is not None, run_id=run_id)
        started = Entry("started", fingerprint, call.at.now, ends_at, ends_at + lasts)
        explicit = None if given is None else explicit_key(*of, given)
        message = message_key(*of, fingerprint, run_id)
        doubts = Doubts(self._ledger, call, started, message)
        return _Claim(call, started, doubts, explicit, message)

    def _found(self, claim: _Claim) -> tuple[str, Entry] | None:
        """Return the first key of a message that is not free, with its entry; take none."""
        for key in claim.keys:
            now = self._now()
            if taken := _in_the_way(claim, key, self._ledger.find(key, now), now):
                return key, taken
        return None

    def _take(self, claim: _Claim) -> tuple[str, Entry] | None:
        """Take the keys of a message, or return the first one that is not free, with its entry."""
        for key in (each for each in claim.keys if each not in claim.taken):
            now = self._now()
            held = self._ledger.claim(key, claim.started, now)
            if taken := _in_the_way(claim, key, held, now):
                return key, taken
            if held:
                self._ledger.settle(key, claim.started, now)
            claim.taken[key] = held
        return None

    def _refuse_unless_best_effort(self, call: Call[Any], lost: LedgerLost) -> None:
        if not self._best_effort:
            raise LedgerUnavailable(
                "Nothing was sent: the ledger that keeps a message from going twice cannot be used."
            )
        logger.warning(
            "%s goes on although the ledger is lost: a repeat of it would send twice (%s)",
            call.subtool.name,
            lost,
        )

    def _send(self, claim: _Claim, send: Callable[[], Item]) -> Item:
        try:
            result = send()
        except _Overtaken as overtaken:
            if isinstance(overtaken.outcome, CustomerIoError):
                raise overtaken.outcome from None
            return overtaken.outcome
        except BaseException as error:
            is_refused = isinstance(error, CustomerIoError) and error.took_effect == "no"
            if is_refused or claim.waits:
                self._release(claim)
            else:
                self._record_outcome(claim, "unknown", {})
                self._write(claim, claim.doubts.keep, self._now())
            raise
        self._record_outcome(claim, "sent", kept_facts(claim.call.subtool, result))
        return result

    def _release(self, claim: _Claim) -> None:
        """Restore the keys that this call took, each once: then another call may take it."""
        for key, before in list(claim.taken.items()):
            if before is None:
                is_kept = self._write(claim, self._ledger.release, key)
            else:
                is_kept = self._write(claim, self._ledger.settle, key, before, self._now())
            if is_kept:
                del claim.taken[key]

    def _record_outcome(self, claim: _Claim, state: State, facts: Mapping[str, Any]) -> None:
        now = self._now()
        for key in claim.taken or claim.keys:
            self._write(claim, self._ledger.settle, key, claim.ended(key, state, now, facts), now)

    def _write(self, claim: _Claim, write: Callable[..., None], *what: object) -> bool:
        """Write the outcome of a send; if that fails, `started` reads as `unknown` later."""
        try:
            write(*what)
        except LedgerLost as lost:
            if claim.taken:  # else its loss was logged before the send
                logger.warning("the ledger was lost before the end of a send was kept (%s)", lost)
            return False
        return True

    def _result_of_earlier(self, claim: _Claim, key: str, held: Entry) -> Item:
        """Return the `already_sent` envelope of an earlier call with the same key.

        Raises:
            ArgumentsInvalid: The earlier call sent another message.
            SendInProgress: The earlier call has not ended.
            OutcomeUnknown: The earlier call got no usable answer, or another version made it.
            ConfirmationRequired: The same, and this call has a new key.
        """
        call = claim.call
        first = replace(call, at=replace(call.at, now=held.started_at))
        if not is_comparable(held.fingerprint):
            raise of_another_version(first)
        if held.fingerprint != claim.started.fingerprint:
            fix = "repeat that one's arguments, or ask the user whether this one is to go as well"
            path = str(call.subtool.key_argument)
            refuse([FieldProblem(path, "was used for another message", fix)])
        if held.state == "started":
            raise SendInProgress(
                "Nothing was sent by this call: the same message is being sent by another call. "
                "Wait, then repeat this call to learn how that ended.",
                # No longer than the first call may take: the clock may have been set back.
                retry_after_seconds=round(
                    min(held.ends_at - self._now(), held.ends_at - held.started_at), 3
                ),
            )
        if held.state == "sent":
            return already_sent(first, kept_facts(call.subtool, held.facts))
        if key == claim.explicit or claim.explicit is None or call.is_spent:
            raise still_unknown(first)
        return self._persons.ask_again(call, first)


def _in_the_way(claim: _Claim, key: str, held: Entry | None, now: float) -> Entry | None:
    """Return the entry that holds a key, as of now, unless this call may take the key.

    Raises:
        LedgerLost: The entry is of another message than its key.
    """
    if held is None:
        return None
    if key == claim.message and held.fingerprint != claim.started.fingerprint:
        raise LedgerLost("the entry of a message has the fingerprint of another one")
    as_of_now = held.as_of(now)
    return None if _may_be_taken(claim, key, as_of_now) else as_of_now


def _may_be_taken(claim: _Claim, key: str, held: Entry) -> bool:
    """Return whether this call may take a key that another call holds.

    A sent message goes again under a new key of the caller. A message with an unknown outcome goes
    again if a person agreed to that.
    """
    if held.fingerprint != claim.started.fingerprint:
        return False
    if held.state == "unknown":
        return claim.call.sends_again
    return held.state == "sent" and key == claim.message and claim.explicit is not None
