"""What tests of a policy share: a tool that has one, and what its refusals name."""

from __future__ import annotations

from typing import Any

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.deadline import Clock
from customerio_tool.subtools import subtools
from tests.support.clients import SAVED_US

NOW = 1_795_435_200.5  # 2026-11-23 12:00 UTC
READS = [name for name, subtool in subtools().items() if subtool.effect.read_only]
WRITES = [name for name, subtool in subtools().items() if not subtool.effect.read_only]
ALLOWED = ["ada@example.com", "@example.org"]
OPENED = {"allow_triggers": True, "event_overrides": True, "data_files": True}
EVENT = {"customer_id": "u1", "name": "paid"}
TO_FILE = {
    "broadcast_id": 30,
    "audience": "file",
    "data_file_url": "https://files.example.com/people.jsonl",
}


def tool_with(saved: Any = SAVED_US, /, **policy: Any) -> CustomerIoTool:
    return CustomerIoTool(saved, policy=policy, clock=Clock(now=lambda: NOW, sleep=lambda _: None))


def call(tool: CustomerIoTool, name: str, arguments: Any, run: str | None = None) -> dict[str, Any]:
    with tool:
        return tool.call(name, arguments, context=CallContext(run_id=run))


def paths_of(result: dict[str, Any]) -> list[str]:
    return [field["path"] for field in result["error"].get("fields", [])]
