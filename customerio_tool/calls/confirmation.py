"""Confirms a call by a second look: the model repeats it with a token.

A token makes the model send the same call twice. That stops a slip; it is nobody's consent, which
`calls.persons` is about.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.waiting import LIFE_SECONDS
from customerio_tool.backends.ledger.entry import Entry
from customerio_tool.calls.call import Call
from customerio_tool.calls.message_keys import token_key
from customerio_tool.calls.seen import members_of, said_of
from customerio_tool.calls.spared import SparedLedger
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.errors import (
    ConfirmationRequired,
    FieldProblem,
)
from customerio_tool.subtools.declare.json_input import read
from customerio_tool.subtools.declare.problems import refuse

TOKEN = "confirmation_token"  # noqa: S105 - the argument's name
_TOKEN_FORM = re.compile(r"([0-9]{1,12})-([0-9a-f]{8})[0-9a-f]{24}")

_TOKEN_SCHEMA = {
    "type": "string",
    "description": "From the confirmation_required result of the same call; else leave out.",
}
_ID_SCHEMA = {"type": "string", "description": "Names the call that waits for a person."}


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
            f"doubt, ask the user first.{said_of(call.seen)}",
            next_step="fix_arguments",
            extra={**members_of(call.seen), TOKEN: self._new_token(call)},
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
