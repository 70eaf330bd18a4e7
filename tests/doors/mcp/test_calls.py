"""Calls over MCP give what Python gives, over each transport and in each era."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS

from customerio_tool import CustomerIoTool
from customerio_tool.details import RESULT_SCHEMA
from customerio_tool.sandbox import Sandbox
from tests.support.mcp_doors import Way, client, talk
from tests.support.timeouts import PATIENCE

EVENT = {"customer_id": "u1", "name": "order_paid"}

NO_ANSWER: dict[str, Any] = {
    "operation": "list_segments",
    "action": "no_answer_after_applying",
    "delay": PATIENCE,
}
SOON_MS = 5_000
"""Far from the 25 seconds that an uncancelled call takes here."""


class Left(Exception):
    """The client goes away in the middle of a call."""


def audited(trail: Path, outcome: str, after: int) -> dict[str, Any]:
    """Wait for the line of a call that ended so, past the lines that were there before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        lines = trail.read_text().splitlines()[after:] if trail.exists() else []
        found = [line for line in map(json.loads, lines) if line.get("outcome") == outcome]
        if found:
            return dict(found[0])
        time.sleep(0.05)
    raise AssertionError(f"no call ended as {outcome}")


def lines_of(trail: Path) -> int:
    return len(trail.read_text().splitlines()) if trail.exists() else 0


def test_every_definition_is_listed_as_python_has_it(
    server: Any, way: Way, sandbox: Sandbox
) -> None:
    listed = talk(server, way.era, lambda c: c.list_tools()).tools
    with CustomerIoTool(sandbox.connection(), policy="careful") as tool:
        definitions = tool.definitions()
    for shown, own in zip(listed, definitions, strict=True):
        assert shown.name == own["name"]
        assert shown.title == own["title"]
        assert shown.description == own["description"]
        assert shown.input_schema == own["input_schema"]
        assert shown.output_schema == RESULT_SCHEMA
        assert shown.annotations.model_dump(by_alias=True, exclude_none=True) == own["annotations"]


def test_a_call_takes_effect_and_its_result_is_text_and_structure(
    server: Any, way: Way, sandbox: Sandbox
) -> None:
    result = talk(server, way.era, lambda c: c.call_tool("track_event", EVENT))
    assert not result.is_error
    assert result.structured_content["ok"] is True
    assert json.loads(result.content[0].text) == result.structured_content
    assert sandbox.requests()[-1]["operation"] == "track"


def test_the_audit_trail_names_the_door(
    server: Any, way: Way, sandbox: Sandbox, audit: Path
) -> None:
    before = lines_of(audit)
    talk(server, way.era, lambda c: c.call_tool("track_event", EVENT))
    assert audited(audit, "accepted", before)["door"] == "mcp"


def test_a_failure_is_a_tool_error_with_the_envelope(
    server: Any, way: Way, sandbox: Sandbox
) -> None:
    wrong = {"customer_id": "u1", "nmae": "order_paid"}
    result = talk(server, way.era, lambda c: c.call_tool("track_event", wrong))
    assert result.is_error
    assert result.structured_content["error"]["code"] == "arguments_invalid"
    assert "name" in result.content[0].text


@pytest.mark.parametrize("name", ["no_such_tool", "", "TRACK_EVENT"])
def test_an_unknown_tool_is_a_protocol_error(server: Any, way: Way, name: str) -> None:
    async def refused(connected: Client) -> MCPError:
        with pytest.raises(MCPError) as caught:
            await connected.call_tool(name, {})
        return caught.value

    refusal = talk(server, way.era, refused).error
    assert refusal.code == INVALID_PARAMS
    assert "track_event" in refusal.message


def test_every_result_that_fits_its_own_schema_fits_the_one_that_clients_check(
    sandbox: Sandbox,
) -> None:
    """The one says less than each of the others, of a success and of a failure."""
    with CustomerIoTool(sandbox.connection(), policy="careful") as tool:
        for definition in tool.definitions():
            assert set(RESULT_SCHEMA["required"]) <= set(definition["output_schema"]["required"])
            failure = tool.call(definition["name"], {"no_such": 1})
            assert not failure["ok"]
            for schema in (definition["output_schema"], RESULT_SCHEMA):
                Draft202012Validator(schema).validate(failure)


def test_progress_is_a_number_that_grows_and_a_sentence(
    server: Any, way: Way, sandbox: Sandbox
) -> None:
    sandbox.fault(operation="list_segments", status=503, times=2)
    told: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    result = talk(
        server, way.era, lambda c: c.call_tool("list_segments", {}, progress_callback=note)
    )
    assert not result.is_error
    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    assert len(told) >= 2
    assert all(str(message).endswith(".") for _, _, message in told)


def test_a_client_that_cancels_cancels_its_call(
    server: Any, way: Way, sandbox: Sandbox, audit: Path
) -> None:
    silence = sandbox.fault(**NO_ANSWER)
    before = lines_of(audit)

    async def cancel_one(connected: Client) -> Any:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connected.call_tool, "list_segments", {})
            while not silence.matched:
                await anyio.sleep(0.02)
            tasks.cancel_scope.cancel()
        return await connected.call_tool("track_event", EVENT)  # the connection still serves

    assert not talk(server, way.era, cancel_one).is_error
    assert audited(audit, "cancelled", before)["ms"] < SOON_MS


def test_a_client_that_leaves_cancels_its_call(
    server: Any, way: Way, sandbox: Sandbox, audit: Path
) -> None:
    silence = sandbox.fault(**NO_ANSWER)
    before = lines_of(audit)

    async def leave() -> None:
        async with client(server, way.era) as connected, anyio.create_task_group() as tasks:
            tasks.start_soon(connected.call_tool, "list_segments", {})
            while not silence.matched:
                await anyio.sleep(0.02)
            raise Left

    with suppress(Exception):  # it comes in a group
        anyio.run(leave)
    assert audited(audit, "cancelled", before)["ms"] < SOON_MS
