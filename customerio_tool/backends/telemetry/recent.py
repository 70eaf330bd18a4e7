"""The newest calls in memory, for a page that shows them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart

NEWEST = 500


@dataclass(frozen=True)
class Ended:
    """A call that is over, as telemetry is told of it.

    Args:
        number: Counts the calls from 1, in the order in which they ended.
        start: How it began.
        end: How it ended.
        attempts: Its HTTP exchanges.
    """

    number: int
    start: CallStart
    end: CallEnd
    attempts: tuple[Attempt, ...]


class RecentCalls:
    """Keeps the newest calls; it holds no arguments and no replies, as no telemetry does.

    Args:
        newest: How many calls to keep.
    """

    def __init__(self, newest: int = NEWEST) -> None:
        self._ended: deque[Ended] = deque(maxlen=newest)
        self._under_way: dict[str, list[Attempt]] = {}
        self._count = 0
        self._lock = Lock()

    def started(self, call: CallStart) -> None:
        """Begin to collect the attempts of a call."""
        with self._lock:
            self._under_way[call.call_id] = []

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Keep an attempt until the call is over."""
        with self._lock:
            self._under_way.setdefault(call.call_id, []).append(attempt)

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Keep a call."""
        with self._lock:
            attempts = tuple(self._under_way.pop(call.call_id, ()))
            self._count += 1
            self._ended.append(Ended(self._count, call, end, attempts))

    def calls(self, after: int = 0) -> list[Ended]:
        """Return the kept calls with a number above `after`, the newest first."""
        with self._lock:
            return [each for each in reversed(self._ended) if each.number > after]
