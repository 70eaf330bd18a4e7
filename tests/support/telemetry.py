"""What tests of watchers share: one that writes down what it is told, and a tool that tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart, Telemetry
from customerio_tool.deadline import Clock
from tests.support.clients import SAVED_US, US

PERSON = f"{US}/api/v1/customers/ada%40example.com"
NOW = 1763900000.5
ADA = {"customer_id": "ada@example.com", "attributes": {"plan": "pro"}}


class Recorder:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[CallStart] = []
        self.attempts: list[Attempt] = []
        self.ends: list[CallEnd] = []
        self.told: list[str] = []

    def started(self, call: CallStart) -> None:
        self.calls.append(call)
        self.told.append("started")

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        assert call is self.calls[-1]
        self.attempts.append(attempt)
        self.told.append("attempted")

    def ended(self, call: CallStart, end: CallEnd) -> None:
        assert call is self.calls[-1]
        self.ends.append(end)
        self.told.append("ended")


class Stopwatch:
    """A monotonic clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def made(*watchers: Telemetry, saved: Any = SAVED_US, **options: Any) -> CustomerIoTool:
    watch = Stopwatch()
    return CustomerIoTool(
        saved,
        backends=Backends(telemetry=watchers),
        clock=Clock(now=lambda: NOW, monotonic=watch, sleep=watch.sleep),
        **options,
    )


def lines_of(trail: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
