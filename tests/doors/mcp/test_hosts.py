"""`mcp --print-config`: each host's own form, which starts the server and shows no key."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import tomli
from typer.testing import Result

from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.mcp.hosts import HOSTS
from tests.support.shell import invoke

KEYS = {
    "CUSTOMERIO_SITE_ID": "my-site",
    "CUSTOMERIO_TRACK_API_KEY": "my-track-key",
    "CUSTOMERIO_APP_API_KEY": "my-app-key",
}
START = ["uvx", "--from", "customerio-tool[mcp]", "customerio-tool", "mcp"]
SECRETS = {key for key, field in connection_fields().items() if field.secret}

hosts = pytest.mark.parametrize("host", HOSTS)


def printed(host: str, *options: str) -> Result:
    result = invoke("mcp", "--print-config", host, *options, env=KEYS)
    assert result.exit_code == 0, result.output
    return result


def from_line(text: str) -> tuple[list[str], dict[str, str]]:
    words = shlex.split(text)
    assert words[:4] == ["claude", "mcp", "add", "customerio"]
    split = words.index("--")
    given = words[4:split]
    assert given[::2] == ["--env"] * (len(given) // 2)
    return words[split + 1 :], dict(each.split("=", 1) for each in given[1::2])


def from_json(text: str) -> tuple[list[str], dict[str, str]]:
    return started(json.loads(text)["mcpServers"]["customerio"])


def from_cursor(text: str) -> tuple[list[str], dict[str, str]]:
    link = urlsplit(text.strip())
    assert (link.scheme, link.netloc, link.path) == (
        "cursor",
        "anysphere.cursor-deeplink",
        "/mcp/install",
    )
    query = parse_qs(link.query, strict_parsing=True)
    assert query["name"] == ["customerio"]
    return started(json.loads(base64.b64decode(query["config"][0], validate=True)))


def from_vscode(text: str) -> tuple[list[str], dict[str, str]]:
    start, _, packed = text.strip().partition("?")
    assert start == "vscode:mcp/install"
    server = json.loads(unquote(packed))
    assert server["name"] == "customerio"
    asked = {each["id"]: each for each in server["inputs"]}
    assert all(each["type"] == "promptString" for each in asked.values())
    assert {key for key, each in asked.items() if each["password"]} == SECRETS & asked.keys()
    command, env = started(server)
    assert set(env.values()) == {f"${{input:{key}}}" for key in asked}
    return command, env


def from_toml(text: str) -> tuple[list[str], dict[str, str]]:
    server = tomli.loads(text)["mcp_servers"]["customerio"]
    assert server["startup_timeout_sec"] == 60
    return started({**server, "env": {name: name for name in server.get("env_vars", [])}})


def started(server: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    return [server["command"], *server["args"]], dict(server.get("env", {}))


READ: Mapping[str, Callable[[str], tuple[list[str], dict[str, str]]]] = {
    "claude-code": from_line,
    "claude-desktop": from_json,
    "cursor": from_cursor,
    "vscode": from_vscode,
    "codex": from_toml,
    "gemini": from_json,
}
VALUE = {
    "claude-code": "$CUSTOMERIO_APP_API_KEY",
    "claude-desktop": "<App API Key>",
    "cursor": "${env:CUSTOMERIO_APP_API_KEY}",
    "vscode": "${input:app_api_key}",
    "codex": "CUSTOMERIO_APP_API_KEY",
    "gemini": "$CUSTOMERIO_APP_API_KEY",
}


@hosts
def test_a_host_is_told_the_command_and_the_variables(host: str) -> None:
    command, env = READ[host](printed(host).stdout)
    assert command == START
    assert env.keys() == KEYS.keys()
    assert env["CUSTOMERIO_APP_API_KEY"] == VALUE[host]


@hosts
def test_no_key_of_the_environment_is_printed(host: str) -> None:
    output = printed(host).output
    assert not any(value in output for value in KEYS.values())


@hosts
def test_the_options_are_those_of_the_server(host: str) -> None:
    options = ["--only", "list_segments,track_event", "--preset", "open", "--read-only"]
    options.append("--no-output-schemas")
    command, _ = READ[host](printed(host, *options).stdout)
    assert command == [*START, *options]


@hosts
def test_only_the_keys_that_it_needs_are_asked_for(host: str) -> None:
    _, env = READ[host](printed(host, "--only", "list_segments").stdout)
    assert env.keys() == {"CUSTOMERIO_APP_API_KEY"}


@hosts
def test_on_the_sandbox_no_key_is_asked_for(host: str) -> None:
    command, env = READ[host](printed(host, "--sandbox").stdout)
    assert command == [*START, "--sandbox"]
    assert env == {}


@hosts
def test_a_person_is_told_what_to_do_with_it_on_standard_error(host: str) -> None:
    result = printed(host)
    assert result.stderr.startswith(f"{HOSTS[host].title}: ")
    assert result.stderr.strip().endswith(".")


def test_every_host_of_the_table_is_a_choice() -> None:
    refused = invoke("mcp", "--print-config", "netscape")
    assert refused.exit_code == 2
    assert all(host in refused.stderr for host in HOSTS)
