"""One HTTP request, one answer, and the vendor's formats of an error. There is no socket here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from .. import limits
from ..json_text import parse_json
from ..refusal import Malformed, Refused

if TYPE_CHECKING:
    from .faults import Fault

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
JSON_TYPE = "application/json; charset=utf-8"
_STATUS_OF = {
    "invalid": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "not_allowed": 405,
    "too_large": 413,
    "unprocessable": 422,
    "too_many": 429,
    "broken": 500,
    "not_served": 501,
}


@dataclass(frozen=True)
class Request:
    """One request. ``target`` is the raw request target; header names are lower case.

    ``fault`` is the fault that hits it, if any.

    The raw path is split on ``/`` before its segments are decoded, and ``+`` is no space: a person
    id may hold both characters (fact path-split-first).
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Fault | None = None

    @cached_property
    def path(self) -> str:
        """The raw path without the query."""
        return self.target.split("?", 1)[0].split("#", 1)[0]

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The segments of the path, percent-decoded after the split."""
        return tuple(unquote(part, errors="replace") for part in self.path.split("/")[1:])

    @cached_property
    def query(self) -> dict[str, str]:
        """The query parameters; the last one of a name wins."""
        _, _, text = self.target.partition("?")
        return dict(parse_qsl(text, keep_blank_values=True, errors="replace"))

    @cached_property
    def json(self) -> Any:
        """The body as JSON, ``None`` when it is empty. Raises Refused."""
        return parse_json(self.body) if self.body.strip() else None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is ``{}``, since some clients send none."""
        value = {} if self.json is None else self.json
        if not isinstance(value, dict):
            raise Refused("the body must be a JSON object")
        return value

    def query_int(self, name: str) -> int | None:
        """A query parameter as an integer, ``None`` when it is absent or empty."""
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            raise Refused(f"{name} must be an integer", field=name) from None
        if abs(number) >= 2**53:
            raise Refused(f"{name} is out of range", field=name)
        return number

    def query_bool(self, name: str) -> bool:
        """A query parameter as a boolean, false when it is absent."""
        return self.query.get(name, "").lower() in {"true", "1"}


def page_size(request: Request, default: int, most: int) -> int:
    """The query's ``limit``, within what the list allows. Raises Refused."""
    limit = request.query_int("limit")
    limit = default if limit is None else limit
    if not 1 <= limit <= most:
        raise Refused(f"limit must be 1 to {most}")
    return limit


@dataclass(frozen=True)
class Reply:
    """One answer. ``headers`` lack Content-Length, Date and Connection: ``server`` adds them.

    ``pieces`` stand for a body without a known end: the connection closes after the last one.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    pieces: Generator[bytes, None, None] | None = None


Envelope = Callable[[Refused], Reply]


def json_reply(value: Any, status: int = 200) -> Reply:
    """An answer with a JSON body and the headers recorded from the vendor (REC)."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(
        status,
        body + b"\n",
        (
            ("Content-Type", JSON_TYPE),
            ("Cache-Control", "no-cache, no-store, must-revalidate, max-age=0"),
            ("Access-Control-Allow-Origin", "*"),
        ),
    )


def status_of(refused: Refused) -> int:
    """The HTTP status of a refusal: its own, or that of its kind."""
    return refused.status or _STATUS_OF[refused.kind]


def track_errors(refused: Refused) -> Reply:
    """Track v1: ``{"meta":{"errors":[text]}}``, indented like the recorded one (I29)."""
    reply = json_reply({}, status_of(refused))
    body = json.dumps({"meta": {"errors": [refused.message]}}, indent=2, ensure_ascii=False)
    return Reply(reply.status, body.encode() + b"\n", reply.headers)


def meta_error(refused: Refused) -> Reply:
    """Every 401 of Track, and Track's merges: ``{"meta":{"error":text}}``."""
    return json_reply({"meta": {"error": refused.message}}, status_of(refused))


def send_errors(refused: Refused) -> Reply:
    """App's sends: ``{"meta":{"error":text}}``, for a body that is no JSON in TE's words."""
    if isinstance(refused, Malformed):
        refused = Refused(limits.BAD_ENTITY)
    return meta_error(refused)


def app_reads(refused: Refused) -> Reply:
    """Other App routes: some errors say nothing, with a reference for the vendor's support (BE).

    The request log has the reason.
    """
    words = "not found" if refused.kind == "not_found" else "bad request"
    if refused.kind == "not_found" or isinstance(refused, Malformed):
        reference = "01" + "".join(secrets.choice(_CROCKFORD) for _ in range(24))
        refused = Refused(f"{words} (reference {reference})", refused.kind, pointer=refused.pointer)
    return app_errors(refused)


def app_errors(refused: Refused) -> Reply:
    """``{"errors":[{"detail","status"[,"source"]}]}``, status as text (BE)."""
    status = status_of(refused)
    error: dict[str, Any] = {"detail": refused.message, "status": str(status)}
    if refused.pointer:
        error["source"] = {"pointer": refused.pointer}
    return json_reply({"errors": [error]}, status)


def v2_errors(refused: Refused) -> Reply:
    """Track v2: ``{"errors":[{"reason","field","message"}]}``."""
    return json_reply({"errors": refused.errors or [v2_error(refused)]}, status_of(refused))


def v2_error(refused: Refused) -> dict[str, Any]:
    """One error of a Track v2 answer."""
    return {"reason": refused.kind, "field": refused.field, "message": refused.message}
