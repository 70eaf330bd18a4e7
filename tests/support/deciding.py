"""Decisions in tests: who asks and who decides, and a tool whose watcher writes everything down."""

from __future__ import annotations

from typing import Any

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.waiting import Approvals
from customerio_tool.deadline import Clock
from tests.support.clients import SAVED_US, AnyPace
from tests.support.confirming import Time
from tests.support.telemetry import Recorder

MONDAY = CallContext(run_id="monday", door="mcp")
DESK = CallContext(run_id="another", door="desk")
SEND = "send_transactional_email"
TO_ADA = 'Send the e-mail of template "1" to "ada@example.com", for the person "u1".'
UNKNOWN = {
    "ok": False,
    "summary": "No call waits under this confirmation id, so nothing was sent: it was decided "
    "already, 10 minutes have passed, or very many later calls took its place. The agent must ask "
    "again.",
    "error": {"code": "confirmation_unknown", "next_step": "give_up", "took_effect": "no"},
}


def tool_on(
    time: Time, told: Recorder, approvals: Approvals | None = None, **policy: Any
) -> CustomerIoTool:
    return CustomerIoTool(
        SAVED_US,
        policy={"confirm": "human", **policy},
        backends=Backends(
            limiter=AnyPace(), telemetry=[told], approvals=approvals or MemoryApprovals()
        ),
        clock=Clock(now=time, monotonic=lambda: 0.0, sleep=lambda _: None, entropy=bytes),
    )
