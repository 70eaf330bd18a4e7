"""Slots of the vendor's rate classes, and what a limiter promises.

A slot is the moment at which one request may be sent. Slots are handed out in order, ahead of time:
who has to wait knows for how long before waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from customerio_tool.subtools.declare import Pace

BURSTS = {Pace.TRACK: 50, Pace.APP: 1, Pace.SEND: 10, Pace.BROADCAST: 1}
"""How many requests may go at once after idleness."""

SLACK = 1.03
"""Intervals are this much longer than the limit allows, for what is late on its way."""

MANY_BUCKETS = 1024
"""From so many buckets on, those that are idle are forgotten when one is added."""


def bucket_of(workspace: str, pace: Pace) -> str:
    """Return the name under which the requests of a workspace and a rate class are counted.

    Broadcast triggers are counted together, whatever the broadcast: the vendor states 1 request
    per 10 s without saying per what (UNVERIFIED), and the stricter reading is never refused.

    Args:
        workspace: A digest that tells one workspace from another, never a key.
        pace: The rate class.
    """
    return f"{workspace}:{pace.name.lower()}"


@dataclass(frozen=True)
class Rhythm:
    """The spacing of slots.

    Args:
        interval: Seconds from slot to slot.
        tolerance: Seconds that a slot may come early after idleness, which makes the burst.
    """

    interval: float
    tolerance: float


def rhythm_of(pace: Pace, workers: int = 1) -> Rhythm:
    """Return the spacing at which no period holds more requests than the vendor permits.

    A period can hold a burst and what the interval adds, so the interval leaves room for the
    burst. Workers that pace themselves apart each take a whole number of permits, so that up to
    as many workers as permits stay within the limit wherever their slots happen to fall; with
    more workers than permits only the average does.

    Args:
        pace: The rate class.
        workers: How many workers share the limit without hearing of each other.
    """
    permits = max(1, pace.permits // workers)
    period = pace.period_seconds * max(1.0, workers / pace.permits)
    burst = max(1, BURSTS[pace] // workers)
    interval = SLACK * period / (permits - burst + 1)
    return Rhythm(interval, (burst - 1) * interval)


@dataclass(frozen=True)
class Slot:
    """The moment at which one request may be sent.

    Args:
        seconds: How long to wait for it, 0 for none.
        at: When it is, on the clock of the limiter that gave it.
        shared: Whether all workers know of it; false while Redis is lost.
    """

    seconds: float
    at: float
    shared: bool = False


class Limiter(Protocol):
    """Hands out slots. It never sleeps, and times are seconds."""

    def reserve(self, bucket: str, pace: Pace, max_wait: float) -> Slot | None:
        """Return the next slot; None, and nothing is reserved, if it is over `max_wait` away."""
        ...

    def is_valid(self, bucket: str, slot: Slot) -> bool:
        """Tell, when a slot has come, whether it may be used; if not, reserve another."""
        ...

    def shortest_wait(self, bucket: str, pace: Pace) -> float:
        """Return how far the next slot is away, without reserving it."""
        ...

    def pause(self, bucket: str, pace: Pace, seconds: float) -> None:
        """Let no slot be used for so long: Customer.io answered 429."""
        ...
