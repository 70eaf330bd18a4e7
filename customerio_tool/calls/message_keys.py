"""The ledger keys of a message, and the times for which they are held."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, TypeGuard

from customerio_tool.backends.ledger.entry import State
from customerio_tool.calls.call import Call
from customerio_tool.connection.exchange import Request
from customerio_tool.subtools.declare.json_text import compact

DAY = 86_400.0

EXPLICIT_SECONDS = 7 * DAY
"""How long a message with an explicit key, one that the caller chose, is not sent again."""

RUN_SECONDS = DAY
"""How long a sent message is not sent again within its run. A run may wait hours for a person, and
no host reports its end; yet every key must expire."""

WINDOW_SECONDS = 600.0
"""How long a sent message is not sent again if the call has neither key nor run. A model repeats
itself within that time; the same reminder later in the day is sent.

All these times are measured by the wall clock, as workers share it. If it is set forward, entries
expire early; if it is set back, they last longer."""

UNKNOWN_SECONDS = DAY
"""How long a message with an unknown outcome is not sent again, if it has no explicit key."""


def fingerprint_of(call: Call[Any], request: Request) -> str:
    """Return the digest of the message that a call sends, however the call is written.

    The declaration of a subtool says which calls send the same message; by default those with the
    same request.
    """
    subtool = call.subtool
    if subtool.identity:
        return digest_of(subtool.name, call.at.workspace, subtool.identity(call.args, call.at))
    body = None if request.body is None else json.loads(request.body)
    return digest_of(subtool.name, call.at.workspace, [request.method, request.target, body])


def digest_of(operation: str, workspace: str, message: Any) -> str:
    """Return the digest of a message in JSON, after the version of the digest.

    Equal numbers (`1`, `1.0`) are one, as are objects whose members stand in another order.
    """
    text = _text("message", operation, workspace, message)
    if ".0" in text or "e+" in text:  # only then a number may be equal to one written otherwise
        text = _text("message", operation, workspace, _plain(message))
    return _VERSION + _hashed(text)


_VERSION = "2:"
"""Changes with every change of what a fingerprint is made from."""


def is_comparable(fingerprint: str) -> bool:
    """Whether this version of the tool made a fingerprint, so that another message has another."""
    return fingerprint.startswith(_VERSION)


def explicit_key(operation: str, workspace: str, explicit: str) -> str:
    """Return the key of a message that the caller named, in 64 hex digits; it holds across runs.

    Args:
        operation: The subtool: the same name may stand for an e-mail and a push.
        workspace: The digest of the workspace.
        explicit: The key that the caller chose.
    """
    return _digest("explicit", operation, workspace, explicit)


def message_key(operation: str, workspace: str, fingerprint: str, run_id: str | None) -> str:
    """Return the key of a message within its run, in 64 hex digits.

    Args:
        operation: The subtool.
        workspace: The digest of the workspace.
        fingerprint: The digest of the message.
        run_id: The host's name for the run; blank counts as not known.
    """
    if run_id:
        return _digest("run", operation, workspace, fingerprint, run_id)
    return _digest("window", operation, workspace, fingerprint)


def budget_key(workspace: str, run_id: str | None) -> str:
    """Return the key of the count of a run's sends, in 64 hex digits."""
    return _digest("budget", workspace, run_id) if run_id else _digest("budget", workspace)


def token_key(workspace: str, token: str) -> str:
    """Return the key of a confirmation token, in 64 hex digits."""
    return _digest("token", workspace, token)


def addressee_key(workspace: str, addressee: tuple[str, str], run_id: str | None) -> str:
    """Return the key of one to whom a message goes, in 64 hex digits.

    Args:
        workspace: The digest of the workspace.
        addressee: The type of an identifier, and the identifier.
        run_id: The host's name for the run; blank counts as not known.
    """
    return _digest("addressee", workspace, *addressee, run_id or None)


def is_key(value: object) -> TypeGuard[str]:
    """Whether a value has the form of the keys here."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def lifetime(state: State, *, is_explicit: bool, run_id: str | None) -> float:
    """Return the seconds until an entry in this state expires."""
    if is_explicit:
        return EXPLICIT_SECONDS
    if state != "sent":
        return UNKNOWN_SECONDS
    return RUN_SECONDS if run_id else WINDOW_SECONDS


def _plain(value: Any) -> Any:
    """Return JSON in which equal numbers are written alike."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _digest(*parts: Any) -> str:
    return _hashed(_text(*parts))


def _text(*parts: Any) -> str:
    return compact(parts, is_ascii=True, sort_keys=True)


def _hashed(text: str) -> str:
    digest = _EMPTY.copy()
    digest.update(text.encode())
    return digest.hexdigest()


_EMPTY = hashlib.sha256()
"""Copied for each text: to look a new one up by its name costs OpenSSL more than a short digest."""
