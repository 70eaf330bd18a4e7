"""Whether a request is sent again, and when: derived from the effect of the call alone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from customerio_tool.client import Client
from customerio_tool.connection import Api
from customerio_tool.deadline import Deadline
from customerio_tool.errors import Cancelled, RateLimited, Unreachable
from customerio_tool.failures import AnswerLost
from customerio_tool.invocation import CallContext
from customerio_tool.locks import ForkSafeLock
from customerio_tool.pacing import bucket_of
from customerio_tool.spec import Effect, Pace, Retry
from customerio_tool.telemetry import Attempt
from customerio_tool.wire import Reply, Request, retry_after

MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
"""The most to wait before the second attempt; before each later one it is twice as much."""

LEAST_ATTEMPT_SECONDS = 1.0
"""Time that must be left for another attempt of what may safely be cut off; what may not be needs
both timeouts."""


class Fate(Enum):
    """What became of one attempt."""

    NOT_SENT = "no connection was made"
    LOST = "sent, and no usable answer"
    LIMITED = "429: not accepted"
    FAILED = "5xx or 408: may have been applied"
    ANSWERED = "any other answer, which is final"


@dataclass(frozen=True)
class Outcome:
    """How a request ended after its last attempt.

    Args:
        fate: What became of the last attempt.
        reply: Its reply, if there was one.
        problem: What went wrong, where there is no reply.
        attempts: How many attempts were made.
        doubtful: Whether any attempt may have been applied without a good answer.
    """

    fate: Fate
    reply: Reply | None
    problem: str
    attempts: int
    doubtful: bool


@dataclass(frozen=True)
class _Errand:
    """One request that is to be answered: what bounds its attempts."""

    request: Request
    effect: Effect
    deadline: Deadline
    context: CallContext

    def go_on(self, *, doubtful: bool) -> None:
        """Raise `Cancelled` if the host wants no more of this."""
        if self.context.is_cancelled():
            raise Cancelled("The call was cancelled.", took_effect="unknown" if doubtful else "no")


class Pacing(Protocol):
    """Waits for a slot in a rate class; `customerio_tool.pacing.Pacer` is one."""

    def wait(
        self,
        bucket: str,
        pace: Pace,
        max_wait: float,
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        """Wait for a slot, at most so many seconds; raise `RateLimited` where it comes later."""

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Hold every call of the bucket for so many seconds."""


class RetryQuota:
    """A budget of repeats per workspace and API: an outage is not multiplied by all its calls.

    A repeat costs 14 of 500 units, after a 429 it costs 5; a success pays back what its repeats
    cost, and at least one unit.
    """

    CAPACITY = 500

    def __init__(self) -> None:
        self._units: dict[Hashable, int] = {}
        self._lock = ForkSafeLock()

    def spend(self, whose: Hashable, cost: int) -> bool:
        """Take units for one repeat; False where too few are left."""
        with self._lock:
            left = self._units.get(whose, self.CAPACITY)
            if left < cost:
                return False
            self._units[whose] = left - cost
            return True

    def pay_back(self, whose: Hashable, units: int) -> None:
        """Give units back after a success; whose budget is full is forgotten."""
        with self._lock:
            left = self._units.pop(whose, self.CAPACITY) + units
            if left < self.CAPACITY:
                self._units[whose] = left


COST = {Fate.NOT_SENT: 14, Fate.LOST: 14, Fate.FAILED: 14, Fate.LIMITED: 5}


class Replayer:
    """Sends requests, in their rate class, as often as their effect and the deadline allow.

    Args:
        client: Sends one request once.
        pacer: Waits for a slot in the rate class.
        quota: Bounds the repeats.
        sleep: Waits that many seconds.
        clock: Gives Unix time in seconds, to read a `Retry-After` that is a date.
        chance: Gives a number from 0 to 1, for full jitter.
    """

    def __init__(
        self,
        client: Client,
        pacer: Pacing,
        *,
        quota: RetryQuota,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._pacer = pacer
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._quota = quota

    def send(
        self,
        request: Request,
        effect: Effect,
        deadline: Deadline,
        context: CallContext,
        watch: Callable[[Attempt], None],
    ) -> Outcome:
        """Send a request until it is answered for good or may not be sent again.

        Every attempt is told to `watch`.

        Raises:
            RateLimited: The first slot of the rate class comes too late for the deadline.
            Cancelled: The host cancelled the call.
            CustomerIoError: The region of the account could not be learned.
        """
        errand = _Errand(request, effect, deadline, context)
        self._take_slot(errand, self._client.timeouts.whole, doubtful=False)
        doubtful, spent = False, 0
        for number in range(1, MAX_ATTEMPTS + 1):
            outcome = self._attempt(errand, number, watch)
            doubtful = doubtful or outcome.doubtful
            outcome = replace(outcome, doubtful=doubtful)
            if outcome.fate is Fate.ANSWERED:
                self._quota.pay_back(self._payer(request), max(1, spent))
                return outcome
            delay = self._delay(request, outcome)
            if number == MAX_ATTEMPTS or not _is_safe(outcome, effect):
                return outcome
            if not self._waited(delay, errand, outcome):
                return outcome
            spent += COST[outcome.fate]
            if not self._has_slot(errand, doubtful=doubtful):
                return outcome
        return outcome

    def hold(
        self,
        request: Request,
        effect: Effect,
        outcome: Outcome,
        deadline: Deadline,
        context: CallContext,
    ) -> bool:
        """Wait as before another attempt; False, at once, where there is no time or quota for one.

        This is for what is only repeated after a look: `send` does not repeat it by itself.
        """
        errand = _Errand(request, effect, deadline, context)
        return self._waited(self._delay(request, outcome), errand, outcome)

    def _waited(self, delay: float, errand: _Errand, outcome: Outcome) -> bool:
        if delay > errand.deadline.left() - self._least(errand.effect):
            return False
        if not self._quota.spend(self._payer(errand.request), COST[outcome.fate]):
            return False
        errand.context.tell(f"Trying again in {delay:.1f} s: {outcome.fate.value}.")
        self._sleep(delay)
        return True

    def _has_slot(self, errand: _Errand, *, doubtful: bool) -> bool:
        """Wait for the slot of a repeat; False where it comes too late for the deadline."""
        try:
            self._take_slot(errand, self._least(errand.effect), doubtful=doubtful)
        except RateLimited:
            return False
        return True

    def _take_slot(self, errand: _Errand, least: float, *, doubtful: bool) -> None:
        """Wait for a slot that leaves so many seconds; until it is used a call can be cancelled."""
        errand.go_on(doubtful=doubtful)
        request, room = errand.request, max(0.0, errand.deadline.left() - least)
        self._pacer.wait(self._bucket(request), request.pace, room, errand.context.tell)
        errand.go_on(doubtful=doubtful)

    def _bucket(self, request: Request) -> str:
        return bucket_of(self._client.connection.workspace_key, request.pace)

    def _payer(self, request: Request) -> tuple[str, Api]:
        return self._client.connection.workspace_key, request.api

    def _attempt(self, errand: _Errand, number: int, watch: Callable[[Attempt], None]) -> Outcome:
        request, deadline = errand.request, errand.deadline
        started_at, left = self._clock(), deadline.left()
        fate, reply, problem = self._exchange(errand)
        watch(
            Attempt(
                number=number,
                method=request.method,
                template=request.template,
                origin=self._client.origin(request.api),
                status=reply.status if reply else None,
                fate=fate.name.lower(),
                started_at=started_at,
                seconds=left - deadline.left(),
            )
        )
        return Outcome(fate, reply, problem, number, fate in (Fate.LOST, Fate.FAILED))

    def _exchange(self, errand: _Errand) -> tuple[Fate, Reply | None, str]:
        try:
            reply = self._client.exchange(errand.request, errand.deadline)
        except Unreachable as unreachable:
            return Fate.NOT_SENT, None, str(unreachable)
        except AnswerLost as lost:
            if lost.begun is None or _is_needed_whole(lost.begun, errand.effect):
                return Fate.LOST, None, str(lost)
            reply = lost.begun
        return _fate_of(reply), reply, ""

    def _delay(self, request: Request, outcome: Outcome) -> float:
        """Return the seconds to wait before another attempt; a 429 holds everybody's calls."""
        backoff = BACKOFF_SECONDS * float(2 ** (outcome.attempts - 1))
        delay = self._chance() * backoff
        asked = retry_after(outcome.reply, self._clock()) if outcome.reply else None
        if outcome.fate is Fate.LIMITED:
            pause = asked if asked is not None else slot_seconds(request.pace)
            self._pacer.pause(self._bucket(request), request.pace, pause)
            return max(delay, pause)
        return delay if asked is None else max(delay, asked)

    def _least(self, effect: Effect) -> float:
        """Return the seconds that must be left for another attempt."""
        whole = self._client.timeouts.whole
        return min(LEAST_ATTEMPT_SECONDS, whole) if effect.retry is Retry.ALWAYS else whole


def slot_seconds(pace: Pace) -> float:
    """Return the seconds between two permits of a rate class."""
    return pace.period_seconds / pace.permits


def _is_safe(outcome: Outcome, effect: Effect) -> bool:
    """Tell whether a repeat cannot do twice what must be done once."""
    return outcome.fate in (Fate.NOT_SENT, Fate.LIMITED) or effect.retry is Retry.ALWAYS


def _is_needed_whole(reply: Reply, effect: Effect) -> bool:
    """Tell whether a reply that was cut off says nothing: what a read found is in its body.

    Whether a write was accepted is in the status, which came. A message whose 2xx was cut off is
    no more doubtful than one whose 2xx holds no JSON; sending it again is what must not happen.
    """
    return effect.read_only and 200 <= reply.status < 300


def _fate_of(reply: Reply) -> Fate:
    if reply.status == 429:
        return Fate.LIMITED
    return Fate.FAILED if reply.may_have_acted else Fate.ANSWERED
