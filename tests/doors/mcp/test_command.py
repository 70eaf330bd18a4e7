"""The command `mcp`: what it refuses before it serves, and what to do then."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from mcp import Client

from customerio_tool.sandbox import Sandbox
from tests.support.mcp_doors import command, serving, talk, through_pipe, variables
from tests.support.shell import environment, invoke
from tests.support.terminal import at_terminal

WITHOUT_EXTRA = """
import sys
from importlib.abc import MetaPathFinder
class Lacking(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"mcp", "mcp_types", "starlette", "uvicorn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Lacking())
from customerio_tool.doors.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("options", [[], ["--http"], ["--http", "--host", "0.0.0.0"]])
def test_without_the_extra_it_says_how_to_install_it(options: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, "mcp", "--sandbox", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'customerio-tool[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_the_configuration_is_printed_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA, "mcp", "--print-config", "gemini"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "customerio" in json.loads(done.stdout)["mcpServers"]


def test_without_keys_it_names_the_variables_and_writes_nothing_to_the_client() -> None:
    result = invoke("mcp")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "CUSTOMERIO_APP_API_KEY" in result.stderr
    assert "--sandbox" in result.stderr


def test_another_host_needs_a_token_and_names() -> None:
    without_token = invoke("mcp", "--sandbox", "--http", "--host", "0.0.0.0")
    assert without_token.exit_code == 2
    assert "CUSTOMERIO_TOOL_TOKEN" in without_token.stderr
    blank = invoke("mcp", "--sandbox", "--http", "--host", "::", env={"CUSTOMERIO_TOOL_TOKEN": ""})
    assert blank.exit_code == 2
    without_names = invoke(
        "mcp", "--sandbox", "--http", "--host", "10.0.0.1", "--token", "a-secret-of-16-chars"
    )
    assert without_names.exit_code == 2
    assert "--allowed-host" in without_names.stderr
    assert "a-secret-of-16-chars" not in without_names.output


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--only", "trak_event"], 2, "did you mean 'track_event'"),
        (["--only", "track_event", "--read-only"], 4, "nothing to offer"),
        (["--preset", "wild"], 2, "careful"),
        (["--http", "--print-config", "gemini"], 2, "--print-config"),
        (["--http", "--port", "70000"], 2, "65535"),
    ],
)
def test_options_that_cannot_be_are_refused(options: list[str], code: int, told: str) -> None:
    result = invoke("mcp", "--sandbox", *options)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr


def test_a_wrong_variable_of_the_policy_is_named() -> None:
    result = invoke("mcp", "--sandbox", env={"CUSTOMERIO_POLICY": "wild"})
    assert result.exit_code == 3
    assert "CUSTOMERIO_POLICY" in result.stderr


def test_a_port_that_is_taken_is_said_so() -> None:
    with Sandbox() as sandbox:
        taken = sandbox.track_url.rpartition(":")[2]
        result = invoke("mcp", "--http", "--port", taken, env=environment(sandbox.connection()))
    assert result.exit_code == 1
    assert result.stderr.count(taken) == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in result.stderr
    assert "Give another --port" in result.stderr


def test_a_host_that_is_not_this_machines_is_said_so(sandbox: Sandbox) -> None:
    options = ("--token", "a-secret-of-16-chars", "--allowed-host", "tool.example")
    env = environment(sandbox.connection())
    result = invoke("mcp", "--http", "--host", "192.0.2.1", *options, env=env)
    assert result.exit_code == 1
    assert "Give another --host." in result.stderr


def test_only_the_keys_of_what_is_offered_are_needed() -> None:
    with Sandbox() as sandbox:
        env = {k: v for k, v in variables(sandbox).items() if "TRACK" not in k and "SITE" not in k}
        server = through_pipe(env, "--read-only", "--only", "list_segments,track_event")
        tools = talk(server, "handshake", lambda c: c.list_tools()).tools
    assert [tool.name for tool in tools] == ["list_segments"]


def test_output_schemas_can_be_left_out() -> None:
    with Sandbox() as sandbox:
        server = through_pipe(variables(sandbox), "--no-output-schemas")

        async def words(client: Client) -> Any:
            tools = (await client.list_tools()).tools
            return tools, await client.call_tool("list_segments", {})

        tools, result = talk(server, "stateless", words)
    assert len(tools) > 20
    assert all(tool.output_schema is None for tool in tools)
    assert result.structured_content["ok"] is True


def test_it_serves_without_an_account_in_one_command() -> None:
    with serving({}, "--sandbox") as served:
        result = talk(served.url, "stateless", lambda c: c.call_tool("list_segments", {}))
    assert result.structured_content["ok"] is True
    assert command("--sandbox")[-2:] == ["mcp", "--sandbox"]


def test_who_starts_it_at_a_terminal_is_told_what_it_waits_for() -> None:
    seen = at_terminal("mcp", "--sandbox", typed="\x04", columns=400)
    assert seen.exit_code == 0
    assert "waits for an MCP host on standard input: add --print-config HOST" in seen.text
