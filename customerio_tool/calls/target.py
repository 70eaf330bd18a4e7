"""Reads what a call may erase or merge, once, before anybody is asked and anything is sent.

The read is a help and no condition: if it fails, the call goes on and says so. Only a name that
the caller gave as a check must be compared first.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import cleaned_json, payload_of, second_payload_of
from customerio_tool.calls.request import request_for, second_request_for
from customerio_tool.calls.retry import Bounds, Retrier
from customerio_tool.calls.seen import Seen
from customerio_tool.connection.exchange import Reply, Request
from customerio_tool.errors import (
    ArgumentsInvalid,
    Cancelled,
    ConnectionInvalid,
    CustomerIoError,
    FieldProblem,
    Look,
    NotFound,
    ReplyUnreadable,
    Unreachable,
)
from customerio_tool.policy import Policy
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import NO_PEOPLE, Answer, Api, Effect, Target, nfc
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.privacy import without_hidden
from customerio_tool.subtools.declare.vendor_json import Item


class TargetReader:
    """Reads the targets of calls.

    Args:
        retrier: Sends a request; a look is one attempt.
        apis: The APIs of the connection.
    """

    def __init__(self, retrier: Retrier, apis: Collection[Api]) -> None:
        self._retrier = retrier
        self._apis = apis

    def seen(self, call: Call[Any], policy: Policy, bounds: Bounds) -> Seen | None:
        """Return what a call may erase or merge; None if it is nothing.

        Raises:
            Cancelled: The host cancelled the call.
            CustomerIoError: The call names its target, and that name is another one or could not
                be compared.
        """
        target = call.subtool.target
        if target is None:
            return None
        seen: Seen | None = None
        for look in target.looks(call.args):
            seen = self._seen_by(look, call, target, policy, bounds)
            if seen.existed is not False:
                return seen
        return seen if call.subtool.effect is Effect.ERASE else None

    def _seen_by(
        self, look: Look, call: Call[Any], target: Target[Any], policy: Policy, bounds: Bounds
    ) -> Seen:
        try:
            whole, shown = self._read(look, call, policy, bounds)
        except Cancelled:
            raise
        except CustomerIoError as error:
            _refuse_unless_named(call, target, look, error)
            return _unseen(call, target, error)
        told, about = target.shown(look, shown), target.shown(look, whole)
        if about is None or told is None:
            another = ReplyUnreadable("Customer.io answered this read about something else.")
            _refuse_unless_named(call, target, look, another)
            return _unseen(call, target, another)
        if not target.is_at_risk(call.args, whole):
            return Seen(existed=False, sentence=target.nothing)
        _check_name(call, target, about)
        if not policy.shows(find(look.subtool)):
            told = {}
        members = {"target": told, "untrusted": True} if told else {}
        sentence, identity = target.found(told), about.get(target.identity)
        return Seen(True, sentence, {**_existed(call, found=True), **members}, identity)

    def _read(
        self, look: Look, call: Call[Any], policy: Policy, bounds: Bounds
    ) -> tuple[Item, Item]:
        """Return the result of a read, once with nothing hidden and once as the policy shows it."""
        read = find(look.subtool)
        if read.endpoint.api not in self._apis:
            raise ConnectionInvalid(_NO_KEY)
        asked: Call[Any] = Call(read, read.parse(look.arguments), call.at, call.context)
        reply = self._reply(request_for(asked), bounds)
        if reply.status == HTTPStatus.NOT_FOUND and not isinstance(cleaned_json(reply), dict):
            raise ReplyUnreadable("A 404 came that is not Customer.io's own.")
        payload = payload_of(asked, reply)
        second, hidden = self._second_payload(asked, bounds), frozenset(policy.hidden_attributes)
        kept = without_hidden(payload, read.people or NO_PEOPLE, hidden)
        whole = read.result(Answer(asked.args, asked.at, payload, second))
        return whole, read.result(Answer(asked.args, asked.at, kept, second, hidden))

    def _second_payload(self, asked: Call[Any], bounds: Bounds) -> Item | None:
        """Return the reply to the second read; None if there is none, or if it fails."""
        if (request := second_request_for(asked)) is None:
            return None
        try:
            return second_payload_of(asked, self._reply(request, bounds))
        except Cancelled:
            raise
        except CustomerIoError:
            return None

    def _reply(self, request: Request, bounds: Bounds) -> Reply:
        attempts = self._retrier.send(request, Effect.READ, bounds)
        if attempts.reply is None:
            bounds.check(doubtful=False)  # the answer may be missing because of a cancellation
            raise Unreachable(attempts.problem)
        return attempts.reply


def _existed(call: Call[Any], *, found: bool) -> Item:
    return {"existed": found} if call.subtool.effect is Effect.ERASE else {}


def _unseen(call: Call[Any], target: Target[Any], error: CustomerIoError) -> Seen:
    """Return what a failed look means: that there is nothing, or that it is not known."""
    if isinstance(error, NotFound) and target.is_certain(call.args):
        return Seen(False, target.nothing, _existed(call, found=False))
    why = _NO_KEY if error.summary == _NO_KEY else ""
    return Seen(None, f"{target.unread} {why}".strip())


_NO_KEY = "The connection has no app_api_key for that read."


def _given_name(call: Call[Any], target: Target[Any]) -> str | None:
    return None if target.name_argument is None else getattr(call.args, target.name_argument)


def _check_name(call: Call[Any], target: Target[Any], about: Item) -> None:
    """Refuse a call whose target has another name than the caller says; the name is not told.

    A model that read the right name here would give it back, and erase the wrong target.
    """
    given = _given_name(call, target)
    if given is None or _plain(given) == _plain(about.get("name")):
        return
    path = str(target.name_argument)
    problem = FieldProblem(path, "is not what the target is called", "make the call in `look`")
    raise ArgumentsInvalid(
        f"Nothing was sent. {problem}, and let the user say which one is meant.",
        next_step="look_first",
        fields=[problem],
        look=target.by_name(call.args) if target.by_name else None,
    )


def _refuse_unless_named(
    call: Call[Any], target: Target[Any], look: Look, error: CustomerIoError
) -> None:
    """Refuse a call that names its target if the look at it failed; the error is the look's."""
    if _given_name(call, target) is None:
        return
    if error.code == NotFound.code and target.by_name:
        error.next_step, error.look = "look_first", target.by_name(call.args)
        advice = "Make the call in `look`, and let the user say which one is meant."
    else:
        error.look = look
        advice = "Once the call in `look` succeeds, make this one again."
    reason = error.summary
    error.summary = f"Nothing was sent, as {target.name_argument} could not be compared."
    error.add(f"{reason} {advice}")
    raise error


def _plain(name: object) -> str:
    return nfc(visible(str(name)).strip())
