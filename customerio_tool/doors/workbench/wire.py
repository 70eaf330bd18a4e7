"""What went over the wire in a call, as a page shows it: never with a key of the connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from customerio_tool.calls.call import Exchange
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.masking import KeyMask
from customerio_tool.doors.workbench.trials import Step, Trial
from customerio_tool.subtools import all_subtools, find
from customerio_tool.subtools.declare import NO_PEOPLE, Subtool
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.privacy import without_hidden
from customerio_tool.subtools.declare.vendor_json import clean

_MOST = 20_000
"""The most characters of a body on a page."""

_LOOKS: Mapping[str, str] = {"answered": "good", "limited": "warn"}


@dataclass(frozen=True)
class Sent:
    """One exchange on a page.

    Args:
        purpose: What it was for, if it was not the call's own request.
        number: 1 for the first attempt of a request.
        method: The HTTP method.
        url: The origin, path and query.
        body: The body of the request; empty if it had none.
        status: The HTTP status; None if there was no reply.
        fate: What became of it, in a word.
        look: The colour of that.
        reply: The body of the reply; empty if there was none.
        problem: Why there was no reply; empty if there was one.
        seconds: How long it took.
        at: The seconds since the call began.
    """

    purpose: str
    number: int
    method: str
    url: str
    body: str
    status: int | None
    fate: str
    look: str
    reply: str
    problem: str
    seconds: float
    at: float


@dataclass(frozen=True)
class Told:
    """What the call said of itself: that it waits, or tries again.

    Args:
        sentence: The sentence.
        at: The seconds since the call began.
    """

    sentence: str
    at: float


def wire_of(
    trial: Trial, mask: KeyMask, hidden: frozenset[str] = frozenset()
) -> Sequence[Sent | Told]:
    """Return the steps of a call, in order.

    Args:
        trial: The call.
        mask: Removes the keys of the connection.
        hidden: The folded names of the attributes that the policy hides, also in replies.
    """
    subtool = find(trial.subtool)
    masked = _masking(mask)
    return [_step(subtool, each, masked, hidden) for each in list(trial.steps)]


def _masking(mask: KeyMask) -> Callable[[str], str]:
    return lambda text: mask(visible(text))


def _step(
    subtool: Subtool[Any], step: Step, masked: Callable[[str], str], hidden: frozenset[str]
) -> Sent | Told:
    at, what = step
    if isinstance(what, str):
        return Told(masked(what), at)
    attempt = what.attempt
    return Sent(
        purpose=purpose_of(subtool, what.request),
        number=attempt.number,
        method=attempt.method,
        url=masked(attempt.origin + what.request.target),
        body=_pretty(what.request.body or b"", masked),
        status=attempt.status,
        fate=attempt.fate.replace("_", " "),
        look=_look(what),
        reply=_pretty(_shown(subtool, what, hidden), masked),
        problem=attempt.problem,
        seconds=attempt.seconds,
        at=max(0.0, at - attempt.seconds),
    )


def _shown(subtool: Subtool[Any], exchange: Exchange, hidden: frozenset[str]) -> bytes:
    """Return the body of a reply without the hidden attributes of its people; empty without one.

    What is no whole JSON cannot be looked through, and is left out where the policy hides some.
    """
    if exchange.reply is None or not (hidden and exchange.reply.body):
        return exchange.reply.body if exchange.reply else b""
    asked = exchange.request.method, exchange.request.template
    try:
        value = clean(json.loads(exchange.reply.body))
        for each in (subtool, *all_subtools().values()):
            if each is subtool or asked in {(one.method, one.path) for one in each.endpoints}:
                value = without_hidden(value, each.people or NO_PEOPLE, hidden)
    except (ValueError, RecursionError):
        return b"(not shown: it is no whole JSON, and the policy hides attributes)"
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _look(exchange: Exchange) -> str:
    status = exchange.attempt.status
    is_refused = status is not None and status >= 400
    look = _LOOKS.get(exchange.attempt.fate, "bad")
    return "bad" if is_refused and look == "good" else look


def purpose_of(subtool: Subtool[Any], request: Request) -> str:
    """Return what a request of a call is for; empty if it is the call's own."""
    asked = request.method, request.template
    if asked in {(each.method, each.path) for each in subtool.endpoints}:
        return ""
    further = ((subtool.second_read, "second read"), (subtool.verify, "verifying read"))
    for read, words in further:
        if read is not None and asked == (read.endpoint.method, read.endpoint.path):
            return words
    return "read of the target" if subtool.target else "look at what was sent"


def own_request(trial: Trial) -> Exchange | None:
    """Return the exchange with the call's own request; None if none was sent."""
    subtool = find(trial.subtool)
    own = [each for each in trial.exchanges if not purpose_of(subtool, each.request)]
    return own[0] if own else None


def _pretty(body: bytes, masked: Callable[[str], str]) -> str:
    """Return a body without keys, as JSON on several lines if it is JSON, and cut if it is long."""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    # Half of a surrogate pair can be written as an escape in a reply, and cannot be in a page.
    whole = masked(text.encode("utf-8", "backslashreplace").decode())
    cut = f"\n… {len(whole):,} characters" if len(whole) > _MOST else ""
    return whole[:_MOST] + cut
