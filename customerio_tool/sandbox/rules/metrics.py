"""Counts of the deliveries' metrics in buckets of hours, days, weeks or months (A+)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from ..refusal import Refused
from ..store.schema import HOUR, SECOND
from ..store.workspace import Workspace
from .deliveries import TYPES

Period = Literal["hours", "days", "weeks", "months"]
DEFAULT_ZONE = "America/New_York"
NAMES = [
    "attempted",
    "bounced",
    "clicked",
    "converted",
    "created",
    "deferred",
    "delivered",
    "drafted",
    "failed",
    "opened",
    "sent",
    "spammed",
    "suppressed",
    "undeliverable",
    "topic_unsubscribed",
    "unsubscribed",
]
NAMES_V2 = ["human_clicked", "human_opened", "prefetch_clicked", "prefetch_opened"]
_WEBHOOK_NAMES = ["2xx", "3xx", "4xx", "5xx"]
_PERIODS: Mapping[str, Period] = {
    "hours": "hours",
    "days": "days",
    "weeks": "weeks",
    "months": "months",
    "hourly": "hours",
    "daily": "days",
    "weekly": "weeks",
    "monthly": "months",
}
MAX_STEPS: Mapping[Period, int] = {"hours": 24, "days": 45, "weeks": 12, "months": 120}
_DEFAULT_STEPS: Mapping[Period, int] = {**MAX_STEPS, "months": 12}
MAX_YEARS = 10
_MAX_BUCKETS = 100_000
MOST_CUT = 500
_NO_ZONES = "this machine has no time zone data for the local Customer.io: pip install tzdata"


@dataclass(frozen=True)
class Span:
    """The time that a query covers, in Unix seconds; ``None`` is the API's default."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Query:
    """The metrics to count: of one campaign or broadcast (``owner``), in a channel and a span."""

    owner: int
    channel: str | None
    span: Span = Span()
    version: Literal[1, 2] = 1


def read_period(text: str, name: str) -> Period:
    """A period or resolution in one of its two spellings. Raises Refused."""
    if text not in _PERIODS:
        raise Refused(f"{name} must be hours, days, weeks or months", field=name)
    return _PERIODS[text]


def read_zone(text: str) -> ZoneInfo:
    """An IANA time zone. Raises Refused."""
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        if not available_timezones():
            raise Refused(_NO_ZONES, "broken") from None
        raise Refused("tz must be an IANA time zone name", field="tz") from None


def last_steps(ws: Workspace, period: Period, steps: int | None) -> list[int]:
    """Version 1: the starts of the last ``steps`` buckets in US Eastern time, oldest first."""
    maximum = MAX_STEPS[period]
    if steps is None or steps == 0:
        count = _DEFAULT_STEPS[period] if steps is None else maximum
    elif steps < 0 or (steps > maximum and ws.options.steps_over_maximum == "refuse"):
        raise Refused(f"steps must be 0 to {maximum} for {period}", field="steps")
    else:
        count = min(max(steps, 2), maximum)  # 1 is raised to 2
    start = _floor(datetime.fromtimestamp(ws.now, read_zone(DEFAULT_ZONE)), period)
    starts = [start]
    while len(starts) < count:
        starts.append(_before(starts[-1], period))
    return [int(each.timestamp()) for each in reversed(starts)]


def buckets(ws: Workspace, period: Period, span: Span, zone: tzinfo) -> list[int]:
    """Version 2: the starts of the buckets that cover a span, oldest first."""
    if span.start is None and span.end is None:
        return last_steps(ws, period, None)
    until = _local(ws.now if span.end is None else span.end, zone)
    since = _local(span.start, zone) if span.start is not None else until - timedelta(days=45)
    if since > until or until - since > timedelta(days=366 * MAX_YEARS):
        raise Refused(f"end must be after start, by {MAX_YEARS} years at most", field="end")
    starts: list[int] = []
    current = _floor(since, period)
    while current <= until and len(starts) < _MAX_BUCKETS:
        starts.append(int(current.timestamp()))
        current = _after(current, period)
    return starts


def _local(moment: int, zone: tzinfo) -> datetime:
    if not 0 <= moment < 10**11:
        raise Refused("start and end must be unix timestamps in seconds", field="start")
    return datetime.fromtimestamp(moment, zone)


def _floor(at: datetime, period: Period) -> datetime:
    """The start of the moment's bucket; weeks begin on Sunday."""
    if period == "hours":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "weeks":
        return day - timedelta(days=day.isoweekday() % 7)
    return day.replace(day=1) if period == "months" else day


def _before(start: datetime, period: Period) -> datetime:
    if period == "hours":
        return datetime.fromtimestamp(start.timestamp() - 3600, start.tzinfo)
    return _floor(start - timedelta(days=1), period)


def _after(start: datetime, period: Period) -> datetime:
    if period == "hours":
        return datetime.fromtimestamp(start.timestamp() + 3600, start.tzinfo)
    days = {"days": 1, "weeks": 7, "months": 31}[period]
    return _floor(start + timedelta(days=days), period)


def series(ws: Workspace, query: Query, starts: list[int]) -> dict[str, list[int]]:
    """For each metric, its counts in the buckets that begin at ``starts``.

    The first and the last bucket may be wider than the span: only the span is counted.
    """
    channel, span = query.channel, query.span
    if channel is not None and channel not in TYPES:
        raise Refused("type is not a message type", field="type")
    names = [*NAMES, *(NAMES_V2 if query.version == 2 else ())]
    names += _WEBHOOK_NAMES if channel == "webhook" else []
    counts = {name: [0] * len(starts) for name in sorted(names)}
    since = starts[0] if span.start is None else max(starts[0], span.start)
    until = ws.now if span.end is None else min(ws.now, span.end)
    for name, at, n in _counted(ws, query, since, until, starts):
        if name in counts:
            counts[name][bisect_right(starts, at) - 1] += n
    return counts


def _counted(
    ws: Workspace, query: Query, since: int, until: int, starts: list[int]
) -> Iterator[tuple[str, int, int]]:
    """Name, time and count between two moments: by hours, or by seconds in an hour that is cut."""
    cut = {at // HOUR for at in (since, until + 1, *starts) if at % HOUR}
    for name, at, n in _tallied(ws, query, HOUR, since, until):
        if at // HOUR not in cut:
            yield name, at, n
    if len(cut) > MOST_CUT:
        rows = _tallied(ws, query, SECOND, since, until)
        yield from (row for row in rows if row[1] // HOUR in cut)
        return
    for hour in cut:
        first, last = max(since, hour * HOUR), min(until, hour * HOUR + HOUR - 1)
        yield from _tallied(ws, query, SECOND, first, last)


def _tallied(
    ws: Workspace, query: Query, span: int, since: int, until: int
) -> list[tuple[str, int, int]]:
    names = NAMES + NAMES_V2 + _WEBHOOK_NAMES
    sql = f"""SELECT name, slot * ?, sum(n) FROM tallies
              WHERE owner=? AND span=? AND name IN ({",".join("?" * len(names))})
              AND slot BETWEEN ? AND ? AND (? IS NULL OR channel=?) GROUP BY name, slot"""  # noqa: S608 - marks
    slots = (since // span, until // span)
    channel = query.channel
    found = ws.store.all(sql, (span, query.owner, span, *names, *slots, channel, channel))
    return [tuple(row) for row in found]
