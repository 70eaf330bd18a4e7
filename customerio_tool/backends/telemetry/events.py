"""What a call tells whoever watches: names, times and outcomes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class CallStart:
    """A call that begins.

    Args:
        call_id: The call's own ULID.
        subtool: Its name.
        effect: What it does to the workspace, as one word.
        api: `track` or `app`.
        started_at: Unix time in seconds.
        run_id: The host's name for the run, where it gave one.
        id_type: Type of the identifier of the person it names, if it names one.
        person: Keyed hash of that identifier: 16 hex digits.
    """

    call_id: str
    subtool: str
    effect: str
    api: str
    started_at: float
    run_id: str | None = None
    id_type: str | None = None
    person: str | None = None


@dataclass(frozen=True)
class Attempt:
    """One HTTP exchange of a call.

    Args:
        number: 1 for the first attempt of a request.
        method: The HTTP method.
        template: The path with `{slots}`, no value in it.
        origin: Whom it asked, such as `https://track.customer.io`; no path.
        status: The reply's status; None where there was none.
        fate: What became of it: `answered`, `not_sent`, `lost`, `limited` or `failed`.
        started_at: Unix time in seconds.
        seconds: How long it took.
    """

    number: int
    method: str
    template: str
    origin: str
    status: int | None
    fate: str
    started_at: float
    seconds: float


@dataclass(frozen=True)
class CallEnd:
    """How a call ended.

    Args:
        outcome: The success's outcome, the failure's code, or `interrupted` where
            something else than a failure of the call ended it, such as a keyboard interrupt.
        ok: Whether it succeeded.
        attempts: HTTP exchanges made; 0 for a call that was refused.
        seconds: How long the whole call took.
    """

    outcome: str
    ok: bool
    attempts: int
    seconds: float


class Telemetry(Protocol):
    """Is told of every call of a subtool that exists, in the thread of the call.

    An exception that it raises is logged by its type, and changes nothing.
    """

    def started(self, call: CallStart) -> None:
        """A call begins; `person` is None where its arguments could not be read."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """An exchange of the call is over."""

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """The call is over."""
