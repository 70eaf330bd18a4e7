"""One call from typed arguments to its answer: attempts, and what to make of a lost one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

from customerio_tool.deadline import Deadline
from customerio_tool.errors import CustomerIoError, OutcomeUnknown, RateLimited, Unreachable
from customerio_tool.invocation import CallContext, Invocation
from customerio_tool.replay import Fate, Outcome, Replayer
from customerio_tool.shapes import Answer, Item
from customerio_tool.spec import Args, Effect, Retry, Subtool
from customerio_tool.telemetry import Attempt
from customerio_tool.wire import (
    Reply,
    Request,
    cleaned,
    outcome_unknown,
    payload_of,
    second_payload_of,
    second_request_for,
    verify_request_for,
)

CALL_SECONDS = 25.0
SEND_SECONDS = 20.0
LONGEST_SECONDS = 86_400.0

A = TypeVar("A", bound=Args)


def seconds_for(subtool: Subtool[Any], context: CallContext) -> float:
    """Return the deadline of a call in seconds: the context's, else 25, or 20 for a send."""
    if context.deadline_seconds is None:
        return SEND_SECONDS if subtool.effect is Effect.SEND else CALL_SECONDS
    return min(max(0.0, context.deadline_seconds), LONGEST_SECONDS)


class Dispatch:
    """One call on its way.

    Args:
        replayer: Sends requests.
        subtool: What is called.
        args: Its typed arguments.
        at: What was fixed when the call began.
        context: What the host knows of the call.
        deadline: When the call must have ended.
        watch: Is told every attempt.
    """

    def __init__(
        self,
        replayer: Replayer,
        subtool: Subtool[A],
        args: A,
        at: Invocation,
        context: CallContext,
        deadline: Deadline,
        watch: Callable[[Attempt], None],
    ) -> None:
        self._replayer = replayer
        self._subtool: Subtool[Any] = subtool
        self._args: Args = args
        self._at = at
        self._context = context
        self._deadline = deadline
        self._watch = watch

    def answer(self, request: Request) -> Answer[Any]:
        """Send the request and return the answer, with that of the second read if there is one.

        Raises:
            CustomerIoError: The call failed.
        """
        answer = Answer(self._args, self._at, self._payload(request))
        if second := second_request_for(self._subtool, self._args):
            outcome = self._exchange(second, Effect.READ)
            return replace(answer, second=self._second_payload(outcome))
        return answer

    def _payload(self, request: Request) -> Item:
        outcome = self._send(request)
        if self._subtool.effect.retry is not Retry.VERIFY or not _uncertain(outcome):
            return self._settled(request, outcome)
        return self._verified(request, outcome)

    def _send(self, request: Request) -> Outcome:
        return self._exchange(request, self._subtool.effect)

    def _exchange(self, request: Request, effect: Effect) -> Outcome:
        return self._replayer.send(request, effect, self._deadline, self._context, self._watch)

    def _verified(self, request: Request, lost: Outcome) -> Item:
        """Read back what a lost call may have made; where nothing is found, send once more."""
        outcome, may_send = lost, self._hold(request, lost)
        while (seen := self._look()) is not None:
            if found := self._found(seen):
                return found
            if not may_send:
                break
            outcome, may_send = self._sent_again(request, outcome), False
            if not _uncertain(outcome):
                break
        return self._settled(request, outcome)

    def _hold(self, request: Request, outcome: Outcome) -> bool:
        effect = self._subtool.effect
        return self._replayer.hold(request, effect, outcome, self._deadline, self._context)

    def _sent_again(self, request: Request, lost: Outcome) -> Outcome:
        """Send once more; whatever comes of it, what became of the first is not known."""
        try:
            return replace(self._send(request), doubtful=True)
        except RateLimited:
            return lost
        except CustomerIoError as error:
            failure = error
        raise self._told(failure, replace(lost, doubtful=True))

    def _look(self) -> Item | None:
        """Return the JSON of the verifying read, or None where it could not be read."""
        request = verify_request_for(self._subtool, self._args)
        if request is None:
            return None
        try:
            outcome = self._exchange(request, Effect.READ)
        except CustomerIoError:
            return None
        reply = outcome.reply
        seen = cleaned(reply) if reply and reply.status == HTTPStatus.OK else None
        return seen if isinstance(seen, dict) else None

    def _found(self, seen: Item) -> Item | None:
        verify = self._subtool.verify
        return verify.found(self._args, self._at, seen) if verify else None

    def _settled(self, request: Request, outcome: Outcome) -> Item:
        """Return the payload of the last attempt, or raise what it means for the whole call."""
        reply = outcome.reply
        if outcome.doubtful and reply and _is_gone(request, reply):
            reply = Reply(HTTPStatus.NO_CONTENT, reply.headers, b"")
        try:
            if reply is not None:
                return payload_of(self._subtool, self._args, self._at, reply)
            raise self._failure(outcome)
        except CustomerIoError as error:
            failure = error
        raise self._told(failure, outcome)

    def _failure(self, outcome: Outcome) -> CustomerIoError:
        if outcome.fate is Fate.NOT_SENT and not outcome.doubtful:
            facts = self._subtool.facts(self._args, self._at)
            return Unreachable(outcome.problem, beside=facts)
        return outcome_unknown(self._subtool, self._args, self._at, outcome.problem)

    def _told(self, error: CustomerIoError, outcome: Outcome) -> CustomerIoError:
        """Add what is known beside the error: an earlier doubtful attempt, a possible trace."""
        if outcome.doubtful and not self._subtool.effect.read_only:
            if error.took_effect == "no":
                error.add("An earlier attempt of this call may have been applied.")
            error.took_effect = "unknown"
            if self._subtool.effect.retry is Retry.VERIFY and self._subtool.look:
                error.next_step, error.look = "look_first", self._subtool.look(self._args, self._at)
        if isinstance(error, OutcomeUnknown) and self._subtool.effect is Effect.SEND:
            seen = self._look()
            trace = self._found(seen) if seen else None
            error.beside |= trace or {}
        return error

    def _second_payload(self, outcome: Outcome) -> Item:
        if outcome.reply is None:
            raise self._failure(outcome)
        return second_payload_of(self._subtool, self._args, self._at, outcome.reply)


def _uncertain(outcome: Outcome) -> bool:
    return outcome.fate in (Fate.LOST, Fate.FAILED) or (
        outcome.fate is Fate.NOT_SENT and outcome.doubtful
    )


def _is_gone(request: Request, reply: Reply) -> bool:
    return request.method == "DELETE" and reply.status == HTTPStatus.NOT_FOUND
