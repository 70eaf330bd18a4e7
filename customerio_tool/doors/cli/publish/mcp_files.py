"""The files by which the MCP server is found and installed: for the registry, and as a bundle.

`server.json` describes it to the MCP registry. `mcpb/` is the content of a `.mcpb` bundle, which
Claude Desktop installs by a double click: `npx @anthropic-ai/mcpb pack mcpb` packs it. The bundle
holds no library: uv installs the package on the first start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import metadata
from typing import Any

from customerio_tool.connection.field import ConnectionField
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.cli.publish.manifest import DESCRIPTION, TITLE
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.doors.mcp.hosts import HOSTS, Host, config_for
from customerio_tool.doors.mcp.name import NAME
from customerio_tool.policy.policy import PRESETS
from customerio_tool.subtools import subtools
from customerio_tool.version import DISTRIBUTION, __version__

SERVER_FILE = "server.json"
BUNDLE = "mcpb"
"""The folder of the bundle's content."""

REGISTRY_NAME = f"io.github.{DISTRIBUTION}/{NAME}"
"""The registry's name of the server. Its first part must be the account that publishes: change it
with the account. The README repeats it, as the registry's proof of who owns the package."""

SHORT_DESCRIPTION = "Manage Customer.io people, events, segments, campaigns and messages."
"""The registry allows 100 characters."""

_REGISTRY_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
_PINNED = f"{DISTRIBUTION}[mcp]=={__version__}"
_PLATFORMS = ("darwin", "linux", "win32")

_ENTRY_POINT = "server.py"
_PROGRAM = '''"""Starts the MCP server of the bundle."""

import sys

from customerio_tool.doors.cli.main import main

main(["mcp", *sys.argv[1:]])
'''


def mcp_files() -> Mapping[str, str]:
    """Return the text of each file, by its path from the root of the project."""
    return {
        SERVER_FILE: _as_json(_server()),
        f"{BUNDLE}/manifest.json": _as_json(_bundle()),
        f"{BUNDLE}/pyproject.toml": _bundle_project(),
        f"{BUNDLE}/{_ENTRY_POINT}": _PROGRAM,
    }


def hosts_block() -> str:
    """Return the README's text on each host: how it is told of the server, on the sandbox."""
    return "\n\n" + "".join(_host(word, host) for word, host in HOSTS.items())


def _host(word: str, host: Host) -> str:
    config = config_for(word, ["--sandbox"], ())
    return f"**{host.title}.** {host.how}\n\n```{host.language}\n{config}\n```\n\n"


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _fields() -> Mapping[str, ConnectionField]:
    """Return the fields of the connection's form."""
    return {key: field for key, field in connection_fields().items() if not field.operator}


def _server() -> dict[str, Any]:
    return {
        "$schema": _REGISTRY_SCHEMA,
        "name": REGISTRY_NAME,
        "title": TITLE,
        "description": SHORT_DESCRIPTION,
        "version": __version__,
        "packages": [
            {
                "registryType": "pypi",
                "identifier": DISTRIBUTION,
                "version": __version__,
                "runtimeHint": "uvx",
                "runtimeArguments": [{"type": "named", "name": "--from", "value": _PINNED}],
                "packageArguments": [{"type": "positional", "value": "mcp"}],
                "transport": {"type": "stdio"},
                "environmentVariables": [_variable(key, field) for key, field in _fields().items()],
            }
        ],
    }


def _variable(key: str, field: ConnectionField) -> dict[str, Any]:
    choices = {"choices": list(field.options)} if field.options else {}
    return {
        "name": VARIABLES[key],
        "description": field.help,
        "isRequired": field.required,
        "isSecret": field.secret,
        **choices,
    }


def _bundle() -> dict[str, Any]:
    package = metadata(DISTRIBUTION)
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": TITLE,
        "version": __version__,
        "description": SHORT_DESCRIPTION,
        "long_description": DESCRIPTION,
        "author": {"name": f"The {DISTRIBUTION} authors"},
        "server": {
            "type": "uv",
            "entry_point": _ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": [
                    *("run", "--directory", "${__dirname}", _ENTRY_POINT),
                    *("--preset", "${user_config.preset}"),
                ],
                "env": {VARIABLES[key]: f"${{user_config.{key}}}" for key in _fields()},
            },
        },
        "tools": [
            {"name": name, "description": subtool.promise} for name, subtool in subtools().items()
        ],
        "keywords": [word.strip() for word in package["Keywords"].split(",")],
        "license": package["License-Expression"],
        "compatibility": {
            "platforms": list(_PLATFORMS),
            "runtimes": {"python": package["Requires-Python"]},
        },
        "user_config": {
            **{key: _setting(field) for key, field in _fields().items()},
            "preset": _preset_setting(),
        },
    }


def _setting(field: ConnectionField) -> dict[str, Any]:
    # A blank default, for what is not filled in would reach the server as "${user_config...}".
    default = {} if field.required else {"default": ""}
    return {
        "type": "string",
        "title": field.label,
        "description": field.help,
        "required": field.required,
        "sensitive": field.secret,
        **default,
    }


def _preset_setting() -> dict[str, Any]:
    return {
        "type": "string",
        "title": "Policy",
        "description": f"One of {', '.join(PRESETS)}. careful: what erases or sends waits for a "
        "person; where the application cannot ask, it does not run. read_only: reads alone.",
        "required": True,
        "default": "careful",
    }


def _bundle_project() -> str:
    return "\n".join(
        [
            "[project]",
            f'name = "{NAME}-bundle"',
            f'version = "{__version__}"',
            f'requires-python = "{metadata(DISTRIBUTION)["Requires-Python"]}"',
            f'dependencies = ["{_PINNED}"]',
            "",
        ]
    )
