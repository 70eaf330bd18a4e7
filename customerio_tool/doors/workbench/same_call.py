"""The same call for a shell, a program and an agent's host; each can be run as it stands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from customerio_tool.connection import Connection
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.doors.shown import plain_json
from customerio_tool.doors.workbench.trials import Trial
from customerio_tool.doors.workbench.wire import own_request
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Api, Subtool
from customerio_tool.version import DISTRIBUTION

_MOST = 60_000
"""The most characters of a form; a shell takes about twice as much as one argument."""

_AUTHORIZATION: Mapping[Api, str] = {
    Api.TRACK: '-u "$CUSTOMERIO_SITE_ID:$CUSTOMERIO_TRACK_API_KEY"',
    Api.APP: '-H "Authorization: Bearer $CUSTOMERIO_APP_API_KEY"',
}


@dataclass(frozen=True)
class Form:
    """One form of a call.

    Args:
        name: For what it is.
        id: Its name in the page.
        text: What to run.
    """

    name: str
    id: str
    text: str


def forms_of(trial: Trial, connection: Connection) -> list[Form]:
    """Return the forms of a call; none if its arguments make no call."""
    subtool = find(trial.subtool)
    try:
        args = subtool.parse(trial.draft.arguments)
    except ArgumentsInvalid:
        return []
    given = subtool.changed(args, {})
    curl = _curl(trial, connection)
    made = [
        *([Form("curl", "curl", curl)] if curl else []),
        Form("Python", "python", _python(subtool, given)),
        Form("Shell", "shell", _shell(subtool, given)),
        Form("MCP", "mcp", _mcp(subtool, given)),
    ]
    return [each for each in made if len(each.text) <= _MOST]


def variables_of(connection: Connection) -> str:
    """Return the lines that set the variables of the forms; a person fills in the keys."""
    lines = []
    for key, field in connection_fields().items():
        if (value := getattr(connection, key, None)) is not None:
            shown = "..." if field.secret else shlex.quote(str(value))
            lines.append(f"export {VARIABLES[key]}={shown}")
    return "\n".join(lines)


def _curl(trial: Trial, connection: Connection) -> str:
    """Return the request of a call as a curl command; empty if there is none, or no host yet."""
    if sent := own_request(trial):
        return _command(sent.request, sent.attempt.origin, connection)
    request = trial.request
    if request is None or not (connection.region or connection.has_own_host(request.api)):
        return ""
    return _command(
        request, connection.base_url(request.api, connection.region or "us"), connection
    )


def _command(request: Request, origin: str, connection: Connection) -> str:
    url, api = origin + request.target, request.api
    parts = [f"curl -g --path-as-is -X {request.method} {shlex.quote(url)}", _AUTHORIZATION[api]]
    if api is Api.APP and connection.workspace_id:
        parts.append(f"-H {shlex.quote(f'X-Workspace-Id: {connection.workspace_id}')}")
    if connection.ca_file:
        parts.append(f"--cacert {shlex.quote(str(connection.ca_file))}")
    if request.body:
        # JSON has escapes for whatever a terminal would not show.
        shown = plain_json(json.loads(request.body), indent=None)
        parts += ["-H 'Content-Type: application/json'", f"--data-raw {shlex.quote(shown)}"]
    return " \\\n  ".join(parts)


def _python(subtool: Subtool[Any], given: Mapping[str, Any]) -> str:
    arguments = pformat(dict(given), sort_dicts=False, width=76)
    indented = arguments.replace("\n", "\n    ")
    return (
        "from customerio_tool import CustomerIoTool\n\n"
        f"arguments = {indented}\n"
        "with CustomerIoTool.from_env() as tool:\n"
        f'    print(tool.call("{subtool.name}", arguments))'
    )


def _shell(subtool: Subtool[Any], given: Mapping[str, Any]) -> str:
    return f"{DISTRIBUTION} call {subtool.name} {shlex.quote(plain_json(given, indent=None))}"


def _mcp(subtool: Subtool[Any], given: Mapping[str, Any]) -> str:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": subtool.name, "arguments": dict(given)},
    }
    return plain_json(request)
