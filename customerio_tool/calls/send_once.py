"""Sends a message once: the rules by which a repeated call sends nothing twice.

Customer.io offers no idempotency for sends, so that the only memory of what was sent is the ledger.
It remembers only as well as its store does: `MemoryLedger` for one process, `SqliteLedger` for one
machine, `RedisLedger` for many.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
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
"""How long a key that the caller chose stands for its message."""

RUN_SECONDS = DAY
"""How long a message counts as sent within its run: a run may wait hours for a person, hosts do not
tell when it ends, and every key must leave the store at some time."""

WINDOW_SECONDS = 600.0
"""How long a message counts as sent where neither key nor run is known: long enough for a model
that repeats itself, short enough for the same reminder later in the day. Like all these times it is
counted by the wall clock, which workers and stores share: one that is set forward by more frees the
message early, and one that is set back keeps it longer. A caller's own key lasts for days."""

UNKNOWN_SECONDS = DAY
"""How long a message with an unknown outcome is not sent again, unless its key lasts longer."""

FACTS = ("delivery_id", "trigger_id", "queued_at", "send_at")
"""What a ledger keeps of a result: ids and times, nothing about a person."""

logger = logging.getLogger(__name__)


def fingerprint_of(subtool: str, workspace: str, request: Request) -> str:
    """Return the digest of a message: the same for the same JSON, in whatever order of members."""
    body = None if request.body is None else json.loads(request.body)
    return _digest("message", subtool, workspace, request.method, request.target, body)


def key_of(
    *, operation: str, workspace: str, fingerprint: str, explicit: str | None, run_id: str | None
) -> str:
    """Return the key under which a ledger knows a message, in 64 hex digits.

    Args:
        operation: The subtool: the same explicit key may name an e-mail and a push.
        workspace: The digest of the workspace.
        fingerprint: The digest of the message; an explicit key stands for it.
        explicit: The key that the caller chose, which holds across runs.
        run_id: The host's name for the run; blank counts as not known.
    """
    if explicit is not None:
        return _digest("explicit", operation, workspace, explicit)
    if run_id:
        return _digest("run", operation, workspace, fingerprint, run_id)
    return _digest("window", operation, workspace, fingerprint)


def lifetime(state: State, *, explicit: str | None, run_id: str | None) -> float:
    """Return for how many seconds an entry of that state holds its key."""
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
    """One message on its way through the ledger; `held` is false where the ledger was lost."""

    key: str
    started: Entry
    explicit: str | None = field(repr=False)
    run_id: str | None
    held: bool = True

    def with_outcome(self, state: State, now: float, facts: Mapping[str, Any]) -> Entry:
        lasts = lifetime(state, explicit=self.explicit, run_id=self.run_id)
        return replace(self.started, state=state, expires_at=now + lasts, facts=facts)


class SendOnce:
    """The rules of sending once, on any ledger.

    Args:
        ledger: Where sends are remembered.
        now: Gives Unix time in seconds.
        best_effort: Whether to send, with a warning in the log, while the ledger is lost; by
            default such a send is refused.
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
        """Send a message unless it was sent before, and remember how that ended.

        Args:
            call: A call whose effect is to send; the key argument of its subtool names the message.
            request: The message as it would go.
            send: Sends it and returns the success envelope. Its error says by `took_effect`
                whether the message may have gone; any other exception leaves that unknown.
            ends_at: The deadline of the call, in Unix seconds: afterwards nothing is sent.

        Returns:
            The envelope of `send`, or that of a message which had been sent before.

        Raises:
            ArgumentsInvalid: The key was used for another message.
            OutcomeUnknown: The message was begun before, and whether it was sent is not known.
            SendInProgress: The message is being sent by another call.
            LedgerUnavailable: The ledger is lost, and best effort was not chosen.
            CustomerIoError: Whatever `send` raises.
        """
        claim, now = _claim(call, request, ends_at), self._now()
        held: Entry | None = None
        lost: LedgerLost | None = None
        try:
            held = self._ledger.claim(claim.key, claim.started, now)
        except LedgerLost as error:
            lost = error
        if lost:
            self._refuse_unless_best_effort(call, lost)
            claim = replace(claim, held=False)
        if held is not None:
            return _result_of_earlier(call, claim, held.as_of(now), now)
        return self._send(claim, send)

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
        except BaseException as error:
            if isinstance(error, CustomerIoError) and error.took_effect == "no":
                self._release(claim)
            else:
                self._record_outcome(claim, "unknown", {})
            raise
        self._record_outcome(
            claim, "sent", {name: result[name] for name in FACTS if name in result}
        )
        return result

    def _release(self, claim: _Claim) -> None:
        """Free the key, unless another call may hold it."""
        if claim.held:
            self._write(claim, lambda: self._ledger.release(claim.key))

    def _record_outcome(self, claim: _Claim, state: State, facts: Mapping[str, Any]) -> None:
        now = self._now()
        entry = claim.with_outcome(state, now, facts)
        self._write(claim, lambda: self._ledger.settle(claim.key, entry, now))

    def _write(self, claim: _Claim, write: Callable[[], None]) -> None:
        """Write how a send ended, if it can be: where it cannot, `started` becomes unknown."""
        try:
            write()
        except LedgerLost as lost:
            if claim.held:
                logger.warning("the ledger was lost before the end of a send was kept (%s)", lost)


def _claim(call: Call[Any], request: Request, ends_at: float) -> _Claim:
    subtool, at, run_id = call.subtool, call.at, call.context.run_id
    explicit = subtool.key_of(call.args)
    fingerprint = fingerprint_of(subtool.name, at.workspace, request)
    named = {"explicit": explicit, "run_id": run_id}
    key = key_of(operation=subtool.name, workspace=at.workspace, fingerprint=fingerprint, **named)
    expires_at = ends_at + lifetime("unknown", **named)
    started = Entry("started", fingerprint, at.now, ends_at, expires_at)
    return _Claim(key, started, explicit, run_id)


def _result_of_earlier(call: Call[Any], claim: _Claim, held: Entry, now: float) -> Item:
    """Return the result of the first call with this key, as nothing is sent by this one.

    Raises:
        ArgumentsInvalid: It was for another message.
        SendInProgress: It has not ended.
        OutcomeUnknown: It ended without a usable answer.
    """
    if held.fingerprint != claim.started.fingerprint:
        fix = "repeat that one's arguments, or give a new key to send this one as well"
        path = str(call.subtool.key_argument)
        refuse([FieldProblem(path, "was used for another message", fix)])
    if held.state == "started":
        raise SendInProgress(
            "Nothing was sent by this call: the same message is being sent by another call. "
            "Wait, then repeat this call to learn how that ended.",
            retry_after_seconds=round(held.ends_at - now, 3),
        )
    first = replace(call, at=replace(call.at, now=held.started_at))
    if held.state == "unknown":
        raise _still_unknown(first)
    return _already_sent(first, held.facts)


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
