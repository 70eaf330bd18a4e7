"""One HTTP exchange as values: a request, and the reply to it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from customerio_tool.subtools.declare import Api, Pace


@dataclass(frozen=True)
class Request:
    """One HTTP request, complete but for host and credentials; `template` is its path unfilled.

    The path and query hold personal data, and so does the body: none is shown by `repr`.
    """

    api: Api
    method: str
    path: str = field(repr=False)
    query: str = field(default="", repr=False)
    body: bytes | None = field(default=None, repr=False)
    pace: Pace = Pace.TRACK
    template: str = ""

    @property
    def target(self) -> str:
        """The path and query as they must appear on the wire."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Reply:
    """One HTTP reply; of a body that is too long nothing is kept, of one cut off what came."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool = True

    @property
    def may_have_acted(self) -> bool:
        """Whether the request may have been applied although it failed.

        That is a 5xx, a 408, a 303, which tells where to see what was done, or a 1xx: whatever
        followed that was not read.
        """
        return not HTTPStatus.OK <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR or (
            self.status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SEE_OTHER)
        )


def json_of(reply: Reply) -> Any:
    """Return the JSON of a reply's body, or None where it has none: NaN and 1e999 are not JSON."""
    try:
        return json.loads(reply.body, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("not a finite number")
    return number


REDIRECTS = (301, 302, 307, 308)


def retry_after(reply: Reply, now: float) -> float | None:
    """Return the seconds that a reply asks to wait, given as seconds or as a date; junk is None."""
    text = reply.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else _date(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, round(seconds, 3)) if seconds < _MAX_SECONDS else None


_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_MAX_SECONDS = 10 * 365 * 86_400


def _date(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
