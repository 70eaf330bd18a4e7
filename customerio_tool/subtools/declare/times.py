"""Reads the forms of a time that a model may send, and writes a time as ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from customerio_tool.errors import Problem
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.wording import kind_of

_NUMBER = pattern(r"\d{1,14}(\.\d{1,9})?", re.ASCII)
_LEAST_MILLISECONDS = 100_000_000_000
"""From this number on, a number is Unix milliseconds; below it, Unix seconds."""

_DATE_IN_DIGITS = pattern(
    r"\d{8}|(?:19|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})"
)
"""A date without dashes, alone or with a time. It is also a number, but not likely a Unix time:
eight digits would be seconds in the years 1970 to 1973."""

ZONES = {"CET": "+01:00", "CEST": "+02:00", "EST": "-05:00", "EDT": "-04:00"}
"""Names of zones that mean one offset wherever they are used, beside UTC and GMT."""

_HOURS = {name: int(offset[:3]) for name, offset in ZONES.items()}

_ZONE_NAMED = pattern(r".*\d ?[A-Za-z]{2,5}")

_ISO = pattern(
    r"(?P<year>\d{4})(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d{1,9})?)?)?"
    r" ?(?:Z|UTC|GMT|(?P<zone>CES?T|E[SD]T)"
    r"|(?:\+(?P<ahead>\d\d)|-(?P<behind>\d\d))(?::?(?P<more>\d\d))?)?)?",
    re.ASCII | re.IGNORECASE,
)


def unix_seconds(value: Any) -> Any:
    """Return a time as whole Unix seconds.

    Args:
        value: A number or text of Unix seconds or milliseconds, or an ISO 8601 text. A text
            without a time zone is in UTC.

    Raises:
        Problem: The value is not a time from 1970 to 5138, or may be a date or Unix seconds.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number_of_seconds(str(value), value)
    if not isinstance(value, str):
        raise Problem(f"is {kind_of(value)}", "send an ISO 8601 time or Unix seconds, as a string")
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _number_of_seconds(text, float(text))
    return _iso_seconds(text)


def _number_of_seconds(text: str, number: float) -> int:
    if _DATE_IN_DIGITS.fullmatch(text.removesuffix(".0")):
        raise Problem("may be a date or Unix seconds", "send ISO 8601 such as 2026-11-23T12:00:00Z")
    return _seconds(number / 1000 if number >= _LEAST_MILLISECONDS else number)


def _seconds(seconds: float) -> int:
    if not 0 <= seconds < _LEAST_MILLISECONDS:
        raise Problem("lies before 1970 or after 5138", "send ISO 8601 or seconds since 1970")
    return int(seconds)


def _iso_seconds(text: str) -> int:
    found = _ISO.fullmatch(text)
    try:
        moment = _moment(found) if found else None
    except ValueError:
        moment = None
    if moment is None and _ZONE_NAMED.fullmatch(text):
        fix = "write the offset, as ISO 8601 does: 2026-11-23T12:00:00-08:00"
        raise Problem("is not a time, or in a zone that several offsets have", fix)
    if moment is None:
        raise Problem(
            "is not a time", "send ISO 8601 such as 2026-11-23T12:00:00Z, or Unix seconds"
        )
    return _seconds(moment.timestamp())


def _moment(found: re.Match[str]) -> datetime:
    """Return the time of a match of `_ISO`, to the second.

    `datetime.fromisoformat` is not used: newer versions of Python accept more forms.

    Raises:
        ValueError: There is no such date or time, such as a 13th month.
    """
    year, month, day, hour, minute, second, ahead, behind, minutes = (
        int(found[name] or 0)
        for name in ("year", "month", "day", "hour", "minute", "second", "ahead", "behind", "more")
    )
    sign = -1 if found["behind"] else 1
    hours = _HOURS[found["zone"].upper()] if found["zone"] else sign * (ahead or behind)
    zone = timezone(timedelta(hours=hours, minutes=sign * minutes))
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)


MAX_TIME = 253_402_300_799
"""The last second of the year 9999 in Unix seconds; Python cannot write a later time."""


def iso_time(seconds: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC, to the second."""
    day, second = divmod(int(seconds), 86_400)
    return f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    """Return a day, counted from 1970, as ISO 8601."""
    return (_EPOCH + timedelta(days=day)).isoformat()


_EPOCH = date(1970, 1, 1)
