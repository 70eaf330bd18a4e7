"""One call of a subtool as a value, and the context that the host gives with it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, Generic, TypeVar

from customerio_tool.backends.telemetry.events import Attempt
from customerio_tool.calls.seen import Seen
from customerio_tool.connection.exchange import Reply, Request
from customerio_tool.errors import Look
from customerio_tool.records import record, shared_record
from customerio_tool.subtools.declare import Args, Effect, Invocation, Subtool
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.json_text import compact

_log = logging.getLogger("customerio_tool")

A = TypeVar("A", bound=Args)


@record(frozen=True)
class Exchange:
    """One attempt of a call as it went over the wire; `repr` shows nothing that was sent.

    Args:
        request: The request, without host and credentials.
        reply: The reply; None if there was none.
        attempt: What telemetry is told of it.
    """

    request: Request = field(repr=False)
    reply: Reply | None = field(repr=False)
    attempt: Attempt


@shared_record(frozen=True, kw_only=True)
class CallContext:
    """The host's part of a call: the agent's run, a deadline, progress and cancellation.

    Args:
        run_id: The host's id of the agent run that makes the call. The ledger and `send_budget`
            go by it; all calls of a workspace without one are one run for the budget. A blank
            text counts as none.
        deadline_seconds: The longest that the whole call may take, in seconds, with its waits and
            retries; None means 25, or 20 for a send. More than a day counts as a day. With 0 or
            less, nothing is sent. The timeout of an unreachable ledger is not included: see
            `SqliteLedger` and `RedisLedger`.
        on_progress: Called with one sentence before a wait or a retry. If it raises, the type of
            the exception is logged and the call goes on.
        cancelled: Called before and after each attempt, and several times a second in between,
            also from another thread. The call ends soon after it returns true or raises.
        door: The name of the door by which the call came, for telemetry and the audit trail.
        on_exchange: Called after each attempt, for a host that shows a person what was sent. It is
            given arguments and replies, which telemetry never is. If it raises, the type of the
            exception is logged and the call goes on.

    Raises:
        TypeError: `run_id` is not a str, or `deadline_seconds` is not a number.
        ValueError: `deadline_seconds` is NaN.
    """

    run_id: str | None = None
    deadline_seconds: float | None = None
    on_progress: Callable[[str], None] | None = None
    cancelled: Callable[[], bool] | None = None
    door: str = "python"
    on_exchange: Callable[[Exchange], None] | None = None

    def __post_init__(self) -> None:
        """Refuse a wrong type now: later it would fail in the middle of a call."""
        if self.run_id is not None and not isinstance(self.run_id, str):
            raise TypeError("run_id is not a text; give the host's name for the run, or None.")
        if self.run_id is not None and not visible(self.run_id).strip():
            object.__setattr__(self, "run_id", None)
        if (seconds := self.deadline_seconds) is None:
            return
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError("deadline_seconds is not a number; give seconds, or None.")
        if math.isnan(seconds):
            raise ValueError("deadline_seconds is NaN; give seconds, or None.")

    def report(self, sentence: str) -> None:
        """Call `on_progress` with a sentence, if it was given."""
        try:
            if self.on_progress:
                self.on_progress(sentence)
        except Exception as error:
            _log.warning("on_progress raised %s", type(error).__name__)

    def show(self, request: Request, reply: Reply | None, attempt: Attempt) -> None:
        """Call `on_exchange` with an attempt, if it was given."""
        try:
            if self.on_exchange:
                self.on_exchange(Exchange(request, reply, attempt))
        except Exception as error:
            _log.warning("on_exchange raised %s", type(error).__name__)

    def is_cancelled(self) -> bool:
        """Whether the host cancelled the call; an exception of `cancelled` counts as a yes."""
        try:
            return bool(self.cancelled and self.cancelled())
        except Exception as error:
            _log.warning("cancelled raised %s", type(error).__name__)
        return True


@record(frozen=True)
class Call(Generic[A]):
    """One call, with its arguments parsed; `repr` shows no argument.

    Args:
        subtool: The declaration of the subtool.
        args: The typed arguments.
        at: The time, workspace and id of the call, fixed when it began.
        context: The host's part of the call.
        sends_again: Whether a person agreed to send a message again that may have gone.
        is_spent: Whether its run may send nothing more, so that no person is asked.
        seen: What was read of the target before; None if no target was read.
    """

    subtool: Subtool[A] = field(repr=False)
    args: A = field(repr=False)
    at: Invocation
    context: CallContext = field(default_factory=CallContext, repr=False)
    sends_again: bool = False
    is_spent: bool = False
    seen: Seen | None = None

    @property
    def canonical(self) -> bytes:
        """The subtool and its arguments as canonical JSON: equal for equal calls."""
        whole = [self.subtool.name, self.arguments()]
        return compact(whole, is_ascii=True, sort_keys=True).encode()

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the call as it was read; parsed again, they are the same call."""
        return self.args.given()

    def facts(self) -> dict[str, Any]:
        """Return the members of every result that are known before sending, such as event_id."""
        members = self.seen.members if self.seen else {}
        return {**self.subtool.facts(self.args, self.at), **members}

    def with_target(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return a success envelope, with what was read of the target."""
        erases = self.subtool.effect is Effect.ERASE
        return self.seen.told_in(result, erases=erases) if self.seen else result

    def look(self) -> Look | None:
        """Return the read that shows whether this call took effect; None if there is none."""
        return self.subtool.look(self.args, self.at) if self.subtool.look else None
