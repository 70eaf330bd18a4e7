"""Confirmations in tests: the calls that are asked for, a clock that moves, a tool that asks."""

from __future__ import annotations

from typing import Any

import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.waiting import Approvals
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import AnyPace

NOW = 1_795_435_200.0
ASKED = [name for name, subtool in subtools().items() if subtool.effect.word in ("erase", "send")]
FREE = [name for name in subtools() if name not in ASKED]
DELETE = {"customer_id": "u1"}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def made(
    saved: Any,
    confirm: Any,
    time: Time | None = None,
    approvals: Approvals | None = None,
    **policy: Any,
) -> CustomerIoTool:
    clock = Clock(now=time or Time(), entropy=bytes)
    backends = Backends(approvals=approvals or MemoryApprovals(), limiter=AnyPace())
    return CustomerIoTool(
        saved, policy={"confirm": confirm, **policy}, backends=backends, clock=clock
    )


def written(net: responses.RequestsMock) -> int:
    """Return how many requests were no reads: what erases is read before a person is asked."""
    return sum(call.request.method != "GET" for call in net.calls)


def posts(sandbox: Sandbox) -> list[str]:
    return [each["path"] for each in sandbox.requests() if each["method"] != "GET"]
