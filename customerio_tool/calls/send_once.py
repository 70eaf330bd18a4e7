"""Sends each message once, also if a model or host repeats the call.

Customer.io has no idempotency keys for sends, so only the ledger knows which messages were sent.
Choose its store by who shares it: `MemoryLedger` for one process, `SqliteLedger` for one machine,
`RedisLedger` for many.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from customerio_tool.backends.ledger.entry import Entry, Ledger, LedgerLost, State
from customerio_tool.calls.call import Call
from customerio_tool.connection.exchange import Request
from customerio_tool.errors import (
    CustomerIoError,
    FieldProblem,
    LedgerUnavailable,
    OutcomeUnknown,
    SendInProgress,
)
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.subtools.declare.problems import refuse
from customerio_tool.subtools.declare.times import iso_time
from customerio_tool.subtools.declare.vendor_json import Item

DAY = 86_400.0

EXPLICIT_SECONDS = 7 * DAY
"""How long a message with an explicit key, one that the caller chose, is not sent again."""

RUN_SECONDS = DAY
"""How long a sent message is not sent again within its run. A run may wait hours for a person, and
no host reports its end; yet every key must expire."""

WINDOW_SECONDS = 600.0
"""How long a sent message is not sent again if the call has neither key nor run. A model repeats
itself within that time; the same reminder later in the day is sent.

All these times are measured by the wall clock, as workers share it. If it is set forward, entries
expire early; if it is set back, they last longer."""

UNKNOWN_SECONDS = DAY
"""How long a message with an unknown outcome is not sent again, if it has no explicit key."""

logger = logging.getLogger(__name__)


def fingerprint_of(subtool: str, workspace: str, request: Request) -> str:
    """Return the digest of a message; the order of JSON members does not matter."""
    body = None if request.body is None else json.loads(request.body)
    return _digest("message", subtool, workspace, request.method, request.target, body)


def key_of(
    *, operation: str, workspace: str, fingerprint: str, explicit: str | None, run_id: str | None
) -> str:
    """Return the ledger key of a message, 64 hex digits.

    Args:
        operation: The subtool's name: an e-mail and a push may have the same explicit key.
        workspace: The digest of the workspace.
        fingerprint: The digest of the message; not used if there is an explicit key.
        explicit: The key that the caller chose; the same in every run.
        run_id: The host's id of the run; empty counts as None.
    """
    if explicit is not None:
        return _digest("explicit", operation, workspace, explicit)
    if run_id:
        return _digest("run", operation, workspace, fingerprint, run_id)
    return _digest("window", operation, workspace, fingerprint)


def lifetime(state: State, *, explicit: str | None, run_id: str | None) -> float:
    """Return the seconds until an entry in this state expires."""
    if explicit is not None:
        return EXPLICIT_SECONDS
    if state != "sent":
        return UNKNOWN_SECONDS
    return RUN_SECONDS if run_id else WINDOW_SECONDS


def _digest(*parts: Any) -> str:
    text = compact(parts, is_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Claim:
    """The ledger entry of one message while it is sent; `is_stored` if the ledger has it."""

    key: str
    started: Entry
    explicit: str | None = field(repr=False)
    run_id: str | None
    is_stored: bool = True

    def with_outcome(self, state: State, now: float, facts: Mapping[str, Any]) -> Entry:
        lasts = lifetime(state, explicit=self.explicit, run_id=self.run_id)
        return replace(self.started, state=state, expires_at=now + lasts, facts=facts)


class SendOnce:
    """Sends messages through a ledger, which stops every second sending.

    Args:
        ledger: The store of sends.
        now: Returns Unix time in seconds.
        best_effort: Whether to send, with a warning in the log, if the ledger cannot be used. By
            default the call is refused.
    """

    def __init__(
        self, ledger: Ledger, *, now: Callable[[], float], best_effort: bool = False
    ) -> None:
        self._ledger = ledger
        self._now = now
        self._best_effort = best_effort

    def run(
        self, call: Call[Any], request: Request, send: Callable[[], Item], *, ends_at: float
    ) -> Item:
        """Send a message unless the ledger has it already, and store the outcome.

        Args:
            call: A call of a subtool that sends.
            request: The request that would be sent.
            send: Sends it and returns the success envelope. If it raises a `CustomerIoError` with
                `took_effect="no"`, the message was not sent; after any other exception the outcome
                is unknown.
            ends_at: The deadline of the call, in Unix seconds; nothing is sent after it.

        Returns:
            The envelope of `send`, or an `already_sent` envelope.

        Raises:
            ArgumentsInvalid: The explicit key was used for another message.
            OutcomeUnknown: An earlier call of the same message has an unknown outcome.
            SendInProgress: Another call is sending the same message now.
            LedgerUnavailable: The ledger cannot be used, and `best_effort` is false.
            CustomerIoError: Raised by `send`.
        """
        claim, now = _claim(call, request, ends_at), self._now()
        earlier: Entry | None = None
        lost: LedgerLost | None = None
        try:
            earlier = self._ledger.claim(claim.key, claim.started, now)
        except LedgerLost as error:
            lost = error
        if lost:
            self._refuse_unless_best_effort(call, lost)
            claim = replace(claim, is_stored=False)
        if earlier is not None:
            return _result_of_earlier(call, claim, earlier.as_of(now), now)
        return self._send(claim, send, call.subtool.ledger_keeps or ())

    def _refuse_unless_best_effort(self, call: Call[Any], lost: LedgerLost) -> None:
        if not self._best_effort:
            raise LedgerUnavailable(
                "Nothing was sent: the ledger that keeps a message from going twice cannot be used."
            )
        logger.warning(
            "%s is sent although the ledger is lost: if the call is repeated, it sends twice (%s)",
            call.subtool.name,
            lost,
        )

    def _send(self, claim: _Claim, send: Callable[[], Item], kept: Sequence[str]) -> Item:
        try:
            result = send()
        except BaseException as error:
            if isinstance(error, CustomerIoError) and error.took_effect == "no":
                self._release(claim)
            else:
                self._record_outcome(claim, "unknown", {})
            raise
        self._record_outcome(claim, "sent", {name: result[name] for name in kept if name in result})
        return result

    def _release(self, claim: _Claim) -> None:
        """Free the key; without a stored claim it may be the key of another call."""
        if claim.is_stored:
            self._write(claim, lambda: self._ledger.release(claim.key))

    def _record_outcome(self, claim: _Claim, state: State, facts: Mapping[str, Any]) -> None:
        now = self._now()
        entry = claim.with_outcome(state, now, facts)
        self._write(claim, lambda: self._ledger.settle(claim.key, entry, now))

    def _write(self, claim: _Claim, write: Callable[[], None]) -> None:
        """Write the outcome of a send; if that fails, `started` reads as `unknown` later."""
        try:
            write()
        except LedgerLost as lost:
            if claim.is_stored:
                logger.warning(
                    "the ledger was lost, so the outcome of a send was not stored (%s)", lost
                )


def _claim(call: Call[Any], request: Request, ends_at: float) -> _Claim:
    subtool, at, run_id = call.subtool, call.at, call.context.run_id
    explicit = subtool.key_of(call.args)
    fingerprint = fingerprint_of(subtool.name, at.workspace, request)
    named = {"explicit": explicit, "run_id": run_id}
    key = key_of(operation=subtool.name, workspace=at.workspace, fingerprint=fingerprint, **named)
    expires_at = ends_at + lifetime("unknown", **named)
    started = Entry("started", fingerprint, at.now, ends_at, expires_at)
    return _Claim(key, started, explicit, run_id)


def _result_of_earlier(call: Call[Any], claim: _Claim, earlier: Entry, now: float) -> Item:
    """Return the `already_sent` envelope of an earlier call with the same key.

    Raises:
        ArgumentsInvalid: The earlier call sent another message.
        SendInProgress: The earlier call has not ended.
        OutcomeUnknown: The earlier call got no usable answer.
    """
    if earlier.fingerprint != claim.started.fingerprint:
        fix = "repeat that one's arguments, or give a new key to send this one as well"
        path = str(call.subtool.key_argument)
        refuse([FieldProblem(path, "was used for another message", fix)])
    if earlier.state == "started":
        raise SendInProgress(
            "Nothing was sent by this call: the same message is being sent by another call. "
            "Wait, then repeat this call to learn how that ended.",
            retry_after_seconds=round(earlier.ends_at - now, 3),
        )
    first = replace(call, at=replace(call.at, now=earlier.started_at))
    if earlier.state == "unknown":
        raise _still_unknown(first)
    return _already_sent(first, earlier.facts)


def _still_unknown(first: Call[Any]) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"Nothing was sent now: the same call began at {iso_time(first.at.now)} and got no usable "
        "answer, so that it may have happened. Look first, and ask the user before sending it "
        f"again on purpose, which a new {first.subtool.key_argument} does.",
        look=first.look(),
        extra=first.facts(),
    )


def _already_sent(first: Call[Any], facts: Mapping[str, Any]) -> Item:
    when, look = iso_time(first.at.now), first.look()
    return {
        "ok": True,
        "summary": f"Nothing was sent now: Customer.io accepted the same call of {when}. To send "
        f"it again on purpose, give a new {first.subtool.key_argument}.",
        "outcome": "already_sent",
        "first_sent_at": when,
        **facts,
        **({"verify": look.as_json()} if look else {}),
    }
