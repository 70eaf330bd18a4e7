"""`Telemetry` and its events; they contain names, times and outcomes, no arguments or replies."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from customerio_tool.records import record

Decision: TypeAlias = Literal["approved", "declined"]


@record(frozen=True)
class CallStart:
    """A call that begins.

    Args:
        call_id: The ULID of the call.
        subtool: The name of the subtool.
        effect: The effect of the subtool as one word, such as `read` or `send`.
        api: `track` or `app`.
        started_at: Unix time in seconds.
        run_id: The host's id of the run, if it gave one.
        id_type: The type of the person's identifier, if the call is about one person.
        person: The keyed hash of that identifier, 16 hex digits.
        door: The name of the door by which the call, or the decision about it, came.
        decision: What a person decided, if the call had waited for one.
    """

    call_id: str
    subtool: str
    effect: str
    api: str
    started_at: float
    run_id: str | None = None
    id_type: str | None = None
    person: str | None = None
    door: str = "python"
    decision: Decision | None = None


@record(frozen=True)
class Attempt:
    """One HTTP exchange of a call.

    Args:
        number: 1 for the first attempt of a request.
        method: The HTTP method.
        template: The path with its `{slots}`, without values.
        origin: The origin of the host, such as `https://track.customer.io`.
        status: The HTTP status; None if there was no reply.
        fate: `answered`, `not_sent`, `lost`, `limited` (429) or `failed` (5xx and the like).
        started_at: Unix time in seconds.
        seconds: The duration.
        problem: Why there was no reply, with the host and the cause; empty if there was one.
    """

    number: int
    method: str
    template: str
    origin: str
    status: int | None
    fate: str
    started_at: float
    seconds: float
    problem: str = ""


@record(frozen=True)
class CallEnd:
    """How a call ended.

    Args:
        outcome: The `outcome` of a success, the `code` of a failure, or `interrupted` after any
            other exception, such as `KeyboardInterrupt`.
        ok: Whether the call succeeded.
        attempts: The number of HTTP exchanges; 0 if the call was refused.
        seconds: The duration of the whole call.
        problem: Why the last exchange of a failed call had no reply; empty if it had one.
    """

    outcome: str
    ok: bool
    attempts: int
    seconds: float
    problem: str = ""


class Telemetry(Protocol):
    """Observes all calls, each in its own thread; a call of an unknown subtool is not reported.

    If a method raises, the type of the exception is logged and the call goes on.
    """

    def started(self, call: CallStart) -> None:
        """A call begins; `person` is None if its arguments could not be parsed."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """An exchange of the call is over."""

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """The call is over."""
