"""One HTTP exchange as values: `Request` and `Reply`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from customerio_tool.patterns import pattern
from customerio_tool.records import record
from customerio_tool.subtools.declare import Api, Pace


@record(frozen=True)
class Request:
    """One HTTP request without host and credentials.

    `repr` shows neither path, query nor body, as they contain personal data.

    Args:
        template: The path with its slots.
        repeats: Whether it may be sent again if its outcome is unknown.
    """

    api: Api
    method: str
    path: str = field(repr=False)
    query: str = field(default="", repr=False)
    body: bytes | None = field(default=None, repr=False)
    pace: Pace = Pace.TRACK
    template: str = ""
    repeats: bool = False

    @property
    def target(self) -> str:
        """The path and query: the request target of HTTP."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def declared_length(self) -> str | None:
        """The value of Content-Length; None for a read, whose body is none."""
        return str(len(self.body or b"")) if self.body or self.method != "GET" else None


@record(frozen=True)
class Reply:
    """One HTTP reply.

    Args:
        status: The HTTP status.
        headers: The headers.
        body: The body, as it came.
        whole: Whether the body is whole: not cut off, and not too long and therefore left empty.
        mask: Returns a text of the body, decoded and cleaned, without keys.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    whole: bool = True
    mask: Callable[[str], str] = field(default=str, repr=False, compare=False)

    @property
    def may_have_acted(self) -> bool:
        """Whether the request may have been applied although the status is not 2xx.

        That is so for a 5xx; a timeout (408, or a proxy's own 460 and 499); a 1xx, as the final
        status after it was not read; and a 3xx, which may point to the result of a request that was
        applied, but for 307 and 308, which ask for the same request at another place (RFC 9110,
        15.4).
        """
        if self.is_redirect:
            return self.status not in _SAME_REQUEST_ELSEWHERE
        is_of_server = not HTTPStatus.OK <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return is_of_server or self.status in _TIMED_OUT

    @property
    def is_redirect(self) -> bool:
        """Whether the status is a 3xx."""
        return HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST


def json_of(reply: Reply) -> Any:
    """Return the JSON of a reply's body; None if it is not JSON, or has NaN or an infinity."""
    return json_in(text_of(reply))


def text_of(reply: Reply) -> str:
    """Return a reply's body as text, in an encoding of JSON; "" if it is in another one."""
    try:
        return reply.body.decode(json.detect_encoding(reply.body), "surrogatepass")
    except ValueError:
        return ""


def json_in(text: str) -> Any:
    """Return the JSON of a text; None if it is not JSON, or has NaN or an infinity."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("not a finite number")
    return number


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)

_TIMED_OUT = (HTTPStatus.REQUEST_TIMEOUT, 460, 499)
"""With 460 (AWS) and 499 (nginx) a proxy says that its client went away: it may have sent on."""

REDIRECTS = (301, 302, 307, 308)
_SAME_REQUEST_ELSEWHERE = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)


def retry_after(reply: Reply, now: float) -> float | None:
    """Return `Retry-After`, seconds or a date, as seconds; None if it is absent or invalid.

    A date is compared with the reply's own `Date`, as this machine's clock may be wrong; without
    one, with `now`.
    """
    text = reply.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else _date(text) - _sent_at(reply, now)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, round(seconds, 3)) if seconds < _MAX_SECONDS else None


_SECONDS = pattern(r"[0-9]+(\.[0-9]+)?")
_MAX_SECONDS = 10 * 365 * 86_400


def _sent_at(reply: Reply, now: float) -> float:
    """Return the time of a reply by the server's clock; `now` if it has none."""
    try:
        return _date(reply.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return now


def _date(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
