"""What a call tells whoever watches: names, times and outcomes; never an argument or a reply.

A person appears only as the type of their identifier and a keyed hash of it, with which an
operator who knows a person can find their calls, and nobody else can find the person.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("customerio_tool")


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
        host: The host that was asked.
        status: The reply's status; None where there was none.
        fate: What became of it: `answered`, `not_sent`, `lost`, `limited` or `failed`.
        started_at: Unix time in seconds.
        seconds: How long it took.
    """

    number: int
    method: str
    template: str
    host: str
    status: int | None
    fate: str
    started_at: float
    seconds: float


@dataclass(frozen=True)
class CallEnd:
    """How a call ended.

    Args:
        outcome: The success's outcome, or the failure's code.
        ok: Whether it succeeded.
        attempts: HTTP exchanges made.
        seconds: How long the whole call took.
    """

    outcome: str
    ok: bool
    attempts: int
    seconds: float


class Telemetry(Protocol):
    """Is told of every call; an exception that it raises is logged and changes nothing."""

    def started(self, call: CallStart) -> None:
        """A call begins; told after its arguments were found good."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """An exchange of the call is over."""

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """The call is over."""


class LogTelemetry:
    """The default: one line per call on the logger `customerio_tool`; a failure is a warning."""

    def started(self, call: CallStart) -> None:
        """Say nothing: the line at the end says it all."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Log the exchange at DEBUG."""
        _log.debug(
            "%s %s: attempt %d %s %s (status %s)",
            call.call_id,
            call.subtool,
            attempt.number,
            attempt.method,
            attempt.fate,
            attempt.status,
        )

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Log the outcome."""
        _log.log(
            logging.INFO if end.ok else logging.WARNING,
            "%s %s: %s after %d attempts in %.0f ms",
            call.call_id,
            call.subtool,
            end.outcome,
            end.attempts,
            end.seconds * 1000,
        )


class Watchers:
    """Several telemetries told as one; what one of them raises is logged by its type alone."""

    def __init__(self, watchers: Sequence[Telemetry]) -> None:
        self._watchers = tuple(watchers)

    def started(self, call: CallStart) -> None:
        """Tell all that a call begins."""
        for watcher in self._watchers:
            with _harmless(watcher):
                watcher.started(call)

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Tell all of an exchange."""
        for watcher in self._watchers:
            with _harmless(watcher):
                watcher.attempted(call, attempt)

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Tell all that a call is over."""
        for watcher in self._watchers:
            with _harmless(watcher):
                watcher.ended(call, end)


@contextmanager
def _harmless(watcher: Telemetry) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _log.warning("%s raised %s", type(watcher).__name__, type(error).__name__)


def keyed_hash(key: bytes, identifier: str) -> str:
    """Return 16 hex digits that stand for an identifier to whoever holds the key."""
    return hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()[:16]


class _OwnCalls(logging.Filter):
    """Drops what HTTP libraries log during our calls: their lines hold the path, so the person."""

    def __init__(self) -> None:
        super().__init__()
        self._here = local()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - logging's signature
        """Keep a record unless this thread is inside one of our calls."""
        return not getattr(self._here, "depth", 0)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Drop the records of this thread while inside."""
        self._here.depth = getattr(self._here, "depth", 0) + 1
        try:
            yield
        finally:
            self._here.depth -= 1


_own_calls = _OwnCalls()
_TALKATIVE = (
    "urllib3.connectionpool",
    "urllib3.connection",
    "urllib3.util.retry",
    "urllib3.response",
)


def silence() -> _OwnCalls:
    """Return the filter that keeps the HTTP libraries from logging our calls, put in place."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_own_calls)
    return _own_calls
