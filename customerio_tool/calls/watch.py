"""Notifies telemetry of a call's start, attempts and end, without its arguments or replies.

A person appears as the type of an identifier and a keyed hash of it. An operator who has the key
and the identifier can find the person's calls; the hash does not reveal the identifier.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart, Telemetry
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.errors import CustomerIoError

if TYPE_CHECKING:
    from types import TracebackType

    from customerio_tool.calls.call import Call

_log = logging.getLogger("customerio_tool")


class Watchers:
    """Notifies several telemetries; if one raises, only the type of the exception is logged."""

    def __init__(self, watchers: Sequence[Telemetry]) -> None:
        self._watchers = tuple(watchers)
        # The log tells of no person, but a host's own kind of it may.
        self.tell_of_people = any(type(each) is not LogTelemetry for each in watchers)

    def started(self, call: CallStart) -> None:
        """Notify all that a call begins."""
        self._tell("started", call)

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Notify all of an attempt."""
        self._tell("attempted", call, attempt)

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Notify all that a call ended."""
        self._tell("ended", call, end)

    def _tell(self, what: str, *told: object) -> None:
        for watcher in self._watchers:
            try:
                getattr(watcher, what)(*told)
            except Exception as error:  # noqa: PERF203 - each is told, whatever another raises
                _log.warning("%s raised %s", type(watcher).__name__, type(error).__name__)


class Watch:
    """Notifies the watchers of one call; a context manager around the whole call.

    Args:
        watchers: The telemetries to notify.
        call: The start of the call, without a person: its arguments are not parsed yet.
        key: The key of `keyed_hash`.
        monotonic: Returns seconds on a clock that never goes back.
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
        self._problem = ""
        self._outcome = ""

    def seconds(self) -> float:
        """Return the seconds since the call began."""
        return self._monotonic() - self._began

    def begin(self, call: Call[Any] | None = None) -> None:
        """Notify that the call begins, once, with its person if the arguments could be parsed."""
        if self._has_begun:
            return
        self._has_begun = True
        told = call if self._watchers.tell_of_people else None
        if told and (named := told.subtool.person_of(told.args)):
            id_type, person = named
            hashed = keyed_hash(self._key, person)
            self._call = replace(self._call, id_type=id_type, person=hashed)
        self._watchers.started(self._call)

    def attempted(self, attempt: Attempt) -> None:
        """Count an attempt, and notify of it."""
        self._attempts += 1
        self._problem = attempt.problem
        self._watchers.attempted(self._call, attempt)

    def succeeded_with(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keep the outcome of a success envelope for `ended`, and return the envelope."""
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
        """Notify that the call ended, and how."""
        if error is None:
            self._end(self._outcome, ok=True)
        else:
            self._end(error.code if isinstance(error, CustomerIoError) else "interrupted", ok=False)

    def _end(self, outcome: str, *, ok: bool) -> None:
        self.begin()
        problem = "" if ok else self._problem
        end = CallEnd(outcome, ok, self._attempts, self.seconds(), problem)
        self._watchers.ended(self._call, end)


def keyed_hash(key: bytes, identifier: str) -> str:
    """Return the HMAC-SHA256 of an identifier, cut to 16 hex digits.

    The tool's key is `connection.digest.encode()`, so the hash of a person changes with every field
    of the connection, such as an API key.
    """
    return hmac.digest(key, identifier.encode(), "sha256").hex()[:16]
