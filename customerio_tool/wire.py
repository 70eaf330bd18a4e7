"""From typed arguments to a request, and from a reply to its payload or the right error; no I/O."""

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
from urllib.parse import quote

from customerio_tool.call import Call
from customerio_tool.connection import Api
from customerio_tool.errors import (
    Answered,
    CredentialsRejected,
    CustomerIoError,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ReplyUnreadable,
    RequestRejected,
    ServiceFailed,
    Unreachable,
)
from customerio_tool.jsontext import compact
from customerio_tool.shapes import Item, JsonSchema, clean, object_in, objects_in
from customerio_tool.spec import Args, Endpoint, Pace, Retry

MAX_SAID_CHARS = 300
"""Characters of the vendor's own words that are passed on."""


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


def request_for(call: Call[Any]) -> Request:
    """Return the request that a call sends."""
    subtool, args, at = call.subtool, call.args, call.at
    query = subtool.query(args, at) if subtool.query else {}
    body = subtool.body(args, at) if subtool.body else None
    return Request(
        api=subtool.endpoint.api,
        method=subtool.endpoint.method,
        path=path_for(subtool.endpoint, args),
        query=query_text(query),
        body=None if body is None else json_bytes(body),
        pace=subtool.pace,
        template=subtool.endpoint.path,
    )


def second_request_for(call: Call[Any]) -> Request | None:
    """Return the second read of a call, if its arguments ask for one."""
    second = call.subtool.second_read
    if second is None or not second.when(call.args):
        return None
    return _read(second.endpoint, call.args)


def verify_request_for(call: Call[Any]) -> Request | None:
    """Return the read that may show whether a call took effect, where the subtool has one."""
    verify = call.subtool.verify
    return None if verify is None else _read(verify.endpoint, call.args)


def _read(endpoint: Endpoint, args: Args) -> Request:
    path = path_for(endpoint, args)
    return Request(endpoint.api, endpoint.method, path, pace=Pace.APP, template=endpoint.path)


def path_for(endpoint: Endpoint, args: Args) -> str:
    """Return the path with every slot filled and quoted, so that a value stays one segment."""
    return endpoint.path.format(**{slot: encoded(getattr(args, slot)) for slot in endpoint.slots})


def encoded(value: object) -> str:
    """Percent-encode a value whole: `/`, `+`, `@` and the like have meaning in a URL."""
    return quote(str(value), safe="")


def query_text(query: Mapping[str, Any]) -> str:
    """Return a query string; a parameter that is None is not sent, a boolean is a JSON word."""
    given = {name: value for name, value in query.items() if value is not None}
    return "&".join(f"{encoded(name)}={encoded(_word(value))}" for name, value in given.items())


def _word(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def json_bytes(value: Any) -> bytes:
    """Return compact JSON in UTF-8."""
    return compact(value, allow_nan=False).encode()


def payload_of(call: Call[Any], reply: Reply) -> Item:
    """Return the JSON object of a 2xx reply, cleaned.

    A write that was answered with a 2xx has happened, whatever the body: one that is empty or
    unreadable counts as an empty object.

    Raises:
        CustomerIoError: The status is none of 2xx, or a read cannot be read.
    """
    if not 200 <= reply.status < 300:
        raise error_for(call, reply)
    if call.subtool.effect.read_only:
        shape = call.subtool.shape
        return _readable(reply, shape.expects, shape.returns.get(shape.expects or "", {}))
    return object_in(cleaned(reply))


def second_payload_of(call: Call[Any], reply: Reply) -> Item:
    """Return the JSON object of the reply to a second read; raises like `payload_of`."""
    if not 200 <= reply.status < 300:
        raise error_for(call, reply)
    second = call.subtool.second_read
    return _readable(reply, second.expects if second else None, {})


def _readable(reply: Reply, expects: str | None, declared: JsonSchema) -> Item:
    """Return the object of a read; `expects` must be in it, of the type that we pass it on as."""
    payload = cleaned(reply)
    if isinstance(payload, dict) and (
        expects is None or (expects in payload and _is_a(declared, payload[expects]))
    ):
        return payload
    what = "something other than the JSON it documents" if reply.whole else "too much to be read"
    raise ReplyUnreadable(f"Customer.io answered this read with {what}.", http_status=reply.status)


def _is_a(declared: JsonSchema, value: Any) -> bool:
    """Tell whether a value is an object, or a list of objects; a null list counts as empty."""
    if declared.get("type") == "object":
        return isinstance(value, dict)
    if declared.get("type") == "array":
        return value is None or (isinstance(value, list) and objects_in(value) == value)
    return True


def cleaned(reply: Reply) -> Any:
    """Return the JSON of a reply's body, its text cleaned, or None where it has none."""
    try:
        return clean(json_of(reply))
    except RecursionError:
        return None


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


def error_for(call: Call[Any], reply: Reply) -> CustomerIoError:
    """Return the error that a reply outside 2xx means for this call."""
    beside = {**call.facts(), **_said(reply)}
    if reply.may_have_acted:
        return _failed(call, reply, beside)
    error, sentence = _REFUSALS.get(reply.status, _REJECTED)
    if reply.status in REDIRECTS:
        error, sentence = CredentialsRejected, _REDIRECTED
    hints = (_hint(call, error, reply.status), _guess(call, reply.status))
    return error(
        " ".join(filter(None, (f"{sentence} (HTTP {reply.status}).", *hints))),
        http_status=reply.status,
        retry_after_seconds=_wait_of(call, reply) if error is RateLimited else None,
        beside=beside,
    )


REDIRECTS = (301, 302, 307, 308)
_REDIRECTED = (
    "Customer.io redirected the request to another host, which means that the connection's region "
    "is wrong"
)
_REFUSALS: Mapping[int, tuple[type[Answered], str]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialsRejected, "Customer.io rejected the credentials"),
    HTTPStatus.FORBIDDEN: (PermissionDenied, "The credentials may not do this"),
    HTTPStatus.NOT_FOUND: (NotFound, "Customer.io knows nothing by this id"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (RequestRejected, "Customer.io refused this as too large"),
    HTTPStatus.TOO_MANY_REQUESTS: (RateLimited, "Too many requests, so this one was not accepted"),
}
_REJECTED = (RequestRejected, "Customer.io refused the request")
_CREDENTIALS = {
    Api.TRACK: "Check site_id, track_api_key and region of the connection.",
    Api.APP: "Check app_api_key and region of the connection.",
}


def _hint(call: Call[Any], error: type[Answered], status: int) -> str:
    subtool = call.subtool
    if error is CredentialsRejected:
        return _CREDENTIALS[subtool.endpoint.api]
    if error is PermissionDenied:
        return "The key's scope is too narrow, or the workspace lacks this channel."
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "Send less in one call."
    if error is NotFound and subtool.not_found_hint:
        return subtool.not_found_hint(call.args)
    if error is RequestRejected and subtool.not_found_hint:  # it may be about anything else
        return f"In case the id is what it refused: {subtool.not_found_hint(call.args)}"
    return ""


def _guess(call: Call[Any], status: int) -> str:
    hint = call.subtool.refused_hint
    return hint(call.args, status) if hint else ""


def _wait_of(call: Call[Any], reply: Reply) -> float:
    """Return the wait that the reply asks for, else one period: no `Retry-After` is documented."""
    asked = retry_after(reply, call.at.now)
    return float(call.subtool.pace.period_seconds) if asked is None else asked


def _failed(call: Call[Any], reply: Reply, beside: Mapping[str, Any]) -> CustomerIoError:
    effect = call.subtool.effect
    if effect.retry is not Retry.ALWAYS:
        problem = f"Customer.io failed while handling this call (HTTP {reply.status})."
        unknown = outcome_unknown(call, problem, http_status=reply.status)
        unknown.beside |= beside
        return unknown
    safe = "Nothing was changed." if effect.read_only else "Repeating this call is safe."
    return ServiceFailed(
        f"Customer.io failed (HTTP {reply.status}). {safe}",
        took_effect="no" if effect.read_only else "unknown",
        http_status=reply.status,
        retry_after_seconds=retry_after(reply, call.at.now),
        beside=beside,
    )


def outcome_unknown(
    call: Call[Any], problem: str, *, http_status: int | None = None
) -> CustomerIoError:
    """Return the error of a call whose request left and whose answer is not known."""
    if call.subtool.effect.read_only:
        return Unreachable(f"{problem} Nothing was changed.", http_status=http_status)
    look = call.look()
    advice = (
        "It may have happened: look first, and do not repeat it without asking the user."
        if look
        else "It may have happened; repeating the same call is safe."
    )
    return OutcomeUnknown(
        f"{problem} {advice}",
        next_step="look_first" if look else "wait",
        http_status=http_status,
        look=look,
        beside=call.facts(),
    )


def retry_after(reply: Reply, now: float) -> float | None:
    """Return the seconds that a reply asks to wait, given as seconds or as a date; junk is None."""
    text = reply.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else _date(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, round(seconds, 3)) if seconds < _FOREVER else None


_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_FOREVER = 10 * 365 * 86_400


def _date(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _said(reply: Reply) -> dict[str, Any]:
    words = vendor_words(json_of(reply))
    return {"said": words, "untrusted": True} if words else {}


def vendor_words(body: Any) -> str:
    """Return what Customer.io says in any of its error envelopes, cleaned and cut; else nothing.

    The envelopes: `meta.error`, `meta.errors[]`, `errors[].detail` with `source.pointer` (App), and
    `errors[].reason` with `field` and `message` (Track v2).
    """
    if not isinstance(body, dict):
        return ""
    meta = body.get("meta")
    found = [meta.get("error"), *_listed(meta.get("errors"))] if isinstance(meta, dict) else []
    found += [_error_text(error) for error in _listed(body.get("errors"))]
    words = "; ".join(text for text in found if isinstance(text, str) and text.strip())
    return " ".join(str(clean(words)).split())[:MAX_SAID_CHARS]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _error_text(error: Any) -> Any:
    if not isinstance(error, dict):
        return error
    source = error.get("source")
    where = source.get("pointer") if isinstance(source, dict) else error.get("field")
    what = error.get("detail") or error.get("message") or error.get("reason")
    is_located = isinstance(what, str) and isinstance(where, str) and where
    return f"{what} (at {where})" if is_located else what
