"""What tests of repeats share: a clock that skips sleeps, and a count of what was tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.deadline import Clock

NOW = 1_795_435_200.0  # 2026-11-23 12:00 UTC

PERSON_CALL = ("identify_customer", {"customer_id": "u1", "attributes": {"plan": "pro"}})
MAIL_CALL = (
    "send_transactional_email",
    {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "receipt"},
)
CREATE_CALL = ("create_manual_segment", {"name": "Launch"})
BROADCAST_CALL = ("trigger_broadcast", {"broadcast_id": 30, "audience": "default"})
LIST_CALL: tuple[str, dict[str, Any]] = ("list_segments", {})
LOST = "reset_after_applying"

Call: TypeAlias = Callable[..., dict[str, Any]]
"""Makes a call; named arguments are those of its context."""


class SkippingClock:
    """A clock on which a sleep is over at once, and that otherwise stands still.

    `tick` is how many seconds pass each time somebody looks at it, which may be set to let time
    pass without the help of real time.
    """

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self.tick = 0.0
        self._skipped = 0.0

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.skip(seconds)

    def skip(self, seconds: float) -> None:
        """Let time pass without a sleep."""
        self._skipped += seconds

    def monotonic(self) -> float:
        self._skipped += self.tick
        return self._skipped

    def now(self) -> float:
        return NOW + self.monotonic()

    def whole(self, entropy: Callable[[int], bytes] = bytes) -> Clock:
        """Return the clock of a tool that lives by this one."""
        return Clock(now=self.now, monotonic=self.monotonic, sleep=self.sleep, entropy=entropy)


class Tries:
    """A telemetry that keeps the method and path template of every attempt."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def started(self, call: CallStart) -> None:
        return

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        self.made.append((attempt.method, attempt.template))

    def ended(self, call: CallStart, end: CallEnd) -> None:
        return


def tool_on(
    clock: SkippingClock,
    connection: Mapping[str, Any],
    tries: Tries,
    ledger: Ledger | None = None,
    **options: Any,
) -> CustomerIoTool:
    """Return a tool which lives by a clock and tells its attempts to `tries`."""
    limiter, kept = LocalLimiter(monotonic=clock.monotonic), ledger or MemoryLedger()
    return CustomerIoTool(
        connection,
        backends=Backends(limiter=limiter, ledger=kept, telemetry=[tries]),
        clock=clock.whole(),
        **options,
    )
