"""Sends a request with retries; whether one is safe depends on the effect of the call alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import field, replace
from enum import Enum
from functools import partial

from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.pacing.slots import bucket_of
from customerio_tool.backends.quota import RetryQuota
from customerio_tool.backends.telemetry.events import Attempt
from customerio_tool.calls.call import CallContext
from customerio_tool.calls.standby import Standby
from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Reply, Request, retry_after
from customerio_tool.connection.failures import AnswerLost
from customerio_tool.deadline import Clock, Deadline
from customerio_tool.errors import Cancelled, CustomerIoError, NextStep, RateLimited, Unreachable
from customerio_tool.records import record
from customerio_tool.subtools.declare import Api, Effect, Pace
from customerio_tool.subtools.declare.endpoint import Retry

MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
"""The longest backoff before the second attempt; it doubles before each later one."""

LEAST_ATTEMPT_SECONDS = 1.0
"""The least time left in which to retry a call that is safe to abandon. Any other call needs the
connect timeout and the read timeout together."""


class Fate(Enum):
    """What became of one attempt."""

    NOT_SENT = "no connection was made"
    LOST = "sent, and no usable answer"
    LIMITED = "429: not accepted"
    FAILED = "5xx or 408: may have been applied"
    ANSWERED = "any other answer, which is final"


@record(frozen=True)
class Attempts:
    """How the attempts of one request ended.

    Args:
        fate: What became of the last attempt.
        reply: The reply to it, if there was one.
        problem: Why there is no reply, as a sentence; empty if there is one.
        made: The number of attempts.
        doubtful: Whether any attempt may have been applied although it got no good answer.
        next_step: What mends the last attempt, if no connection was made.
    """

    fate: Fate
    reply: Reply | None
    problem: str
    made: int
    doubtful: bool
    next_step: NextStep = "wait"


@record(frozen=True)
class Bounds:
    """The limits of one call's attempts, and their observer.

    Args:
        deadline: The deadline of the call.
        context: The host's part of the call, which may cancel it.
        notify: Called after every attempt.
        sleep: Sleeps that many seconds.
        brief: Whether to make one attempt only, which may be cut off.
        standby: Is told when a send waits between two attempts.
    """

    deadline: Deadline
    context: CallContext
    notify: Callable[[Attempt], None]
    sleep: Callable[[float], None]
    brief: bool = False
    standby: Standby = field(default_factory=Standby)

    def check(self, *, doubtful: bool) -> None:
        """Raise `Cancelled` if the host cancelled the call."""
        if self.context.is_cancelled():
            raise Cancelled("The call was cancelled.", took_effect="unknown" if doubtful else "no")

    def wait(self, seconds: float, reason: str, *, doubtful: bool) -> None:
        """Report the reason of a wait, and sleep; raise `Cancelled` soon after a cancellation."""
        if reason:
            self.context.report(reason)
        left = seconds
        while True:
            self.check(doubtful=doubtful)
            part = self.deadline.slice_of(left)
            self.sleep(part)
            left -= part
            if left <= 0:
                return


QUOTA_COST = {Fate.NOT_SENT: 14, Fate.LOST: 14, Fate.FAILED: 14, Fate.LIMITED: 5}
"""Units of `RetryQuota` for one retry, by the fate of the attempt before it."""


class Retrier:
    """Sends requests at the pace of their rate class, and retries where that is safe.

    Args:
        client: Sends one request once.
        pacer: Waits for a slot of the rate class.
        quota: Limits the retries.
        clock: Sleeps between attempts, and converts a `Retry-After` date to seconds.
        chance: Returns a number from 0 to 1, for full jitter
            (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """

    def __init__(
        self,
        client: Client,
        pacer: Pacer,
        quota: RetryQuota,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._pacer = pacer
        self._quota = quota
        self._clock = clock
        self._chance = chance

    def take_slot(self, request: Request, effect: Effect, bounds: Bounds) -> None:
        """Wait for the slot of the first attempt of a request; see `send`.

        Raises:
            RateLimited: The first slot of the rate class comes after the deadline.
            Cancelled: The host cancelled the call.
        """
        # A read that is cut off does no harm; a write that is would leave its outcome unknown.
        may_be_cut = bounds.brief or effect.read_only
        least = self._least_seconds(effect) if may_be_cut else self._client.timeouts.whole
        self._take_slot(request, bounds, least, doubtful=False)

    def send(
        self, request: Request, effect: Effect, bounds: Bounds, *, has_slot: bool = False
    ) -> Attempts:
        """Send a request until its answer is final or no further attempt is safe or allowed.

        Args:
            request: The request.
            effect: The effect of the call.
            bounds: The limits of its attempts.
            has_slot: Whether `take_slot` was called for the first attempt.

        Raises:
            RateLimited: The first slot of the rate class comes after the deadline.
            Cancelled: The host cancelled the call.
            CustomerIoError: The region of the account could not be found out.
        """
        if not has_slot:
            self.take_slot(request, effect, bounds)
        doubtful, spent = False, 0
        for number in range(1, MAX_ATTEMPTS + 1):
            attempts = self._next_attempt(request, effect, bounds, number, doubtful=doubtful)
            doubtful = attempts.doubtful
            if attempts.fate is Fate.NOT_SENT:  # perhaps as the host cancelled the call
                bounds.check(doubtful=doubtful and not effect.read_only)
            if attempts.fate is Fate.ANSWERED:
                self._quota.pay_back(self._quota_key(request), max(1, spent))
                return attempts
            if bounds.brief or number == MAX_ATTEMPTS or not _is_safe_to_repeat(attempts, effect):
                return attempts
            if not self._may_retry(request, effect, attempts, bounds):
                return attempts
            spent += QUOTA_COST[attempts.fate]
        return attempts

    def _may_retry(
        self, request: Request, effect: Effect, attempts: Attempts, bounds: Bounds
    ) -> bool:
        """Wait until the next attempt may be made at once; return False if it may not."""
        is_send = effect is Effect.SEND  # of which only what was not accepted is repeated
        if is_send:
            bounds.standby.begin()
        if not self.wait_to_retry(request, effect, attempts, bounds):
            return False
        if not self._has_slot(request, effect, bounds, doubtful=attempts.doubtful):
            return False
        if is_send:
            bounds.standby.end()
        return True

    def _next_attempt(
        self, request: Request, effect: Effect, bounds: Bounds, number: int, *, doubtful: bool
    ) -> Attempts:
        """Make an attempt; one after a doubtful attempt, or its error, is in doubt as well."""
        try:
            attempts = self._attempt(request, effect, bounds, number)
        except CustomerIoError as error:
            if doubtful and not effect.read_only:
                error.took_effect = "unknown"
                error.add("An earlier attempt of this call may have been applied.")
            raise
        return replace(attempts, doubtful=True) if doubtful and not attempts.doubtful else attempts

    def wait_to_retry(
        self, request: Request, effect: Effect, attempts: Attempts, bounds: Bounds
    ) -> bool:
        """Sleep before another attempt; return False at once if time or quota do not suffice.

        `send` calls it before a retry that is always safe; `Recovery` calls it before a retry that
        a verifying read must allow.
        """
        delay = self._delay(request, attempts)
        if delay > bounds.deadline.left() - self._least_seconds(effect):
            return False
        if not self._quota.spend(self._quota_key(request), QUOTA_COST[attempts.fate]):
            return False
        reason = f"Trying again in {delay:.1f} s: {attempts.fate.value}."
        bounds.wait(delay, reason, doubtful=attempts.doubtful and not effect.read_only)
        return True

    def _has_slot(
        self, request: Request, effect: Effect, bounds: Bounds, *, doubtful: bool
    ) -> bool:
        """Wait for the slot of a retry; return False if it comes too late for the deadline."""
        try:
            in_doubt = doubtful and not effect.read_only
            self._take_slot(request, bounds, self._least_seconds(effect), doubtful=in_doubt)
        except RateLimited:
            return False
        return True

    def _take_slot(self, request: Request, bounds: Bounds, least: float, *, doubtful: bool) -> None:
        """Wait for a slot that leaves `least` seconds; check for cancellation before and after."""
        bounds.check(doubtful=doubtful)
        room = max(0.0, bounds.deadline.left() - least)
        sleep = partial(bounds.wait, doubtful=doubtful)
        self._pacer.wait(self._bucket(request), request.pace, room, sleep)
        bounds.check(doubtful=doubtful)

    def _bucket(self, request: Request) -> str:
        return bucket_of(self._client.workspace_key, request.pace)

    def _quota_key(self, request: Request) -> tuple[str, Api]:
        return self._client.workspace_key, request.api

    def _attempt(self, request: Request, effect: Effect, bounds: Bounds, number: int) -> Attempts:
        started_at, left = self._clock.now(), bounds.deadline.left()
        fate, reply, problem, next_step = self._exchange(request, effect, bounds.deadline)
        attempt = Attempt(
            number=number,
            method=request.method,
            template=request.template,
            origin=self._client.origin(request.api),
            status=reply.status if reply else None,
            fate=fate.name.lower(),
            started_at=started_at,
            seconds=left - bounds.deadline.left(),
            problem=problem,
        )
        bounds.notify(attempt)
        bounds.context.show(request, reply, attempt)
        if fate is Fate.LIMITED:
            self._pause_all(request, reply)
        doubtful = fate in (Fate.LOST, Fate.FAILED)
        return Attempts(fate, reply, problem, number, doubtful, next_step)

    def _pause_all(self, request: Request, reply: Reply | None) -> None:
        """Pause the whole rate class after a 429."""
        asked = self._requested_wait(reply)
        seconds = slot_seconds(request.pace) if asked is None else asked
        self._pacer.pause(self._bucket(request), request.pace, seconds)

    def _requested_wait(self, reply: Reply | None) -> float | None:
        return retry_after(reply, self._clock.now()) if reply else None

    def _exchange(
        self, request: Request, effect: Effect, deadline: Deadline
    ) -> tuple[Fate, Reply | None, str, NextStep]:
        try:
            reply = self._client.exchange(request, deadline)
        except Unreachable as unreachable:
            return Fate.NOT_SENT, None, str(unreachable), unreachable.next_step
        except AnswerLost as lost:
            if lost.partial is None or _needs_whole_body(lost.partial, effect):
                return Fate.LOST, None, str(lost), "wait"
            reply = lost.partial
        return _fate_of(reply), reply, "", "wait"

    def _delay(self, request: Request, attempts: Attempts) -> float:
        """Return the seconds before the next attempt: a random backoff, or a longer Retry-After."""
        backoff = BACKOFF_SECONDS * float(2 ** (attempts.made - 1))
        asked = self._requested_wait(attempts.reply)
        if asked is None:
            asked = slot_seconds(request.pace) if attempts.fate is Fate.LIMITED else 0.0
        return max(self._chance() * backoff, asked)

    def _least_seconds(self, effect: Effect) -> float:
        """Return the least seconds that must be left for another attempt."""
        whole = self._client.timeouts.whole
        return min(LEAST_ATTEMPT_SECONDS, whole) if effect.retry is Retry.ALWAYS else whole


def slot_seconds(pace: Pace) -> float:
    """Return the average seconds from one permitted request of a rate class to the next."""
    return pace.period_seconds / pace.permits


def _is_safe_to_repeat(attempts: Attempts, effect: Effect) -> bool:
    """Whether a retry cannot apply the call twice, or applying it twice does no harm."""
    return attempts.fate in (Fate.NOT_SENT, Fate.LIMITED) or effect.retry is Retry.ALWAYS


def _needs_whole_body(reply: Reply, effect: Effect) -> bool:
    """Whether a reply that was cut off is useless, as a read needs the body.

    For a write, the status is enough: a 2xx means that Customer.io accepted it. To count a message
    as lost because the body of its 2xx was cut off would risk sending it twice.
    """
    return effect.read_only and 200 <= reply.status < 300


def _fate_of(reply: Reply) -> Fate:
    if reply.status == 429:
        return Fate.LIMITED
    may_change = reply.may_have_acted and not reply.is_redirect
    return Fate.FAILED if may_change else Fate.ANSWERED
