"""Faults on demand: the rules, which requests they hit, and how often.

There is no socket and no clock here. ``application`` asks for the fault that hits a request, and
``wire_faults`` performs its action.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from http import HTTPStatus
from random import Random
from threading import Lock
from typing import Any, Literal

from .. import declared
from ..refusal import Refused
from .http import Envelope, Reply, Request, json_reply

Action = Literal[
    "answer",
    "slow_body",
    "cut_body",
    "length_too_small",
    "length_too_large",
    "malformed_json",
    "html_page",
    "redirect",
    "close_idle",
    "reset_before_applying",
    "reset_after_applying",
    "no_answer_before_applying",
    "no_answer_after_applying",
]
_UNAPPLIED = frozenset({"reset_before_applying", "no_answer_before_applying"})
_UNANSWERED = _UNAPPLIED | {"reset_after_applying", "no_answer_after_applying"}
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_LONGEST_DELAY = 3600.0


@dataclass(frozen=True)
class Fault:
    """One fault rule. Times are seconds.

    A request matches when it fits every given member of ``operation``, ``method``, ``path`` and
    ``api``. ``nth``, ``every``, ``probability`` and ``times`` choose which matching requests are
    hit; a rule without them hits them all.

    Attributes:
        operation: the sandbox's name of the call, as in the request log: ``send_email``; requests
            without a route are ``unknown``.
        method: the HTTP method.
        path: a glob over the raw path; ``*`` also spans ``/``.
        api: ``track`` or ``app``.
        nth: hit only the nth matching request, from 1.
        every: hit each matching request whose number divides by this.
        times: hit at most this many requests.
        probability: the chance of a hit, 0 to 1.
        seed: the seed of the random numbers behind ``probability``; equal seeds repeat a run.
        action: ``answer`` only changes the answer. ``slow_body`` sends ``bytes_per_second``;
            ``cut_body`` sends half of the announced body and closes; ``length_too_small`` and
            ``length_too_large`` send a wrong Content-Length; ``malformed_json`` sends the first
            half of the body with its right length; ``html_page`` sends a page; ``redirect`` points
            to ``url`` (307); ``close_idle`` closes the connection after the answer without
            announcing it; ``reset_...`` sends a TCP RST; ``no_answer_...`` stays silent until the
            client leaves or ``delay`` is over.
        status: the status of the answer; with 300 or more the request is not applied, unless
            ``apply`` is true.
        headers: added to the answer; they replace its headers of the same name.
        body: replaces the answer's body: text, or a value sent as JSON.
        retry_after: the seconds of an added Retry-After header.
        retry_after_form: ``seconds``, or ``date`` for an HTTP date.
        url: the Location of ``redirect``, sent unchanged.
        delay: wait this long, ``delay_before`` ``applying`` or ``answering``.
        delay_before: when to wait.
        bytes_per_second: the pace of ``slow_body``.
        apply: whether the request takes effect; by default it does unless the status is 300 or
            more. False without a status accepts the call and drops it.
    """

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    api: Literal["track", "app"] | None = None
    nth: int | None = None
    every: int | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    action: Action = "answer"
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    retry_after: float | None = None
    retry_after_form: Literal["seconds", "date"] = "seconds"
    url: str | None = None
    delay: float = 0.0
    delay_before: Literal["applying", "answering"] = "answering"
    bytes_per_second: int | None = None
    apply: bool | None = None

    @property
    def applies(self) -> bool:
        """Whether the request takes effect."""
        if self.action in _UNAPPLIED:
            return False
        if self.action in _UNANSWERED:
            return True
        if self.apply is not None:
            return self.apply
        return self.status is None or self.status < 300

    @property
    def answers(self) -> bool:
        """Whether the client gets an answer, even a broken one."""
        return self.action not in _UNANSWERED

    @property
    def payload(self) -> bytes | None:
        """The rule's body as bytes. Raises TypeError or ValueError when JSON cannot hold it."""
        if self.body is None or isinstance(self.body, str):
            return None if self.body is None else self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()

    def fits(self, api: str, operation: str, request: Request) -> bool:
        """Whether a request matches this rule."""
        return (
            self.operation in (None, operation)
            and self.method in (None, request.method)
            and self.api in (None, api)
            and (self.path is None or fnmatchcase(request.path, self.path))
        )

    def replacement(self, errors: Envelope) -> Reply | None:
        """The answer that replaces the handler's, in its API's error format, if there is one."""
        if self.status is not None and self.status >= 300:
            refused = Refused(_phrase(self.status))
            refused.status = self.status
            return errors(refused)
        return None if self.applies else json_reply({}, self.status or 200)

    def shown(self) -> dict[str, Any]:
        """The members that differ from their defaults."""
        members = {each.name: getattr(self, each.name) for each in fields(self)}
        default = Fault()
        return {name: value for name, value in members.items() if value != getattr(default, name)}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


def read(value: Any, operations: Iterable[str], where: str = "fault") -> Fault:
    """Read a rule from JSON; ``Fault`` describes the members.

    Raises:
        ValueError: a member is unknown, of the wrong type, out of range or useless here.
    """
    fault = declared.read(Fault, value, where)
    if fault.action == "redirect" and fault.status is None:
        fault = replace(fault, status=307)
    if fault.method is not None:
        fault = replace(fault, method=fault.method.upper())
    known = set(operations)
    if fault.operation is not None and fault.operation not in known:
        hint = declared.nearest(fault.operation, known)
        raise ValueError(f"{where}.operation is not one that is served: {hint}")
    for problem in _problems(fault):
        raise ValueError(f"{where}.{problem}")
    return fault


def _problems(fault: Fault) -> Iterable[str]:
    for name in ("nth", "every", "times", "bytes_per_second"):
        if (number := getattr(fault, name)) is not None and number < 1:
            yield f"{name} must be 1 or more"
    if not 0 <= fault.delay <= _LONGEST_DELAY:
        yield f"delay must lie between 0 and {_LONGEST_DELAY:.0f} seconds"
    if fault.method not in (None, *_METHODS):
        yield f"method is none of HTTP's: {declared.nearest(fault.method or '', _METHODS)}"
    if fault.retry_after is not None and fault.retry_after < 0:
        yield "retry_after must be 0 or more; a stranger one can be given in headers"
    if not 0 <= fault.probability <= 1:
        yield "probability must lie between 0 and 1"
    if fault.status is not None and not 200 <= fault.status <= 599:
        yield "status must lie between 200 and 599"
    if not all(_printable(name + text) for name, text in fault.headers.items()):
        yield "headers must be printable ASCII"
    try:
        _ = fault.payload
    except (TypeError, ValueError, RecursionError):
        yield "body must be text, or a value that JSON can hold"
    yield from _misplaced(fault)


def _misplaced(fault: Fault) -> Iterable[str]:
    for name, action in (("url", "redirect"), ("bytes_per_second", "slow_body")):
        if (getattr(fault, name) is None) == (fault.action == action):
            yield f"{name} belongs to action {action}, which needs it"
    if not fault.answers:
        for name in ("status", "headers", "body", "retry_after", "apply"):
            if getattr(fault, name) not in (None, {}):
                yield f"{name} is of no use: {fault.action} sends no answer"
    if fault.url is not None and not _printable(fault.url):
        yield "url must be printable ASCII"


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


@dataclass
class Active:
    """A rule in force with its counts: ``matched`` requests fit it, it hit ``fired`` of them."""

    rule: Fault
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        self._random = Random(self.rule.seed)  # noqa: S311 - a repeatable run, not a secret

    def shown(self) -> dict[str, Any]:
        """The rule with its counts."""
        return {"rule": self.rule.shown(), "matched": self.matched, "fired": self.fired}

    def count(self) -> bool:
        """Count a matching request; returns whether the rule wants to hit it."""
        rule = self.rule
        self.matched += 1
        drawn = self._random.random() < rule.probability
        return (
            drawn
            and rule.nth in (None, self.matched)
            and (rule.every is None or self.matched % rule.every == 0)
            and (rule.times is None or self.fired < rule.times)
        )


class Faults:
    """The rules in force. The first rule that wants a request hits it. Safe for many threads.

    Each rule counts all requests that match it, also those that another rule hits.
    """

    def __init__(self, operations: Iterable[str]) -> None:
        self._operations = frozenset(operations)
        self._lock = Lock()
        self._active: list[Active] = []

    def set(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Replace all rules; the counts start at 0.

        Raises:
            ValueError: a rule is invalid; the old rules stay.
        """
        found = [
            Active(read(rule, self._operations, f"faults[{number}]"))
            for number, rule in enumerate(rules)
        ]
        with self._lock:
            self._active = found

    def add(self, rule: Mapping[str, Any]) -> Active:
        """Add one rule after the others; returns it with its counts.

        Raises:
            ValueError: the rule is invalid.
        """
        active = Active(read(rule, self._operations))
        with self._lock:
            self._active.append(active)
        return active

    def clear(self) -> None:
        """Remove all rules."""
        self.set(())

    def shown(self) -> list[dict[str, Any]]:
        """All rules with their counts."""
        with self._lock:
            return [each.shown() for each in self._active]

    @property
    def is_empty(self) -> bool:
        """Whether there is no rule."""
        return not self._active

    def hit(self, api: str, operation: str, request: Request) -> Fault | None:
        """The rule that hits this request, if any."""
        with self._lock:
            hit: Fault | None = None
            for each in self._active:
                if each.rule.fits(api, operation, request) and each.count() and hit is None:
                    each.fired += 1
                    hit = each.rule
            return hit

    def from_header(self, text: str) -> Fault:
        """Read the fault that a request asks for by header: an action's name, or a rule as JSON.

        Raises:
            ValueError: it is neither.
        """
        where, value = "X-Sandbox-Fault", {"action": text.strip()}
        if text.lstrip().startswith("{"):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                raise ValueError(f"{where} is not JSON") from None
        return read(value, self._operations, where)
