"""Filters of times. The vendor keeps a time as Unix seconds, and shows it in UTC."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ..steps import NotRendered
from ..values import number_of, text_of, whole_of

if TYPE_CHECKING:
    from ..run import Run

_PLAIN = "%A, %B %-e, %Y at %-l:%M %P %z"
_CODE = re.compile(r"%([-_^]?)(:?[a-zA-Z%])")
_OF_CODE = 3  # steps
_DETAILED = re.compile(r"\(GMT([+-]\d\d):(\d\d)\)")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_NUMBERS: dict[str, tuple[Callable[[datetime], int], int, str]] = {
    "C": (lambda at: at.year // 100, 2, "0"),
    "H": (lambda at: at.hour, 2, "0"),
    "I": (lambda at: at.hour % 12 or 12, 2, "0"),
    "L": (lambda at: at.microsecond // 1000, 3, "0"),
    "M": (lambda at: at.minute, 2, "0"),
    "S": (lambda at: at.second, 2, "0"),
    "Y": (lambda at: at.year, 1, "0"),
    "d": (lambda at: at.day, 2, "0"),
    "e": (lambda at: at.day, 2, " "),
    "j": (lambda at: at.timetuple().tm_yday, 3, "0"),
    "k": (lambda at: at.hour, 2, " "),
    "l": (lambda at: at.hour % 12 or 12, 2, " "),
    "m": (lambda at: at.month, 2, "0"),
    "s": (lambda at: int(at.timestamp()), 1, "0"),
    "u": (lambda at: at.isoweekday(), 1, "0"),
    "w": (lambda at: at.isoweekday() % 7, 1, "0"),
    "y": (lambda at: at.year % 100, 2, "0"),
}
_WORDS: dict[str, Callable[[datetime], str]] = {
    "%": lambda _: "%",
    ":z": lambda at: at.strftime("%z")[:3] + ":" + at.strftime("%z")[3:5],
    "A": lambda at: _DAYS[at.weekday()],
    "B": lambda at: _MONTHS[at.month - 1],
    "P": lambda at: "am" if at.hour < 12 else "pm",
    "Z": lambda at: at.tzname() or "",
    "a": lambda at: _DAYS[at.weekday()][:3],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "h": lambda at: _MONTHS[at.month - 1][:3],
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "z": lambda at: at.strftime("%z")[:5],
}
_TOGETHER = {
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
    "c": "%a %b %e %T %Y",
    "r": "%I:%M:%S %p",
    "x": "%m/%d/%y",
}


def written(at: datetime, pattern: str) -> str:
    """A time in a pattern of strftime, the names in English on every machine."""
    return _CODE.sub(lambda found: _piece(at, found[1], found[2], found[0]), pattern)


def _piece(at: datetime, flag: str, code: str, whole: str) -> str:
    if code in _NUMBERS:
        number, width, filling = _NUMBERS[code]
        filling = {"-": "", "_": " "}.get(flag, filling)
        text = str(number(at))
        return text.rjust(width, filling) if filling else text
    if code in _WORDS:
        text = _WORDS[code](at)
        return text.upper() if flag == "^" else text
    return written(at, _TOGETHER[code]) if code in _TOGETHER else whole


def moment(run: Run, value: Any) -> datetime | None:
    """A time from Unix seconds, ISO 8601 or ``now``; ``None`` for what is none."""
    if isinstance(value, datetime):
        return value
    if value in ("now", "today"):
        value = run.now
    if isinstance(value, str) and not re.fullmatch(r"\s*-?\d{1,15}(\.\d*)?\s*", value):
        return _iso(value)
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(number_of(value), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip()[:40].replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def _zone(given: Any) -> tzinfo:
    """A zone by its name, by ``(GMT-11:00) Hawaii``, or by the minutes that it is behind UTC."""
    if isinstance(given, (int, float)) or re.fullmatch(r"-?\d{1,4}", text_of(given)):
        return timezone(timedelta(minutes=-whole_of(given, -1439, 1439)))
    text = text_of(given)
    if found := _DETAILED.match(text):
        hours, minutes = int(found[1]), int(found[2])
        return timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    try:
        return ZoneInfo(text)
    except (ValueError, LookupError, OSError):
        raise NotRendered("a time zone is unknown") from None


def date(run: Run, value: Any, pattern: Any = None, zone: Any = None) -> Any:
    """A time in a pattern, in UTC or another zone; what is no time stays as it is."""
    at = moment(run, value)
    if at is None:
        return value
    if zone is not None:
        at = _moved(at, _zone(zone))
    wanted = _PLAIN if pattern is None else text_of(pattern)
    run.steps.spend(_OF_CODE * wanted.count("%"))
    return written(at, wanted)


def _moved(at: datetime, zone: tzinfo) -> datetime:
    try:
        return at.astimezone(zone)
    except OverflowError:
        raise NotRendered("a time is too far away") from None


def in_zone(run: Run, value: Any, zone: Any) -> Any:
    """A time in a zone, for ``date``."""
    at = moment(run, value)
    return value if at is None else _moved(at, _zone(zone))


def _shifted(months: int, days: int) -> Callable[..., Any]:
    """A filter that moves a time by a number of months or days; it returns Unix seconds."""

    def shift(run: Run, value: Any, count: Any = 1) -> int:
        at, times = moment(run, value), whole_of(count, -100_000, 100_000)
        if at is None:
            raise NotRendered("a value is no time")
        year, month = divmod(at.year * 12 + at.month - 1 + months * times, 12)
        try:
            day = min(at.day, monthrange(year, month + 1)[1])
            there = at.replace(year=year, month=month + 1, day=day) + timedelta(days=days * times)
            return int(there.timestamp())
        except (ValueError, OverflowError):
            raise NotRendered("a time is too far away") from None

    return shift


def _ordinal(day: int) -> str:
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _day(month: str) -> Callable[..., Any]:
    """A filter that writes a day with the month's name, also as an ordinal number."""

    def write(run: Run, value: Any, kind: Any = None, style: Any = None) -> Any:
        at = moment(run, value)
        if at is None:
            return value
        if kind is None:
            return written(at, f"%d {month} %Y")
        if style is not None and text_of(style) == "US":
            return f"{written(at, month)} {_ordinal(at.day)}, {at.year}"
        return f"{_ordinal(at.day)} {written(at, month)} {at.year}"

    return write


def _in(pattern: str) -> Callable[..., Any]:
    return lambda run, value: date(run, value, pattern)


FILTERS: dict[str, Callable[..., Any]] = {}
OF_RUN: dict[str, Callable[..., Any]] = {
    "add_day": _shifted(0, 1),
    "add_month": _shifted(1, 0),
    "add_year": _shifted(12, 0),
    "date": date,
    "date_to_long_string": _day("%B"),
    "date_to_rfc822": _in("%a, %d %b %Y %H:%M:%S %z"),
    "date_to_string": _day("%b"),
    "date_to_xmlschema": _in("%Y-%m-%dT%H:%M:%S%:z"),
    "subtract_day": _shifted(0, -1),
    "subtract_month": _shifted(-1, 0),
    "subtract_year": _shifted(-12, 0),
    "timezone": in_zone,
}
