"""Calls that are confirmed before they run: by a person at the host, or by a second look.

A person's approval comes through the host alone and releases the very call that was asked for; no
argument of a model approves anything. A second look makes a model repeat the same call with a
token: it stops a slip of the tongue, and is nobody's consent.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from customerio_tool.arguments import read, refuse
from customerio_tool.connection import Connection
from customerio_tool.errors import (
    ConfirmationRequired,
    ConfirmationUnknown,
    FieldProblem,
    PolicyRefused,
)
from customerio_tool.invocation import CallContext, Invocation
from customerio_tool.locks import ForkSafeLock
from customerio_tool.spec import Args, Subtool

LIFE_SECONDS = 600
"""How long a call waits for a person, and a token counts."""

MAX_WAITING = 1000
"""Calls that wait for a person at the same time."""

TOKEN = "confirmation_token"  # noqa: S105 - the argument's name
_TOKEN_FORM = re.compile(r"([0-9]{1,12})-[0-9a-f]{32}")

_TOKEN_SCHEMA = {
    "type": "string",
    "description": "From the confirmation_required result of the same call; else leave out.",
}
_ID_SCHEMA = {"type": "string", "description": "Names the call that waits for a person."}


@dataclass(frozen=True)
class Asked:
    """A call that was asked for; its arguments are not shown by `repr`."""

    subtool: Subtool[Any] = field(repr=False)
    args: Args = field(repr=False)
    context: CallContext = field(repr=False)

    @property
    def canonical(self) -> bytes:
        """The subtool and its arguments in one form, however they were written."""
        given = {name: value for name, value in self.args if value is not None}
        return json.dumps([self.subtool.name, given], sort_keys=True).encode()


@dataclass(frozen=True)
class _Waiting:
    asked: Asked
    key: tuple[bytes, str | None]
    ends_at: float


class Approvals:
    """The calls of all workspaces that wait for a person, each for 10 minutes, in memory."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = ForkSafeLock()
        self._waiting: dict[str, dict[str, _Waiting]] = {}

    def ask(self, asked: Asked, at: Invocation, entropy: Callable[[int], bytes]) -> NoReturn:
        """Keep a call until it is decided; the same call of the same run keeps its id.

        Args:
            asked: The call.
            at: When it was asked for, and of which workspace.
            entropy: Gives that many random bytes.

        Raises:
            ConfirmationRequired: Always; `confirmation_id` is beside.
            PolicyRefused: Too many calls of the workspace wait.
        """
        raise ConfirmationRequired(
            f"Nothing was sent yet: {asked.subtool.name} waits for a person's approval, which only "
            "the application that runs this agent can pass on. Tell the user what you asked for; "
            "no argument approves it, and asking again changes nothing.",
            beside={"confirmation_id": self._kept(asked, at, entropy)},
        )

    def _kept(self, asked: Asked, at: Invocation, entropy: Callable[[int], bytes]) -> str:
        key = hashlib.sha256(asked.canonical).digest(), asked.context.run_id
        with self._lock:
            queue = self._queue(at)
            for known, waiting in queue.items():
                if waiting.key == key:
                    return known
            if len(queue) >= MAX_WAITING:
                raise PolicyRefused(
                    f"Nothing was sent: {MAX_WAITING:,} calls wait for a person's approval already."
                )
            # Numbered, so that two calls never share an id.
            confirmation_id = f"{next(self._numbers)}-{entropy(8).hex()}"
            queue[confirmation_id] = _Waiting(asked, key, at.now + LIFE_SECONDS)
        return confirmation_id

    def take(self, confirmation_id: str, at: Invocation) -> Asked:
        """Return a call of the workspace that waits, which then waits no more.

        Raises:
            ConfirmationUnknown: No call waits under this id.
        """
        with self._lock:
            # What is no text may have no hash.
            waiting = self._queue(at).pop(str(confirmation_id), None)
        if waiting is None:
            raise ConfirmationUnknown(
                "No call waits under this confirmation id, so nothing was sent: it was decided "
                f"already, or {LIFE_SECONDS // 60} minutes have passed. The agent must ask again."
            )
        return waiting.asked

    def _queue(self, at: Invocation) -> dict[str, _Waiting]:
        """Return the calls of a workspace that still wait."""
        queue = self._waiting.setdefault(at.workspace, {})
        for known in [k for k, waiting in queue.items() if waiting.ends_at <= at.now]:
            del queue[known]
        return queue


def nobody_can_approve(subtool: str) -> PolicyRefused:
    """Return what a process that ends with its call tells in place of a `ConfirmationRequired`.

    A confirmation id would name a call that no longer waits for anybody.
    """
    return PolicyRefused(
        f"Nothing was sent: {subtool} needs a person's approval, and this process ends with the "
        "call, so that nobody could give it. An application that keeps its process running can "
        "ask a person, by CustomerIoTool.approve."
    )


class SecondLook:
    """The tokens with which a model repeats a call; every worker with the same keys takes them.

    Args:
        connection: Whose credentials the key of the tokens is derived from.
        clock: Gives Unix time in seconds.
    """

    def __init__(self, connection: Connection, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._clock = clock

    def split(
        self, arguments: Mapping[str, Any] | str | bytes | None
    ) -> tuple[dict[str, Any], str | None]:
        """Return the arguments without the token, and the token.

        Raises:
            ArgumentsInvalid: The arguments are no JSON object, or the token is no text.
        """
        given = read(arguments)
        token = given.pop(TOKEN, None)
        if token is not None and not isinstance(token, str):
            refuse([FieldProblem(TOKEN, "is not a string", "send it as the result gave it")])
        return given, token

    def check(self, asked: Asked, token: str | None) -> None:
        """Let a call pass that has the token of the same call.

        Raises:
            ConfirmationRequired: It has none, or one of another call, too old or made up; a fresh
                one is beside.
        """
        if token is not None and self._is_of(asked, token):
            return
        doubt = "" if token is None else "That token is not of this call, or is too old. "
        raise ConfirmationRequired(
            f"Nothing was sent: {asked.subtool.name} must be asked for twice. {doubt}Look again at "
            f"each argument, then repeat the same call with {TOKEN} within "
            f"{LIFE_SECONDS // 60} minutes. That is a second look and no consent: where you are in "
            "doubt, ask the user first.",
            next_step="fix_arguments",
            beside={TOKEN: self._token(asked, int(self._clock()) + LIFE_SECONDS)},
        )

    def _is_of(self, asked: Asked, token: str) -> bool:
        found = _TOKEN_FORM.fullmatch(token)
        if found is None or int(found[1]) <= self._clock():
            return False
        return hmac.compare_digest(token, self._token(asked, int(found[1])))

    def _token(self, asked: Asked, ends_at: int) -> str:
        key = hashlib.blake2b(person=b"confirmation")
        for api in sorted(self._connection.apis, key=lambda api: api.value):
            key.update(self._connection.authorization(api).encode() + b"\0")
        mac = hmac.new(key.digest(), b"%d\0%b" % (ends_at, asked.canonical), hashlib.sha256)
        return f"{ends_at}-{mac.hexdigest()[:32]}"


def with_confirmation(definition: dict[str, Any], confirm: str) -> dict[str, Any]:
    """Return the definition of a subtool as it is where its calls are confirmed."""
    if confirm == "human":
        return _with(definition, "output_schema", "confirmation_id", _ID_SCHEMA)
    shown = _with(definition, "input_schema", TOKEN, _TOKEN_SCHEMA)
    return _with(shown, "output_schema", TOKEN, _TOKEN_SCHEMA)


def _with(
    definition: dict[str, Any], schema: str, name: str, declared: Mapping[str, Any]
) -> dict[str, Any]:
    properties = {**definition[schema]["properties"], name: dict(declared)}
    return {**definition, schema: {**definition[schema], "properties": properties}}
