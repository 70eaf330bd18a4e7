"""Recovers from a lost answer: retry, read back, or report that the outcome is unknown."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import (
    outcome_unknown,
    payload_of,
    second_payload_of,
    verify_payload_of,
)
from customerio_tool.calls.request import second_request_for, verify_request_for
from customerio_tool.calls.retry import Attempts, Bounds, Fate, Retrier
from customerio_tool.connection.exchange import Reply, Request
from customerio_tool.errors import (
    Cancelled,
    CustomerIoError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from customerio_tool.subtools.declare import Answer, Effect
from customerio_tool.subtools.declare.endpoint import Retry
from customerio_tool.subtools.declare.privacy import NO_PEOPLE, without_hidden
from customerio_tool.subtools.declare.vendor_json import Item

CALL_SECONDS = 25.0
SEND_SECONDS = 20.0
LONGEST_SECONDS = 86_400.0


def seconds_for(call: Call[Any]) -> float:
    """Return the longest that a call may take, in seconds: see `CallContext.deadline_seconds`."""
    seconds = call.context.deadline_seconds
    if seconds is None:
        return SEND_SECONDS if call.subtool.effect is Effect.SEND else CALL_SECONDS
    return min(max(0.0, seconds), LONGEST_SECONDS)


class Recovery:
    """Gets the answer of one call, also if the first attempts are lost.

    Args:
        retrier: Sends a request, with retries.
        call: The call.
        bounds: The deadline of the call, its context and the observer of its attempts.
        hidden: The folded names of the attributes that no reply may show.
    """

    def __init__(
        self, retrier: Retrier, call: Call[Any], bounds: Bounds, hidden: frozenset[str]
    ) -> None:
        self._retrier = retrier
        self._call = call
        self._subtool = call.subtool
        self._bounds = bounds
        self._hidden = hidden
        self._has_slot = False

    def wait_for_slot(self, request: Request) -> None:
        """Wait until the request may be sent, so that `answer` sends it at once.

        Raises:
            RateLimited: Its slot comes after the deadline.
            Cancelled: The host cancelled the call.
        """
        self._retrier.take_slot(request, self._subtool.effect, self._bounds)
        self._has_slot = True

    def answer(self, request: Request) -> Answer[Any]:
        """Send the request, make the second read if the call needs one, and return both payloads.

        Neither has the attributes that the policy hides.

        Raises:
            CustomerIoError: The call failed.
        """
        payload = self._visible(self._payload(request))
        answer = Answer(self._call.args, self._call.at, payload, hidden=self._hidden)
        second = second_request_for(self._call)
        if second and not self._hides_second():
            attempts = self._exchange(second, Effect.READ)
            return replace(answer, second=self._visible(self._second_payload(attempts)))
        return answer

    def _hides_second(self) -> bool:
        """Return whether nothing of the second read would be shown; it may be one of few a day."""
        people, second = self._subtool.people or NO_PEOPLE, self._subtool.second_read
        return bool(self._hidden and second and second.expects in people.printed)

    def _visible(self, reply: Item) -> Item:
        """Return any reply of the call without the hidden attributes of its people."""
        visible: Item = without_hidden(reply, self._subtool.people or NO_PEOPLE, self._hidden)
        return visible

    def _payload(self, request: Request) -> Item:
        attempts = self._exchange(request, self._subtool.effect)
        if self._subtool.effect.retry is not Retry.VERIFY or not _is_uncertain(attempts):
            return self._payload_or_error(request, attempts)
        return self._payload_after_read_back(request, attempts)

    def _exchange(self, request: Request, effect: Effect) -> Attempts:
        has_slot, self._has_slot = self._has_slot, False
        return self._retrier.send(request, effect, self._bounds, has_slot=has_slot)

    def _payload_after_read_back(self, request: Request, lost: Attempts) -> Item:
        """Read back, or send once more; a cancellation leaves the call in doubt."""
        try:
            return self._read_back_or_repeat(request, lost)
        except Cancelled as error:
            cancelled = error
        raise self._explain(cancelled, replace(lost, doubtful=True))

    def _read_back_or_repeat(self, request: Request, lost: Attempts) -> Item:
        """Read back after a lost answer; send once more if the read shows no effect.

        What it shows is never taken for the effect of this call: another may have had the same.
        """
        attempts, may_send = lost, self._wait_to_retry(request, lost)
        while (trace := self._trace()) is not None:
            if trace or not may_send:
                break
            attempts, may_send = self._send_again(request, attempts), False
            if not _is_uncertain(attempts):
                trace = None
                break
        else:
            self._bounds.check(doubtful=True)  # a read that failed may have been cancelled
            trace = {}
        return self._payload_or_error(request, attempts, trace)

    def _wait_to_retry(self, request: Request, attempts: Attempts) -> bool:
        return self._retrier.wait_to_retry(request, self._subtool.effect, attempts, self._bounds)

    def _send_again(self, request: Request, lost: Attempts) -> Attempts:
        """Send once more; the result stays doubtful, as the first attempt may still be applied."""
        try:
            return replace(self._exchange(request, self._subtool.effect), doubtful=True)
        except RateLimited:
            return lost
        except CustomerIoError as error:
            failure = error
        raise self._explain(failure, replace(lost, doubtful=True))

    def _trace(self) -> Item | None:
        """Return what the verifying read shows of a call like this one; None if it failed."""
        request, verify = verify_request_for(self._call), self._subtool.verify
        if request is None or verify is None:
            return None
        try:
            attempts = self._exchange(request, Effect.READ)
            if attempts.reply is None:
                return None
            seen = self._visible(verify_payload_of(self._call, attempts.reply))
        except CustomerIoError:
            return None
        return verify.found(self._call.args, self._call.at, seen) or {}

    def _payload_or_error(
        self, request: Request, attempts: Attempts, trace: Item | None = None
    ) -> Item:
        """Return the payload of the last attempt, or raise the error of the whole call.

        Args:
            request: The request.
            attempts: Its attempts.
            trace: What a read after them showed; None if there was none.
        """
        reply = attempts.reply
        if attempts.doubtful and reply and self._has_deleted(request, reply):
            reply = Reply(HTTPStatus.NO_CONTENT, reply.headers, b"")
        try:
            if reply is not None:
                return payload_of(self._call, reply)
            raise self._failure(attempts)
        except CustomerIoError as error:
            failure = error
        raise self._explain(failure, attempts, trace)

    def _has_deleted(self, request: Request, reply: Reply) -> bool:
        """Whether a 404 after a lost answer means that an earlier attempt deleted the target."""
        was_there = self._call.seen is not None and self._call.seen.existed
        is_gone = request.method == "DELETE" and reply.status == HTTPStatus.NOT_FOUND
        return bool(was_there) and is_gone

    def _failure(self, attempts: Attempts) -> CustomerIoError:
        if attempts.fate is Fate.NOT_SENT and not attempts.doubtful:
            return Unreachable(
                attempts.problem, next_step=attempts.next_step, extra=self._call.facts()
            )
        earlier = "An earlier attempt got no answer. " if attempts.fate is Fate.NOT_SENT else ""
        return outcome_unknown(self._call, f"{earlier}{attempts.problem}")

    def _explain(
        self, error: CustomerIoError, attempts: Attempts, trace: Item | None = None
    ) -> CustomerIoError:
        """Add to an error that an earlier attempt is in doubt, and what may be its trace."""
        if attempts.doubtful and not self._subtool.effect.read_only:
            if error.took_effect == "no":
                error.add("An earlier attempt of this call may have been applied.")
            error.took_effect = "unknown"
            if error.code == NotFound.code:
                error.next_step = "ask_user"  # another id would be another target
            if self._subtool.effect.retry is Retry.VERIFY and self._subtool.look:
                error.next_step, error.look = "look_first", self._call.look()
        if isinstance(error, OutcomeUnknown):
            error.extra |= (self._trace() if trace is None else trace) or {}
        return error

    def _second_payload(self, attempts: Attempts) -> Item:
        if attempts.reply is None:
            raise self._failure(attempts)
        return second_payload_of(self._call, attempts.reply)


def _is_uncertain(attempts: Attempts) -> bool:
    return attempts.fate in (Fate.LOST, Fate.FAILED) or (
        attempts.fate is Fate.NOT_SENT and attempts.doubtful
    )
