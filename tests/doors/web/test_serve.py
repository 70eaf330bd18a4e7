"""The command `serve`: where it listens, whom it refuses to let in, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.doors.web.server import listen
from customerio_tool.sandbox import Sandbox
from tests.support.http_door import TOKEN, served
from tests.support.shell import MAIN, environment, invoke
from tests.support.timeouts import PATIENCE

ALL = "0.0.0.0"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success(sandbox: Sandbox, number: int) -> None:
    with served(env=environment(sandbox.connection())) as server:
        assert server.post("list_segments", {}).json()["ok"]
        server.process.send_signal(number)
        printed, complaints = server.process.communicate(timeout=PATIENCE)
    assert (server.process.returncode, printed, complaints) == (0, "", "")


def test_no_part_of_a_reply_waits_until_the_client_has_acknowledged_another() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname(), PATIENCE),
    ):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_running_call_ends_first(sandbox: Sandbox) -> None:
    sandbox.fault(operation="list_segments", delay=1.5)
    with served(env=environment(sandbox.connection())) as server:
        code = (
            f"import os, requests; r = requests.post({server.ready['api']!r} + '/list_segments', "
            f"headers={{'Authorization': 'Bearer {TOKEN}'}}); print(r.json()['ok'])"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        ) as client:
            while not sandbox.requests():
                assert client.poll() is None
            server.process.send_signal(signal.SIGTERM)
            told, _ = client.communicate(timeout=PATIENCE)
    assert told.strip() == "True"


def test_a_new_token_is_made_and_printed_once(sandbox: Sandbox) -> None:
    env = {**environment(sandbox.connection()), "CUSTOMERIO_TOOL_TOKEN": ""}
    tokens = []
    for _ in range(2):
        with served(env=env) as server:
            tokens.append(server.ready["token"])
            own = {"Authorization": f"Bearer {tokens[-1]}"}
            assert server.post("list_segments", {}, own).status_code == 200
            assert server.post("list_segments", {}).status_code == 401
    assert len(set(tokens)) == 2
    assert min(map(len, tokens)) >= 32


def test_a_token_of_ones_own_is_never_printed(sandbox: Sandbox) -> None:
    with served(env=environment(sandbox.connection())) as server:
        assert TOKEN not in str(server.ready)


def test_a_person_reads_one_line_that_says_where_it_is(sandbox: Sandbox) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment(sandbox.connection()), "CUSTOMERIO_TOOL_TOKEN": TOKEN},
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("JSON calls at http://127.0.0.1:")
        process.terminate()
        printed, complaints = process.communicate(timeout=PATIENCE)
    assert (printed, complaints) == ("", "")


@pytest.mark.parametrize(
    ("options", "token", "told"),
    [
        (["--host", ALL, "--allowed-host", "tool.example"], "", "set CUSTOMERIO_TOOL_TOKEN"),
        (["--host", ALL], TOKEN, "--allowed-host"),
        (["--host", "::", "--token", TOKEN], "", "--allowed-host"),
        (["--token", "short"], "", "16 or more"),
        (["--token", "with spaces in it, and long"], "", "without spaces"),
        (["--only", "get_segmnt"], TOKEN, "did you mean 'get_segment'?"),
    ],
)
def test_what_would_let_in_strangers_or_offer_nothing_does_not_start(
    options: list[str], token: str, told: str
) -> None:
    refused = invoke("serve", *options, env={"CUSTOMERIO_TOOL_TOKEN": token})
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert told in refused.stderr
    assert TOKEN not in refused.stderr


def test_beyond_loopback_clients_use_the_names_that_are_given(sandbox: Sandbox) -> None:
    options = ("--host", ALL, "--allowed-host", "tool.example", "--allowed-host", "[fd00::7]")
    with served(*options, env=environment(sandbox.connection())) as server:
        port = server.ready["url"].rpartition(":")[2]
        server.ready["api"] = f"http://127.0.0.1:{port}/api"
        known = ("tool.example", "TOOL.example:80", "[fd00::7]", "[FD00::7]:80")
        strange = ("a.example", "[fd00::8]", "fd00::7")
        for host in (*known, *strange):
            status = 200 if host in known else 421
            assert server.post("list_segments", {}, {"Host": host}).status_code == status


def test_a_port_that_is_taken_is_told(sandbox: Sandbox) -> None:
    env = environment(sandbox.connection())
    with served(env=env) as server:
        port = server.ready["url"].rpartition(":")[2]
        refused = invoke("serve", "--port", port, env={**env, "CUSTOMERIO_TOOL_TOKEN": TOKEN})
    assert refused.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "Give another --port" in refused.stderr


def test_nothing_to_offer_is_refused(sandbox: Sandbox) -> None:
    env = {**environment(sandbox.connection()), "CUSTOMERIO_TOOL_TOKEN": TOKEN}
    refused = invoke("serve", "--only", "delete_customer", "--read-only", env=env)
    assert (refused.exit_code, refused.stdout) == (4, "")


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_the_install_line_is_printed(missing: str) -> None:
    arguments = f"sys.modules[{missing!r}] = None; sys.argv[1:] = ['serve', '--sandbox']"
    done: Any = subprocess.run(
        [sys.executable, "-c", f"import sys; {arguments}; {MAIN}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'customerio-tool[web]'" in done.stderr


def test_without_the_extra_for_mcp_the_json_calls_are_served(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError(name='mcp')\n")
    env = {**environment(sandbox.connection()), "PYTHONPATH": str(tmp_path)}
    with served(env=env) as server:
        assert "mcp" not in server.ready
        assert server.post("list_segments", {}).json()["ok"]


def test_a_person_is_told_which_extra_brings_mcp(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError(name='mcp')\n")
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment(sandbox.connection()), "PYTHONPATH": str(tmp_path)},
    ) as process:
        assert process.stderr is not None
        assert "MCP" not in process.stderr.readline()
        told = process.stderr.readline()
        assert told.startswith("For MCP: ")
        assert told.endswith("pip install 'customerio-tool[mcp]'\n")
        process.terminate()


def test_mcp_answers_in_the_same_process_behind_the_same_token(sandbox: Sandbox) -> None:
    with served(env=environment(sandbox.connection())) as server:
        assert server.ready["mcp"] == f"{server.ready['url']}/mcp"
        asked = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        }
        accepts = {"Accept": "application/json, text/event-stream"}
        server.ready["api"] = server.ready["url"]
        assert server.post("mcp", asked, {**accepts, "Authorization": ""}).status_code == 401
        answer = server.post("mcp", asked, accepts)
    assert answer.status_code == 200
    assert '"name":"customerio"' in answer.text.replace(" ", "")
