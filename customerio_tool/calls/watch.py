"""Tells the watchers of a call how it goes: never an argument or a reply.

A person appears only as the type of their identifier and a keyed hash of it, with which an
operator who knows a person can find their calls, and nobody else can find the person.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart, Telemetry
from customerio_tool.errors import CustomerIoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from customerio_tool.calls.call import Call

_log = logging.getLogger("customerio_tool")


class Watchers:
    """Several telemetries told as one; what one of them raises is logged by its type alone."""

    def __init__(self, watchers: Sequence[Telemetry]) -> None:
        self._watchers = tuple(watchers)

    def started(self, call: CallStart) -> None:
        """Tell all that a call begins."""
        for watcher in self._watchers:
            with _exceptions_logged(watcher):
                watcher.started(call)

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Tell all of an exchange."""
        for watcher in self._watchers:
            with _exceptions_logged(watcher):
                watcher.attempted(call, attempt)

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Tell all that a call is over."""
        for watcher in self._watchers:
            with _exceptions_logged(watcher):
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

    def succeeded_with(self, result: dict[str, Any]) -> dict[str, Any]:
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
def _exceptions_logged(watcher: Telemetry) -> Iterator[None]:
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
