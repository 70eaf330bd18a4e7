"""Over stdio: a probe that came late does not spoil the handshake, and only protocol is written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from customerio_tool.doors.mcp.stdio import without_late_probe
from tests.support.mcp_doors import command
from tests.support.timeouts import PATIENCE

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
PROBE = {"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": META}}
GIVEN_UP = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 0}}
HANDSHAKE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "slow", "version": "1"},
    },
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
MODERN_LIST = {**LIST, "params": {"_meta": META}}
EVENT = {
    "name": "track_event",
    "arguments": {"customer_id": "u1", "name": "order_paid"},
}
CALL = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": EVENT}

PRINTS = """
import os, sys
from customerio_tool import CustomerIoTool
from customerio_tool.calls.runner import Runner
real = Runner.run
def noisy(*args, **kwargs):
    print("a stray print", flush=True)
    os.system("echo from a child")
    return real(*args, **kwargs)
Runner.run = noisy
from customerio_tool.doors.cli.main import main
main(["mcp", "--sandbox"])
"""


def after_filter(*given: Any) -> list[Any]:
    """What is left of messages that all wait in the pipe when the server starts to read."""

    async def filtered() -> list[Any]:
        send, read = anyio.create_memory_object_stream[Any](len(given))
        for each in given:
            message = each
            if isinstance(each, dict):
                message = SessionMessage(jsonrpc_message_adapter.validate_python(each))
            send.send_nowait(message)
        send.close()
        async with read, without_late_probe(read) as kept:
            return [each async for each in kept]

    found = anyio.run(filtered)
    return [
        each.message.model_dump(by_alias=True, exclude_unset=True, mode="json")
        if isinstance(each, SessionMessage)
        else each
        for each in found
    ]


@pytest.mark.parametrize("between", [[], [GIVEN_UP]])
def test_a_probe_is_dropped_that_a_handshake_follows(between: list[Any]) -> None:
    assert after_filter(PROBE, *between, HANDSHAKE, READY) == [*between, HANDSHAKE, READY]


BROKEN = ValueError("no JSON")


@pytest.mark.parametrize(
    "given",
    [
        [PROBE],
        [PROBE, MODERN_LIST],
        [PROBE, MODERN_LIST, HANDSHAKE],
        [PROBE, BROKEN],
        [HANDSHAKE, READY, LIST],
        [LIST, PROBE, HANDSHAKE],
        [BROKEN, HANDSHAKE],
        [],
    ],
)
def test_everything_else_passes_in_its_order(given: list[Any]) -> None:
    assert after_filter(*given) == given


def test_a_probe_passes_whose_client_waits_for_the_answer() -> None:
    async def probe() -> Any:
        send, read = anyio.create_memory_object_stream[Any](1)
        async with send, read, without_late_probe(read) as kept:
            message = SessionMessage(jsonrpc_message_adapter.validate_python(PROBE))
            send.send_nowait(message)
            with anyio.fail_after(PATIENCE):
                assert await kept.receive() is message

    anyio.run(probe)


def spoken(program: Sequence[str], *said: Any) -> tuple[list[dict[str, Any]], str]:
    """Start a server, say everything before it can read, and return the answers and the errors."""
    text = "".join(f"{json.dumps(each)}\n" for each in said)
    process = subprocess.Popen(
        [sys.executable, *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    wanted = {each["id"] for each in said if each.get("id")}
    answers: list[dict[str, Any]] = []
    process.stdin.write(text)
    process.stdin.flush()
    for line in process.stdout:
        answers.append(json.loads(line))
        wanted.discard(answers[-1].get("id"))
        if not wanted:
            break
    rest, errors = process.communicate(timeout=PATIENCE)  # it closes standard input
    assert rest == ""
    assert process.returncode == 0, errors
    return answers, errors


def test_a_client_that_gave_up_probing_shakes_hands() -> None:
    answers, _ = spoken(command("--sandbox"), PROBE, HANDSHAKE, READY, LIST)
    by_id = {each["id"]: each for each in answers}
    assert 0 not in by_id
    assert by_id[1]["result"]["serverInfo"]["name"] == "customerio"
    assert len(by_id[2]["result"]["tools"]) > 20


def test_the_start_line_says_what_is_slow_on_the_sandbox() -> None:
    _, errors = spoken(command("--sandbox"), HANDSHAKE, READY, LIST)
    assert "10 a second" in errors


def test_what_is_printed_in_a_call_does_not_reach_the_client() -> None:
    answers, errors = spoken(["-c", PRINTS], HANDSHAKE, READY, CALL)
    assert [each["id"] for each in answers] == [1, 3]
    assert answers[1]["result"]["structuredContent"]["ok"] is True
    assert "a stray print" in errors
    assert "from a child" in errors


CANARY = "canary-of-a-client"
MALFORMED: list[dict[str, Any]] = [
    {"id": 5, "method": "tools/call", "params": {"name": "track_event", "arguments": [CANARY]}},
    {"id": 6, "method": "tools/call", "params": {"name": CANARY, "arguments": {}}},
    {"id": 7, "method": f"x/{CANARY}", "params": {"a": CANARY}},
    {"method": f"notifications/{CANARY}", "params": {"a": CANARY}},
    {"method": "notifications/progress", "params": {"a": CANARY}},
    {"id": 8, "method": "tools/list", "params": {"cursor": [CANARY]}},
    {"id": 9, "method": "tools/call", "params": {**EVENT, "requestState": CANARY}},
    {"id": 10, "method": "tools/call", "params": {**EVENT, "_meta": {"progressToken": [CANARY]}}},
]


def test_nothing_that_a_client_sends_wrongly_reaches_the_log() -> None:
    wrong: list[dict[str, Any]] = [{"jsonrpc": "2.0", **each} for each in MALFORMED]
    answers, errors = spoken(command("--sandbox"), HANDSHAKE, READY, *wrong, LIST)
    assert {each["id"] for each in answers if "error" in each} == {5, 6, 7, 8, 9, 10}
    assert CANARY not in errors
