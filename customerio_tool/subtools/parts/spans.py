"""The span of a campaign's metrics: the last n periods, as a start in a time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from customerio_tool.subtools.declare import FieldProblem, refuse

Period: TypeAlias = Literal["hours", "days", "weeks", "months"]
MAX_STEPS: Mapping[Period, int] = {"hours": 24, "days": 45, "weeks": 12, "months": 120}
"""Steps that one call may name, by the length of a step."""
DEFAULT_STEPS: Mapping[Period, int] = {**MAX_STEPS, "months": 12}
DEFAULT_PERIOD: Period = "days"
LONGEST_STEP: Mapping[Period, int] = {
    "hours": 3600,
    "days": 86_400,
    "weeks": 7 * 86_400,
    "months": 31 * 86_400,
}
"""Seconds that a step lasts at most, on days without a change of the clock."""
EASTERN = "America/New_York"
"""The time zone in which Customer.io counts if a call names none."""


def zone_of(name: str | None) -> tuple[str, tzinfo]:
    """Return a time zone with its name; without a name the default one.

    A system without a time zone database has UTC alone, which is the default there.

    Raises:
        ArgumentsInvalid: The system does not know the time zone.
    """
    if known := known_zone(name):
        return name or EASTERN, known
    if name is not None:
        fix = "give start_time, or send UTC"
        refuse([FieldProblem("timezone", "is not known to this system, which counts steps", fix)])
    return "UTC", timezone.utc


def start_of_last(steps: int, period: Period, now: int, zone: tzinfo) -> int:
    """Return when the last `steps` periods begin, in Unix seconds.

    Periods begin at the full hour, at midnight, on Sunday and on the first of the month, each in
    the time zone. The last of them is the one that `now` is in.
    """
    return int(_steps_later(datetime.fromtimestamp(now, zone), period, 1 - steps).timestamp())


def _steps_later(at: datetime, period: Period, steps: int) -> datetime:
    """Return the start of the period that is so many steps after the one of a moment."""
    if period == "hours":
        hour = at.replace(minute=0, second=0, microsecond=0)
        return datetime.fromtimestamp(hour.timestamp() + 3600 * steps, at.tzinfo)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "months":
        months = day.year * 12 + day.month - 1 + steps
        return day.replace(year=months // 12, month=months % 12 + 1, day=1)
    sunday = day.isoweekday() % 7 if period == "weeks" else 0
    return day + timedelta(days=steps * (7 if period == "weeks" else 1) - sunday)


def known_zone(name: str | None) -> tzinfo | None:
    """Return a time zone, or None if the system does not know it; without a name the default."""
    try:
        return ZoneInfo(name or EASTERN)
    except ZoneInfoNotFoundError:
        return timezone.utc if name == "UTC" else None


def starts_of(span: tuple[int, int], count: int, period: Period, zone: tzinfo) -> list[datetime]:
    """Return when each step of a span begins; an empty list if that is not known.

    Args:
        span: The start and the end, in Unix seconds.
        count: How many steps Customer.io counted. Whether it begins one at the very end of a span
            is UNVERIFIED; with any other number the steps are not those of this span.
        period: The length of a step.
        zone: The time zone in which the steps begin.
    """
    first = datetime.fromtimestamp(span[0], zone)
    begins = [_steps_later(first, period, step) for step in range(count)]
    after = _steps_later(first, period, count)
    is_span = bool(begins) and begins[-1].timestamp() <= span[1] <= after.timestamp()
    return begins if is_span else []


def local_minute(at: datetime) -> str:
    """Return a local time as ISO 8601 with its offset from UTC, to the minute."""
    return at.isoformat(timespec="minutes").replace("+00:00", "Z")
