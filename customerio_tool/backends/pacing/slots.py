"""Slots of the vendor's rate classes, and `Limiter`, the protocol that reserves them.

A slot is the moment at which one request may be sent. It is reserved ahead of time, so a call knows
before it waits how long it must wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from customerio_tool.records import record
from customerio_tool.subtools.declare import Pace

BURSTS = {Pace.TRACK: 50, Pace.APP: 1, Pace.SEND: 10, Pace.BROADCAST: 1}
"""The most requests that may be sent at once after idle time."""

SLACK = 1.03
"""The factor by which intervals exceed what the limit requires, as requests may arrive late."""

MANY_BUCKETS = 1024
"""At this number of buckets, a limiter drops idle ones before it adds another."""


def permits_of(rates: Mapping[str, int] | None) -> dict[Pace, int]:
    """Return the requests that each rate class permits in its period.

    Args:
        rates: The operator's own, by the name of the class (track, app, send, broadcast); all
            others are the vendor's.

    Raises:
        ValueError: A name is unknown, or a number is not a whole one from 1.
    """
    own = dict(rates or {})
    permits = {pace: own.pop(pace.name.lower(), pace.permits) for pace in Pace}
    if own or any(type(each) is not int or each < 1 for each in permits.values()):
        names = ", ".join(pace.name.lower() for pace in Pace)
        raise ValueError(f"Rates are whole numbers from 1, and are called {names}.")
    return permits


def bucket_of(workspace: str, pace: Pace) -> str:
    """Return the bucket of a workspace and a rate class: the name under which requests count.

    All broadcasts of a workspace share one bucket. The vendor allows 1 trigger per 10 s, but does
    not say whether per workspace or per broadcast (UNVERIFIED); the stricter reading is safe.

    Args:
        workspace: The digest of the workspace; never an API key.
        pace: The rate class.
    """
    return f"{workspace}:{pace.name.lower()}"


@record(frozen=True)
class Rhythm:
    """The spacing of slots.

    Args:
        interval: The seconds from one slot to the next.
        tolerance: The seconds by which a slot may come early after idle time: the burst.
    """

    interval: float
    tolerance: float


def rhythm_of(pace: Pace, workers: int = 1, permits: int | None = None) -> Rhythm:
    """Return the spacing at which no period has more requests than permitted.

    A period may contain a burst plus one request per interval, so the interval is longer than
    `period / permits`.

    Workers without a shared limiter divide the permits, each taking a whole number. So they stay
    within the limit even if their slots coincide. If there are more workers than permits, only
    their average rate is within the limit.

    Args:
        pace: The rate class.
        workers: The number of workers that divide the limit, as they have no shared limiter.
        permits: The requests that a period may have; by default the vendor's number.
    """
    limit = pace.permits if permits is None else permits
    period = pace.period_seconds * max(1.0, workers / limit)
    burst = max(1, BURSTS[pace] * min(limit, pace.permits) // pace.permits // workers)
    interval = SLACK * period / (max(1, limit // workers) - burst + 1)
    return Rhythm(interval, (burst - 1) * interval)


@record(frozen=True)
class Slot:
    """The moment at which one request may be sent.

    Args:
        seconds: The seconds to wait; 0 for none.
        at: The moment, in seconds on the clock of its limiter.
        shared: Whether Redis reserved it, so that all workers respect it.
    """

    seconds: float
    at: float
    shared: bool = False


class Limiter(Protocol):
    """Reserves slots. It never sleeps; all times are in seconds."""

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        """Reserve the next slot; if it is more than `max_wait` away, reserve none, return None."""
        ...

    def is_valid(self, bucket: str, slot: Slot) -> bool:
        """Whether a reserved slot may be used when its time has come; if not, reserve another."""
        ...

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        """Return the seconds until the next slot, without reserving it."""
        ...

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Make all slots of the next seconds invalid, after Customer.io answered 429."""
        ...
