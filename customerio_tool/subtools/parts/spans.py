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
EASTERN = "America/New_York"
"""The time zone in which Customer.io counts if a call names none."""


def zone_of(name: str | None) -> tuple[str, tzinfo]:
    """Return a time zone with its name; without a name the default one.

    A system without a time zone database has UTC alone, which is the default there.

    Raises:
        ArgumentsInvalid: The system does not know the time zone.
    """
    try:
        return name or EASTERN, ZoneInfo(name or EASTERN)
    except ZoneInfoNotFoundError:
        pass
    if name not in (None, "UTC"):
        fix = "give start_time, or send UTC"
        refuse([FieldProblem("timezone", "is not known to this system, which counts steps", fix)])
    return "UTC", timezone.utc


def start_of_last(steps: int, period: Period, now: int, zone: tzinfo) -> int:
    """Return when the last `steps` periods begin, in Unix seconds.

    Periods begin at the full hour, at midnight, on Sunday and on the first of the month, each in
    the time zone. The last of them is the one that `now` is in.
    """
    at = datetime.fromtimestamp(now, zone)
    if period == "hours":
        this_hour = at.replace(minute=0, second=0, microsecond=0)
        return int(this_hour.timestamp()) - 3600 * (steps - 1)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "months":
        months = day.year * 12 + day.month - 1 - (steps - 1)
        return int(day.replace(year=months // 12, month=months % 12 + 1, day=1).timestamp())
    sunday = day.isoweekday() % 7 if period == "weeks" else 0
    days = (steps - 1) * (7 if period == "weeks" else 1) + sunday
    return int((day - timedelta(days=days)).timestamp())
