"""Telemetry that writes to the log."""

from __future__ import annotations

import logging

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart

_log = logging.getLogger("customerio_tool")
_log.addHandler(logging.NullHandler())  # a library prints nothing unless the host asks for it


class LogTelemetry:
    """Logs one line per call to the logger `customerio_tool`: INFO, or WARNING for a failure."""

    def started(self, call: CallStart) -> None:
        """Do nothing: `ended` logs the call."""

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Log the exchange at DEBUG."""
        if not _log.isEnabledFor(logging.DEBUG):
            return
        _log.debug(
            "%s %s: attempt %d %s %s (status %s)%s",
            call.call_id,
            call.subtool,
            attempt.number,
            attempt.method,
            attempt.fate,
            attempt.status,
            f": {attempt.problem}" if attempt.problem else "",
        )

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Log the outcome."""
        _log.log(
            logging.INFO if end.ok else logging.WARNING,
            "%s %s: %s after %d attempts in %.0f ms%s",
            call.call_id,
            call.subtool,
            end.outcome,
            end.attempts,
            end.seconds * 1000,
            f": {end.problem}" if end.problem else "",
        )
