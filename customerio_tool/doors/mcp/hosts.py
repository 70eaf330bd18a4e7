"""How each MCP host is told of the server: a line for the shell, JSON, TOML or a link to open.

No output holds a key. A host that can ask for secrets is told to, one that reads the environment
is given the names of the variables, and only Claude Desktop has places to fill in.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from customerio_tool.connection.fields import connection_fields, is_needed
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.doors.mcp.name import NAME
from customerio_tool.subtools.declare import Api
from customerio_tool.version import DISTRIBUTION

COMMAND = "uvx"
ARGUMENTS = ("--from", f"{DISTRIBUTION}[mcp]", DISTRIBUTION, "mcp")
"""Starts the server in an environment that uv makes on the first start, and then keeps."""

_START_SECONDS = 60


@dataclass(frozen=True)
class Launch:
    """What a host must know.

    Args:
        arguments: The arguments of `COMMAND`.
        fields: The fields of the connection that the host must provide.
        variables: Further environment variables, with their values; none is a key.
    """

    arguments: Sequence[str]
    fields: Sequence[str]
    variables: Mapping[str, str]

    def as_server(self, value_of: Callable[[str], str]) -> dict[str, Any]:
        """Return the JSON that most hosts take, with a value for each variable.

        Args:
            value_of: Returns what stands for the value of a field.
        """
        server: dict[str, Any] = {"command": COMMAND, "args": list(self.arguments)}
        env = {VARIABLES[key]: value_of(key) for key in self.fields} | dict(self.variables)
        return {**server, "env": env} if env else server


@dataclass(frozen=True)
class Host:
    """One host.

    Args:
        title: Its name.
        how: What a person does with the output, as an instruction.
        keys: How it comes by the keys, as an instruction; for a server that needs some.
        config: Returns the output.
        language: What the output is written in.
    """

    title: str
    how: str
    keys: str
    config: Callable[[Launch], str]
    language: str


def _claude_code(launch: Launch) -> str:
    values = [_from_shell(VARIABLES[key]) for key in launch.fields]
    values += [shlex.quote(f"{name}={value}") for name, value in launch.variables.items()]
    given = [part for value in values for part in ("--env", value)]
    start = shlex.join([COMMAND, *launch.arguments])
    return " ".join(["claude mcp add", NAME, *given, "--", start])


def _from_shell(name: str) -> str:
    return f'{name}="${name}"'


def _claude_desktop(launch: Launch) -> str:
    labels = connection_fields()
    return _servers(launch.as_server(lambda key: f"<{labels[key].label}>"))


def _cursor(launch: Launch) -> str:
    server = launch.as_server(lambda key: f"${{env:{VARIABLES[key]}}}")
    packed = base64.b64encode(_compact(server).encode()).decode()
    link = "cursor://anysphere.cursor-deeplink/mcp/install"
    return f"{link}?name={NAME}&config={quote(packed, safe='')}"


def _vscode(launch: Launch) -> str:
    server = launch.as_server(lambda key: f"${{input:{key}}}")
    inputs = [_input(key) for key in launch.fields]
    return f"vscode:mcp/install?{quote(_compact({'name': NAME, **server, 'inputs': inputs}))}"


def _input(key: str) -> dict[str, Any]:
    field = connection_fields()[key]
    return {
        "type": "promptString",
        "id": key,
        "description": field.label,
        "password": field.secret,
    }


def _codex(launch: Launch) -> str:
    lines = {
        "command": COMMAND,
        "args": list(launch.arguments),
        "env_vars": [VARIABLES[key] for key in launch.fields],
        "startup_timeout_sec": _START_SECONDS,
    }
    settings = [f"{name} = {json.dumps(value)}" for name, value in lines.items() if value]
    given = [f"{name} = {json.dumps(value)}" for name, value in launch.variables.items()]
    table = [f"[mcp_servers.{NAME}.env]", *given] if given else []
    return "\n".join([f"[mcp_servers.{NAME}]", *settings, *table])


def _gemini(launch: Launch) -> str:
    return _servers(launch.as_server(lambda key: f"${VARIABLES[key]}"))


def _servers(server: Mapping[str, Any]) -> str:
    return json.dumps({"mcpServers": {NAME: server}}, indent=2)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


_SET = "Set the variables in its environment first."

HOSTS: Mapping[str, Host] = MappingProxyType(
    {
        "claude-code": Host(
            "Claude Code",
            "Run this line.",
            "Set the variables in the shell first.",
            _claude_code,
            "sh",
        ),
        "claude-desktop": Host(
            "Claude Desktop",
            "Add this to claude_desktop_config.json (Settings > Developer > Edit Config).",
            "Put the values in the places of <...>.",
            _claude_desktop,
            "json",
        ),
        "cursor": Host("Cursor", "Open this link.", _SET, _cursor, "text"),
        "vscode": Host(
            "VS Code", "Open this link.", "It asks for the values, and keeps them.", _vscode, "text"
        ),
        "codex": Host("Codex", "Add this to ~/.codex/config.toml.", _SET, _codex, "toml"),
        "gemini": Host("Gemini CLI", "Add this to ~/.gemini/settings.json.", _SET, _gemini, "json"),
    }
)
"""The hosts that `customerio-tool mcp --print-config` knows, by the word for it."""


def config_for(
    host: str,
    options: Sequence[str],
    apis: Collection[Api],
    variables: Mapping[str, str] | None = None,
) -> str:
    """Return what tells a host to start the server.

    Args:
        host: A word in `HOSTS`.
        options: The options of `customerio-tool mcp` to start it with.
        apis: The APIs whose credentials it needs.
        variables: Further environment variables for it, such as `CUSTOMERIO_POLICY`.
    """
    fields = [key for key, field in connection_fields().items() if is_needed(field, apis)]
    return HOSTS[host].config(Launch([*ARGUMENTS, *options], fields, variables or {}))
