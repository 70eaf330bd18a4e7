"""What must become of a call under each fault.

The table is written from the promises and not from the code: what an effect allows after an answer
that was lost, and which faults lose one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from customerio_tool.sandbox.serving.application import TABLES
from customerio_tool.sandbox.serving.routes import UNKNOWN
from customerio_tool.subtools import lookups, subtools
from customerio_tool.subtools.declare import Effect, Endpoint, Pace, Subtool


class Kind(Enum):
    """Subtools for which the same is right."""

    READ = "Reads"
    REPEATABLE = "Writes that may be repeated"
    CREATE = "Creating a segment"
    MESSAGE = "E-mail and push"
    BROADCAST = "Broadcasts"


@dataclass(frozen=True)
class Sample:
    """One call of a subtool which changes the demo workspace, unless it reads.

    Args:
        kind: What is right for it.
        operation: The sandbox's name of its request.
        arguments: Its arguments.
    """

    kind: Kind
    operation: str
    arguments: Mapping[str, Any]


SUPPRESSED = "left-us"
"""Somebody who is suppressed before the calls, so that one of them can end that."""

_INSTEAD: Mapping[str, Mapping[str, Any]] = {"unsuppress_customer": {"customer_id": SUPPRESSED}}
"""Arguments in the place of a first example that changes nothing in the demo workspace."""


def _kind(subtool: Subtool[Any]) -> Kind:
    if subtool.effect is Effect.SEND:
        return Kind.BROADCAST if subtool.pace is Pace.BROADCAST else Kind.MESSAGE
    return {Effect.READ: Kind.READ, Effect.CREATE: Kind.CREATE}.get(subtool.effect, Kind.REPEATABLE)


def _operation(endpoint: Endpoint) -> str:
    path = tuple(re.sub(r"{\w+}", "x", endpoint.path).split("/")[1:])
    routes = [route for table in TABLES for route in table.table if route.match(path) is not None]
    address = (endpoint.api.value, endpoint.method)
    served = [route.operation for route in routes if (route.api, route.method) == address]
    return served[0] if served else UNKNOWN


SAMPLES: Mapping[str, Sample] = {
    name: Sample(
        _kind(subtool),
        _operation(subtool.endpoint),
        _INSTEAD.get(name, subtool.examples[0].arguments),
    )
    for name, subtool in subtools().items()
}

LOOKUPS: Mapping[str, Sample] = {
    name: Sample(Kind.READ, _operation(subtool.endpoint), subtool.examples[-1].arguments)
    for name, subtool in lookups().items()
    if subtool.endpoint.method == "POST"
}
"""The look-ups that read in another way than the other reads, which stand for the rest of them."""


@dataclass(frozen=True)
class End:
    """How a call ends.

    Args:
        result: `success`, `accepted` (a success whose answer's id could not be read), or the error.
        attempts: How often its request was sent, or tried to be.
        effects: How often it was applied; a read never is.
        took_effect: What the error says of that.
        asks_user: Whether the advice is to tell the user, who decides what comes next.
    """

    result: str
    attempts: int
    effects: int
    took_effect: str | None = None
    asks_user: bool = False

    def after(self, kind: Kind) -> After:
        """Return what the advice leads to, if it is followed once the fault is over."""
        if self.result in ("success", "accepted"):
            return After(NOTHING, self.effects)
        if self.result == "credentials_rejected" or self.asks_user:
            return After(USER, self.effects)
        if self.result == "outcome_unknown" and kind is not Kind.REPEATABLE:
            return After(LOOK, self.effects)
        return After(AGAIN, 0 if kind is Kind.READ else 1)


@dataclass(frozen=True)
class After:
    """What the advice of a result leads to.

    Args:
        leads_to: What is done, as the page says it.
        effects: How often the call is applied in the end.
    """

    leads_to: str
    effects: int


NOTHING, AGAIN = "nothing more", "the same call, after the wait"
LOOK, USER = "the look, then the user", "the user"


def _fails(code: str, attempts: int, effects: int = 0, took_effect: str = "no") -> End:
    return End(code, attempts, effects, took_effect)


def _unknown(attempts: int, effects: int) -> End:
    return _fails("outcome_unknown", attempts, effects, "unknown")


Ends = Mapping[Kind, End]


def _ends(read: End, repeatable: End, create: End, message: End, broadcast: End) -> Ends:
    return dict(zip(Kind, (read, repeatable, create, message, broadcast), strict=True))


def _all(end: End) -> Ends:
    return dict.fromkeys(Kind, end)


def _good(attempts: int) -> End:
    return End("success", attempts, 1)


_READ_AGAIN = End("success", 2, 0)
_LOST = {
    "once, not applied": _ends(
        _READ_AGAIN, _good(2), _good(2), message=_unknown(1, 0), broadcast=_unknown(1, 0)
    ),
    "once, applied": _ends(
        _READ_AGAIN, _good(2), _unknown(1, 1), message=_unknown(1, 1), broadcast=_unknown(1, 1)
    ),
    "always, not applied": _ends(
        _fails("unreachable", 3), _unknown(3, 0), _unknown(2, 0), _unknown(1, 0), _unknown(1, 0)
    ),
    "always, applied": _ends(
        _fails("unreachable", 3), _unknown(3, 1), _unknown(1, 1), _unknown(1, 1), _unknown(1, 1)
    ),
}
"""An answer that never comes: what may be repeated is; a segment is, if none of
its name is there that it may have made; a send is not."""


def _service_failed(attempts: int, effects: int) -> Ends:
    read = _fails("service_failed", attempts)
    repeatable = _fails("service_failed", attempts, effects, "unknown")
    return {Kind.READ: read, Kind.REPEATABLE: repeatable}


_FAILED = {
    **_LOST,
    "always, not applied": {**_LOST["always, not applied"], **_service_failed(3, 0)},
    "always, applied": {**_LOST["always, applied"], **_service_failed(3, 1)},
    "too long to wait": {
        **_LOST["always, not applied"],
        **_service_failed(1, 0),
        Kind.CREATE: _unknown(1, 0),
    },
}
"""A 5xx or 408: as much in doubt as a lost answer, but an answer that can be told."""

_UNSENT = {**_all(_fails("unreachable", 3)), Kind.BROADCAST: _fails("unreachable", 1)}
"""Nothing was sent: repeated, but for a broadcast, whose next slot is 10 s away."""

_NOT_NOW = _ends(_READ_AGAIN, _good(2), _good(2), _good(2), broadcast=_fails("rate_limited", 1))
"""A 429, nothing was accepted: repeated like what was not sent."""

_UNREAD = _ends(_fails("reply_unreadable", 1), _good(1), *[End("accepted", 1, 1)] * 3)
"""A 2xx that cannot be read: a write happened, if under an unknown id; a read has no result."""

_TOO_LONG = {**_UNREAD, Kind.READ: replace(_UNREAD[Kind.READ], asks_user=True)}
"""An answer that stays too long, so that waiting does not help."""

_CUT_OFF = {**_UNREAD, Kind.READ: _READ_AGAIN}
"""A 2xx whose body breaks off: what was done is in its status, what was found is not."""


def _doubted(effects: int) -> Ends:
    """A 2xx whose body is an error: neither done nor undone."""
    doubt = _unknown(1, effects)
    return {
        **_all(doubt),
        Kind.READ: _fails("reply_unreadable", 1),
        Kind.REPEATABLE: replace(doubt, asks_user=True),
    }


_MAY_FOLLOW = {
    **_all(_unknown(1, 1)),
    Kind.READ: _fails("credentials_rejected", 1),
    Kind.REPEATABLE: _fails("credentials_rejected", 1, 1, "unknown"),
}
"""A redirect that may follow a write that was applied: nothing is repeated."""

_TOO_LATE = {**_CUT_OFF, Kind.READ: _fails("unreachable", 1)}
"""The same, where no time is left to read again."""


@dataclass(frozen=True)
class Fault:
    """One row of the table.

    Args:
        name: What goes wrong.
        rule: The sandbox's rule for it; None is a port that nobody listens on.
        ends: How a call of each kind ends.
        mute: Whether the fault is that nothing more comes, so that waiting has to end soon.
        late: Whether the deadline passes while the answer comes.
        retry_after: The seconds to wait that the result must tell.
    """

    name: str
    rule: Mapping[str, Any] | None
    ends: Ends
    mute: bool = False
    late: bool = False
    retry_after: float | None = None


_ANSWER: Mapping[str, Any] = {"status": 200, "body": '{"why": "an answer of some length"}'}
"""What takes the place of an answer that may have no body, so that there is one to break."""


def _answers(status: int, *, always: bool = False, **more: Any) -> dict[str, Any]:
    return {"status": status, **({} if always else {"times": 1}), **more}


def _breaks(action: str, *, always: bool = False, **more: Any) -> dict[str, Any]:
    return {"action": action, **({} if always else {"times": 1}), **more}


BEFORE, AFTER = "reset_before_applying", "reset_after_applying"
MUTE_BEFORE, MUTE_AFTER = "no_answer_before_applying", "no_answer_after_applying"

FAULTS = (
    Fault("refused connection, always", None, _UNSENT),
    Fault("reset before applying, once", _breaks(BEFORE), _LOST["once, not applied"]),
    Fault(
        "reset before applying, always", _breaks(BEFORE, always=True), _LOST["always, not applied"]
    ),
    Fault("reset after applying, once", _breaks(AFTER), _LOST["once, applied"]),
    Fault("reset after applying, always", _breaks(AFTER, always=True), _LOST["always, applied"]),
    Fault(
        "no answer, not applied, always",
        _breaks(MUTE_BEFORE, always=True),
        _LOST["always, not applied"],
        mute=True,
    ),
    Fault("no answer, applied, once", _breaks(MUTE_AFTER), _LOST["once, applied"], mute=True),
    Fault("429, once", _answers(429), _NOT_NOW),
    Fault(
        "429, always",
        _answers(429, always=True),
        {**_all(_fails("rate_limited", 3)), Kind.BROADCAST: _fails("rate_limited", 1)},
    ),
    Fault("429 with Retry-After: 3, once", _answers(429, retry_after=3), _NOT_NOW),
    Fault(
        "429 with Retry-After: 3600",
        _answers(429, always=True, retry_after=3600),
        _all(_fails("rate_limited", 1)),
        retry_after=3600,
    ),
    Fault("500, once", _answers(500), _FAILED["once, not applied"]),
    Fault("500, always", _answers(500, always=True), _FAILED["always, not applied"]),
    Fault("500 after applying, once", _answers(500, apply=True), _FAILED["once, applied"]),
    Fault(
        "500 after applying, always",
        _answers(500, always=True, apply=True),
        _FAILED["always, applied"],
    ),
    Fault("502 as a page, once", _breaks("html_page", status=502), _FAILED["once, not applied"]),
    Fault(
        "503 with Retry-After: 2, once",
        _answers(503, retry_after=2),
        _FAILED["once, not applied"],
    ),
    Fault(
        "503 with Retry-After: 3600",
        _answers(503, always=True, retry_after=3600),
        _FAILED["too long to wait"],
    ),
    Fault(
        "503 after applying, with Retry-After: 3600",
        _answers(503, always=True, apply=True, retry_after=3600),
        {
            **_LOST["always, applied"],
            **_service_failed(1, 1),
        },
    ),
    Fault("504 after applying, once", _answers(504, apply=True), _FAILED["once, applied"]),
    Fault("408, once", _answers(408), _FAILED["once, not applied"]),
    Fault("408, always", _answers(408, always=True), _FAILED["always, not applied"]),
    Fault("200 with half of its JSON", _breaks("malformed_json", **_ANSWER), _UNREAD),
    Fault("200 with a page", _breaks("html_page", status=200), _UNREAD),
    Fault("200 with a Content-Length too small", _breaks("length_too_small", **_ANSWER), _UNREAD),
    Fault(
        "200 of more than 10 MB",
        _answers(200, always=True, body="x" * 10_000_001),
        _TOO_LONG,
    ),
    Fault("200 cut off in its body, once", _breaks("cut_body", **_ANSWER), _CUT_OFF),
    Fault(
        "200 with a Content-Length too large, once",
        _breaks("length_too_large", **_ANSWER),
        _CUT_OFF,
        mute=True,
    ),
    Fault(
        "200 that drips beyond the deadline",
        _breaks("slow_body", always=True, status=200, bytes_per_second=200, body="x" * 10_000),
        _TOO_LATE,
        late=True,
    ),
    Fault(
        "200 with an error in its body",
        _answers(200, always=True, body={"meta": {"error": "asleep"}}),
        _doubted(1),
    ),
    Fault(
        "200 with an error in its body, not applied",
        _answers(200, always=True, apply=False, body={"errors": [{"detail": "asleep"}]}),
        _doubted(0),
    ),
    Fault("302 after applying", _answers(302, always=True, apply=True), _MAY_FOLLOW),
    Fault("303 after applying", _answers(303, always=True, apply=True), _MAY_FOLLOW),
    Fault(
        "307 to another host",
        _breaks("redirect", always=True, url="https://elsewhere.example/"),
        _all(_fails("credentials_rejected", 1)),
    ),
)
