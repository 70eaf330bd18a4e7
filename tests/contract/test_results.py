"""A result of any subtool holds what its output schema declares and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from customerio_tool import CustomerIoTool
from customerio_tool.deadline import Clock as ToolClock
from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.subtools import all_subtools
from tests.contract.test_double_entry import calls
from tests.support.further_calls import NOW

FAULTS: dict[str, dict[str, Any] | None] = {
    "answered": None,
    "refused": {"status": 400},
    "not found": {"status": 404},
    "rate limited": {"status": 429},
    "failed": {"status": 503},
    "answer lost": {"action": "reset_after_applying"},
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as running:
        yield running


def tool_on(sandbox: Sandbox, **policy: Any) -> CustomerIoTool:
    clock = sandbox.clock

    def wait(seconds: float) -> None:
        clock.advance(seconds)

    return CustomerIoTool(
        sandbox.connection(),
        policy={"preset": "open", "lookups": True, **policy},
        clock=ToolClock(now=clock.now, monotonic=clock.now, sleep=wait),
    )


def undeclared(tool: CustomerIoTool, name: str, result: dict[str, Any]) -> list[str]:
    """What is wrong with a result, members that the schema does not name included."""
    schema = tool.definition(name)["output_schema"]
    error = {**schema["properties"]["error"], "additionalProperties": False}
    closed = {**schema, "additionalProperties": False}
    closed["properties"] = {**schema["properties"], "error": error}
    return [found.message for found in Draft202012Validator(closed).iter_errors(result)]


each_subtool = pytest.mark.parametrize("name", all_subtools())


@each_subtool
def test_a_result_holds_declared_members_only(sandbox: Sandbox, name: str) -> None:
    call = calls(all_subtools()[name])[0]
    for told, rule in FAULTS.items():
        sandbox.reset()
        if rule is not None:
            sandbox.fault(**rule)
        with tool_on(sandbox) as tool:
            assert undeclared(tool, name, tool.call(name, call)) == [], told


@each_subtool
def test_what_is_not_sent_is_told_in_declared_members_only(sandbox: Sandbox, name: str) -> None:
    call = calls(all_subtools()[name])[0]
    for policy in ({"dry_run": True}, {"confirm": "human"}, {"confirm": "repeat"}):
        with tool_on(sandbox, **policy) as tool:
            assert undeclared(tool, name, tool.call(name, call)) == [], policy


@each_subtool
def test_the_calls_that_a_result_proposes_can_be_made(sandbox: Sandbox, name: str) -> None:
    for call in calls(all_subtools()[name]):
        with tool_on(sandbox) as tool:
            result = tool.call(name, call)
        for proposed in filter(None, (result.get("verify"), result.get("error", {}).get("look"))):
            assert all_subtools()[proposed["subtool"]].parse(proposed["arguments"])
