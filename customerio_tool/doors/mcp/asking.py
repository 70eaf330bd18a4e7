"""Asks the person at the client whether a waiting call may run, by form elicitation.

In the stateless era a question is a result, and the client calls again with the answer. In the
handshake era it is a request to the client. A client that cannot ask gets the result
`confirmation_required` unchanged. Without an answer nothing runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any, Literal, TypeAlias

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from customerio_tool.doors.mcp.running import Request
from customerio_tool.doors.shown import plain_json, plainly
from customerio_tool.subtools.declare.json_text import compact

ANSWER_SECONDS = 100.0
"""How long the handshake era waits for an answer: some clients claim that they can ask, and show
nothing. It is below the usual limits of clients for a call."""

CONFIRM = "confirm"
"""The name of the question in the stateless era."""

Action: TypeAlias = Literal["accept", "decline", "cancel"]

_NO_FIELDS: dict[str, Any] = {"type": "object", "properties": {}}
_LONGEST_TEXT = 500
_LONGEST_LIST = 20
_LONGEST_ARGUMENT = 2_000


def is_stateless(request: Request) -> bool:
    """Whether a request is of the era in which the server cannot ask the client anything."""
    return request.protocol_version in MODERN_PROTOCOL_VERSIONS


def can_ask(request: Request) -> bool:
    """Whether the client says that it can show a form to a person."""
    capabilities = request.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None:
        return False
    # Before modes were declared, `{}` meant a form.
    shows_forms = elicitation.form is not None or elicitation.url is None
    return shows_forms and (is_stateless(request) or request.session.can_send_request)


def as_result(question: str, confirmation_id: str) -> types.InputRequiredResult:
    """Return the result that asks, for the stateless era; the SDK seals the id in it."""
    form = types.ElicitRequestFormParams(message=question, requested_schema=_NO_FIELDS)
    ask = types.ElicitRequest(params=form)
    return types.InputRequiredResult(input_requests={CONFIRM: ask}, request_state=confirmation_id)


def answered(params: types.CallToolRequestParams) -> Action | None:
    """Return the answer with which a client of the stateless era calls again; None if none."""
    if params.request_state is None:
        return None
    answer = (params.input_responses or {}).get(CONFIRM)
    return answer.action if isinstance(answer, types.ElicitResult) else None


async def ask_now(request: Request, question: str, seconds: float) -> Action | None:
    """Ask a client of the handshake era, and wait for the answer.

    Returns:
        The answer; None if the client gave none in time, or refused to ask.
    """
    with anyio.move_on_after(seconds):
        try:
            reply = await request.session.elicit_form(
                question, _NO_FIELDS, related_request_id=request.request_id
            )
        except (MCPError, ValidationError):
            return None
        return reply.action
    return None


def worded(sentence: str, arguments: Mapping[str, Any]) -> str:
    """Return the question to the person: what will happen, and the arguments of the call.

    A long text, list or object in an argument is shown in part, and says how much is missing.
    Characters that could reverse or hide what is read are shown as JSON escapes.
    """
    shown = {name: _bounded(value) for name, value in arguments.items()}
    return f"{plainly(sentence)}\n\n{plain_json(shown)}"


def _bounded(argument: Any) -> Any:
    """Return an argument in part; one that is deep or wide as the beginning of its JSON."""
    shown = _shortened(argument)
    text = compact(shown)
    return shown if len(text) <= _LONGEST_ARGUMENT else _shortened(text)


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… [{len(value) - _LONGEST_TEXT:,} more characters]"
    if isinstance(value, Mapping):
        members = list(value.items())
        more = {"…": _more(members)} if len(members) > _LONGEST_LIST else {}
        shown = {_shortened(name): _shortened(each) for name, each in members[:_LONGEST_LIST]}
        return {**shown, **more}
    if isinstance(value, list):
        more_items = [f"… {_more(value)}"] if len(value) > _LONGEST_LIST else []
        return [*map(_shortened, value[:_LONGEST_LIST]), *more_items]
    return value


def _more(members: Sized) -> str:
    return f"[{len(members) - _LONGEST_LIST:,} more]"
