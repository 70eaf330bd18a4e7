"""Confirms a call before it runs: a person approves it, or the model repeats it with a token.

Only the host can pass on a person's approval, and it runs exactly the call that the person saw: no
argument of a model approves anything. A token makes the model send the same call twice. That stops
a slip; it is nobody's consent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, NoReturn

from customerio_tool.backends import Backends
from customerio_tool.backends.approvals import LIFE_SECONDS, Approvals, WaitingCall
from customerio_tool.backends.ledger.entry import Entry
from customerio_tool.calls.call import Call
from customerio_tool.calls.message_keys import fingerprint_of, token_key
from customerio_tool.calls.request import request_for
from customerio_tool.calls.spared import SparedLedger
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.errors import (
    ConfirmationRequired,
    ConfirmationUnknown,
    FieldProblem,
    Look,
    PolicyRefused,
)
from customerio_tool.subtools.declare import Invocation
from customerio_tool.subtools.declare.json_input import read
from customerio_tool.subtools.declare.problems import refuse
from customerio_tool.subtools.declare.times import iso_time

TOKEN = "confirmation_token"  # noqa: S105 - the argument's name
_TOKEN_FORM = re.compile(r"([0-9]{1,12})-([0-9a-f]{8})[0-9a-f]{24}")

_TOKEN_SCHEMA = {
    "type": "string",
    "description": "From the confirmation_required result of the same call; else leave out.",
}
_ID_SCHEMA = {"type": "string", "description": "Names the call that waits for a person."}


_WAITS = (
    "No argument changes that: this call waits for a person's approval, which only the application "
    "that runs this agent can pass on. Make the call in `look`, and tell the user what it shows."
)


class PersonConfirmation:
    """Keeps each call until the host approves or declines it.

    Args:
        approvals: The calls that wait.
        entropy: Returns the given number of random bytes.
    """

    def __init__(self, approvals: Approvals, entropy: Callable[[int], bytes]) -> None:
        self._approvals = approvals
        self._entropy = entropy

    def ask(self, call: Call[Any]) -> NoReturn:
        """Keep a call for a person's decision; an equal call of the same run gets the same id.

        Raises:
            ConfirmationRequired: Always; the envelope has the `confirmation_id`.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: {call.subtool.name} waits for a person's approval, which only "
            "the application that runs this agent can pass on. Tell the user what you asked for; "
            f"no argument approves it, and asking again changes nothing.{_said_of_target(call)}",
            extra={**_members_of_target(call), "confirmation_id": self._kept(call)},
        )

    def ask_again(self, call: Call[Any], first: Call[Any]) -> NoReturn:
        """Keep a call whose message may have gone already, for a person's decision.

        Args:
            call: The call, which has a new key.
            first: The same message, at the moment when its first call began.

        Raises:
            ConfirmationRequired: Always; the envelope has the `confirmation_id`, and `look`.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: the same message began at {iso_time(first.at.now)} and got no "
            f"usable answer, so that it may have gone. {_WAITS}",
            look=first.look(),
            extra={"confirmation_id": self._kept(replace(call, sends_again=True))},
        )

    def ask_about(self, call: Call[Any], began: float, look: Look | None, seen: str) -> NoReturn:
        """Keep a call to somebody to whom another message may have gone, for a person's decision.

        Args:
            call: The call.
            began: When the other call began, in Unix seconds.
            look: The read that shows whether its message went.
            seen: What that read showed just now, as a sentence; empty if nothing.

        Raises:
            ConfirmationRequired: Always; the envelope has the `confirmation_id`, and `look`.
            PolicyRefused: `MAX_WAITING` calls of the workspace wait already.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: another message to the same recipient began at "
            f"{iso_time(began)} and got no usable answer, so that it may have gone. {_WAITS}",
            look=look,
            extra={
                "confirmation_id": self._kept(replace(call, sends_again=True)),
                **({"possibly": seen} if seen else {}),
            },
        )

    def _kept(self, call: Call[Any]) -> str:
        """Keep a call and return its confirmation id.

        Two calls of one message in doubt are one question, so that two approvals send it once.
        """
        asked, run = call.canonical, call.context.run_id or None
        if call.sends_again:
            asked = fingerprint_of(call, request_for(call)).encode()
        key = hashlib.sha256(asked).digest(), run, call.sends_again
        waiting = WaitingCall(call, key, run, len(call.canonical), call.at.now + LIFE_SECONDS)
        return self._approvals.keep(call.at.workspace, waiting, call.at.now, self._entropy)

    def take(self, confirmation_id: str, at: Invocation) -> Call[Any]:
        """Remove a waiting call of the workspace and return it.

        Raises:
            ConfirmationUnknown: No call waits under this id.
        """
        # An id comes from outside and may be unhashable.
        waiting = self._approvals.take(at.workspace, str(confirmation_id), at.now)
        if waiting is None:
            raise ConfirmationUnknown(
                "No call waits under this confirmation id, so nothing was sent: it was decided "
                f"already, {LIFE_SECONDS // 60} minutes have passed, or very many later calls took "
                "its place. The agent must ask again."
            )
        call: Call[Any] = waiting.call
        return call


def nobody_can_approve(subtool: str) -> PolicyRefused:
    """Return the error for a call that needs approval in a process that is about to end.

    A confirmation id would be useless there: the waiting call ends with the process.
    """
    return PolicyRefused(
        f"Nothing was sent: {subtool} needs a person's approval, and this process ends with the "
        "call, so that nobody could give it. An application that keeps its process running can "
        "ask a person, by CustomerIoTool.approve."
    )


class RepeatTokens:
    """Issues and checks the tokens for `confirm="repeat"`; the ledger keeps those that served.

    A token is an expiry time, a random number, and a MAC over both and the call. The key of the MAC
    is derived from the connection's credentials, so a token is valid in every worker with the same
    ones. It serves one call among all workers that share the ledger.

    Args:
        connection: The credentials.
        clock: Time and random bytes.
        backends: The ledger.
    """

    def __init__(self, connection: Connection, clock: Clock, backends: Backends) -> None:
        self._connection = connection
        self._now = clock.now
        self._entropy = clock.entropy
        self._served = SparedLedger(backends, "the tokens that have served")

    def split(
        self, arguments: Mapping[str, Any] | str | bytes | None
    ) -> tuple[dict[str, Any], str | None]:
        """Return the arguments without the token, and the token if there is one.

        Raises:
            ArgumentsInvalid: The arguments are not a JSON object, or the token is not a string.
        """
        given = read(arguments)
        token = given.pop(TOKEN, None)
        if token is not None and not isinstance(token, str):
            refuse([FieldProblem(TOKEN, "is not a string", "send it as the result gave it")])
        return given, token

    def check(self, call: Call[Any], token: str | None) -> None:
        """Refuse the call unless the token is valid for it.

        Raises:
            ConfirmationRequired: The token is missing, expired, invented, of another call, or has
                served already; the envelope has a new one, valid for 10 minutes.
            LedgerUnavailable: The ledger cannot be used, and `best_effort` is false.
        """
        doubt = "" if token is None else "That token is not of this call, or is too old. "
        if token is not None and self._is_valid(call, token):
            if self._serves(call, token):
                return
            doubt = "That token has served a call already, and serves no second one. "
        raise ConfirmationRequired(
            f"Nothing was sent: {call.subtool.name} must be asked for twice. {doubt}Look again at "
            f"each argument, then repeat the same call with {TOKEN} within "
            f"{LIFE_SECONDS // 60} minutes. That is a second look and no consent: where you are in "
            f"doubt, ask the user first.{_said_of_target(call)}",
            next_step="fix_arguments",
            extra={**_members_of_target(call), TOKEN: self._new_token(call)},
        )

    def _is_valid(self, call: Call[Any], token: str) -> bool:
        found = _TOKEN_FORM.fullmatch(token)
        if found is None or int(found[1]) <= self._now():
            return False
        return hmac.compare_digest(token, self._token(call, int(found[1]), found[2]))

    def _serves(self, call: Call[Any], token: str) -> bool:
        """Whether a valid token serves this call: it has served no other one, and never will."""
        now, ends_at = self._now(), float(token.partition("-")[0])
        used = Entry("sent", "token", now, ends_at, ends_at)
        return self._served.claim(token_key(call.at.workspace, token), used, now)

    def _new_token(self, call: Call[Any]) -> str:
        return self._token(call, int(self._now()) + LIFE_SECONDS, self._entropy(4).hex())

    def _token(self, call: Call[Any], ends_at: int, number: str) -> str:
        key = hashlib.blake2b(person=b"confirmation")
        for api in sorted(self._connection.apis, key=lambda api: api.value):
            key.update(self._connection.authorization(api).encode() + b"\0")
        text = b"%d\0%b\0%b" % (ends_at, number.encode(), call.canonical)
        mac = hmac.new(key.digest(), text, hashlib.sha256)
        return f"{ends_at}-{number}{mac.hexdigest()[:24]}"


def _said_of_target(call: Call[Any]) -> str:
    return f" {call.seen.sentence}" if call.seen else ""


def _members_of_target(call: Call[Any]) -> Mapping[str, Any]:
    return call.seen.members if call.seen else {}


def with_confirmation(definition: dict[str, Any], confirm: str) -> dict[str, Any]:
    """Return a copy of a definition with the confirmation's members added to its schemas."""
    definition = deepcopy(definition)
    if confirm == "human":
        return _with_property(definition, "output_schema", "confirmation_id", _ID_SCHEMA)
    shown = _with_property(definition, "input_schema", TOKEN, _TOKEN_SCHEMA)
    return _with_property(shown, "output_schema", TOKEN, _TOKEN_SCHEMA)


def _with_property(
    definition: dict[str, Any], schema: str, name: str, declared: Mapping[str, Any]
) -> dict[str, Any]:
    properties = {**definition[schema]["properties"], name: dict(declared)}
    return {**definition, schema: {**definition[schema], "properties": properties}}
