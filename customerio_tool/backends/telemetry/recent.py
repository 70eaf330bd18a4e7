"""The newest calls in memory, for a page that shows them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.locks import ForkSafeLock

NEWEST = 500
UNDER_WAY = 1_000


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
        under_way: Of how many calls that have not ended to keep the attempts. Beyond it the oldest
            are dropped: a host may have killed what made them, and they never end.
    """

    def __init__(self, newest: int = NEWEST, under_way: int = UNDER_WAY) -> None:
        self._ended: deque[Ended] = deque(maxlen=newest)
        self._most_under_way = under_way
        self._under_way: dict[str, list[Attempt]] = {}
        self._count = 0
        self._lock = ForkSafeLock()

    @property
    def count(self) -> int:
        """How many calls have ended: the number of the newest one."""
        with self._lock:
            return self._count

    @property
    def under_way(self) -> int:
        """Of how many calls that have not ended the attempts are kept."""
        with self._lock:
            return len(self._under_way)

    def started(self, call: CallStart) -> None:
        """Begin to collect the attempts of a call."""
        with self._lock:
            self._under_way[call.call_id] = []
            if len(self._under_way) > self._most_under_way:
                del self._under_way[next(iter(self._under_way))]

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Keep an attempt until the call is over, unless the call was dropped."""
        with self._lock:
            if call.call_id in self._under_way:
                self._under_way[call.call_id].append(attempt)

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
