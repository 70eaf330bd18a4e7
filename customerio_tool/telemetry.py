"""What a call tells whoever watches: names, times and outcomes; never an argument or a reply.

A person appears only as the type of their identifier and a keyed hash of it, with which an
operator who knows a person can find their calls, and nobody else can find the person.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import local
from typing import TYPE_CHECKING, Any, Protocol

from customerio_tool.errors import CustomerIoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from customerio_tool.call import Call

_log = logging.getLogger("customerio_tool")
_log.addHandler(logging.NullHandler())  # a library prints nothing unless the host asks for it


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


class Watch:
    """One call, as its watchers are told of it; a context manager around all that it does.

    Args:
        watchers: Who is told.
        call: The call, as far as it is known before its arguments are read.
        key: Makes the hashes of persons.
        monotonic: Gives seconds.
    """

    def __init__(
        self, watchers: Watchers, call: CallStart, key: bytes, monotonic: Callable[[], float]
    ) -> None:
        self._watchers = watchers
        self._call = call
        self._key = key
        self._monotonic = monotonic
        self._began = monotonic()
        self._has_begun = False
        self._attempts = 0
        self._outcome = ""

    def begin(self, call: Call[Any] | None = None) -> None:
        """Notify that the call begins, once; with the person it names, if it could be read."""
        if self._has_begun:
            return
        self._has_begun = True
        named = call.subtool.person_of(call.args) if call else None
        if named:
            id_type, person = named
            hashed = keyed_hash(self._key, person)
            self._call = replace(self._call, id_type=id_type, person=hashed)
        self._watchers.started(self._call)

    def attempted(self, attempt: Attempt) -> None:
        """Tell of an exchange of the call."""
        self._attempts += 1
        self._watchers.attempted(self._call, attempt)

    def ended_with(self, result: dict[str, Any]) -> dict[str, Any]:
        """Remember the result of a call that succeeded, and return it."""
        self._outcome = result["outcome"]
        return result

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell how the call ended."""
        if error is None:
            self._end(self._outcome, ok=True)
        else:
            self._end(error.code if isinstance(error, CustomerIoError) else "interrupted", ok=False)

    def _end(self, outcome: str, *, ok: bool) -> None:
        self.begin()
        seconds = self._monotonic() - self._began
        self._watchers.ended(self._call, CallEnd(outcome, ok, self._attempts, seconds))


@contextmanager
def _harmless(watcher: Telemetry) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        _log.warning("%s raised %s", type(watcher).__name__, type(error).__name__)


def keyed_hash(key: bytes, identifier: str) -> str:
    """Return 16 hex digits that stand for an identifier to whoever holds the key.

    Watchers are told hashes made with `connection.digest.encode()`: those of a person change when
    the connection's keys do.
    """
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
