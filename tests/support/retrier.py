"""A retrier on a stage: what answers it, and who writes down what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from customerio_tool import CallContext
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.pacing.slots import Slot
from customerio_tool.backends.quota import RetryQuota
from customerio_tool.backends.telemetry.events import Attempt
from customerio_tool.calls.retry import Attempts, Bounds, Retrier
from customerio_tool.calls.standby import Standby
from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Reply, Request
from customerio_tool.connection.failures import AnswerLost
from customerio_tool.deadline import Deadline, Timeouts
from customerio_tool.errors import CustomerIoError, Unreachable
from customerio_tool.subtools.declare import Api, Effect, Pace
from tests.support.clients import PERSON, AnyPace, connected
from tests.support.retries import SkippingClock

PLAN = Request(
    Api.APP, "POST", "/v1/send/email", body=b"{}", pace=Pace.SEND, template="/v1/send/{kind}"
)
UNREACHABLE = Unreachable("No connection.", next_step="ask_user")
LOST = AnswerLost("The answer was lost.")
Answer: TypeAlias = "Reply | Exception"


def replied(status: int, wait: str = "") -> Reply:
    return Reply(status, {"Retry-After": wait} if wait else {}, b"{}")


OK, FAILED, LIMITED = replied(200), replied(500), replied(429)


class Server(Client):
    """A client whose requests have these answers, each after a second."""

    def __init__(self, clock: SkippingClock, answers: list[Answer], timeouts: Timeouts) -> None:
        super().__init__(connected(region="us"), timeouts=timeouts)
        self._clock = clock
        self._answers = list(answers)
        self.asked: list[Request] = []

    def exchange(self, request: Request, deadline: Deadline) -> Reply:
        self.asked.append(request)
        self._clock.skip(min(1.0, deadline.left()))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Limiter(AnyPace):
    """A limiter that writes down what it is asked for, and lets each wait some seconds."""

    def __init__(self, *waits: float) -> None:
        self._waits = list(waits)
        self.reserved: list[tuple[str, Pace, float]] = []
        self.paused: list[tuple[str, Pace, float]] = []

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        self.reserved.append((bucket, pace, round(max_wait, 6)))
        wait = self._waits.pop(0) if self._waits else 0.0
        return Slot(wait, 0.0) if wait <= max_wait else None

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        self.paused.append((bucket, pace, seconds))


class Quota(RetryQuota):
    """A quota that writes down what is spent and paid back."""

    def __init__(self, *, is_empty: bool = False) -> None:
        super().__init__()
        self._is_empty = is_empty
        self.booked: list[tuple[Any, int]] = []

    def spend(self, key: Any, cost: int) -> bool:
        self.booked.append((key, -cost))
        return not self._is_empty

    def pay_back(self, key: Any, units: int) -> None:
        self.booked.append((key, units))


class Waits(Standby):
    """A standby that writes down when it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.tell(lambda: self.heard.append("begin"), lambda: self.heard.append("end"))


class Stage:
    """A retrier with all that it uses, which writes down what happens.

    Args:
        answers: What each attempt comes to.
        waits: The seconds until each slot.
        seconds: The deadline of the call.
        timeouts: Those of an attempt.
        cancels: Asked whether the host cancels the call.
        quota: The quota of retries.
        brief: Whether one attempt is enough.
    """

    def __init__(
        self,
        *answers: Answer,
        waits: tuple[float, ...] = (),
        seconds: float = 25.0,
        timeouts: Timeouts | None = None,
        cancels: Callable[[Stage], bool] | None = None,
        quota: Quota | None = None,
        brief: bool = False,
    ) -> None:
        self.clock, self.limiter, self.waits = SkippingClock(), Limiter(*waits), Waits()
        self.quota, self.reports = quota or Quota(), list[str]()
        self.notices, self.shown = list[Attempt](), list[tuple[Any, ...]]()
        time = self.clock.whole()
        self.client = Server(self.clock, list(answers), timeouts or Timeouts())
        self.bucket = f"{self.client.workspace_key}:"
        pacer = Pacer(self.limiter, time)
        self._retrier = Retrier(self.client, pacer, self.quota, time, chance=lambda: 0.5)
        cancelled = None if cancels is None else lambda: cancels(self)
        context = CallContext(
            on_progress=self.reports.append,
            cancelled=cancelled,
            on_exchange=lambda seen: self.shown.append((seen.request, seen.reply, seen.attempt)),
        )
        deadline = time.deadline(seconds, cancelled)
        sleep, told = time.sleep, self.notices.append
        self.bounds = Bounds(deadline, context, told, sleep, brief, self.waits)

    def send(self, effect: Effect, request: Request = PERSON) -> Attempts:
        with self.client:
            return self._retrier.send(request, effect, self.bounds)

    def fails(self, effect: Effect, request: Request = PERSON) -> CustomerIoError:
        with pytest.raises(CustomerIoError) as caught:
            self.send(effect, request)
        return caught.value
