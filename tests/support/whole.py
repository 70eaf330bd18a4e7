"""Whole results in tests: what a call comes to where Customer.io gives the same answer always."""

from __future__ import annotations

from typing import Any

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock
from tests.support.answers import session_with
from tests.support.clients import SAVED_US, AnyPace, example_of
from tests.support.telemetry import NOW

LOOK_FOR_MAIL: dict[str, Any] = {
    "subtool": "list_messages",
    "arguments": {
        "customer_id": "u1",
        "type": "email",
        "start_time": "2025-11-23T12:08:20Z",
        "limit": 100,
    },
}
"""The call that shows whether an e-mail to u1 of 2025-11-23, 12:08:20 UTC, went."""


def still() -> Clock:
    """Return a clock that stands still, and whose random bytes are zeros."""
    return Clock(now=lambda: NOW, monotonic=lambda: 0.0, sleep=lambda _: None, entropy=bytes)


def result_of(
    name: str,
    reply: Any = b"",
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    arguments: Any = None,
    **policy: Any,
) -> dict[str, Any]:
    """Return the result of a call of which every request is answered alike.

    Args:
        name: The name of the subtool.
        reply: The JSON value or the bytes of each answer.
        status: The status of each answer.
        headers: The headers of each answer.
        arguments: Those of the call; None means those of the first example.
        policy: The settings of the policy; without any, nothing is confirmed.
    """
    given = example_of(name) if arguments is None else arguments
    with CustomerIoTool(
        SAVED_US,
        policy=policy or "open",
        session=session_with(reply, status, headers),
        backends=Backends(limiter=AnyPace()),
        clock=still(),
    ) as tool:
        return tool.call(name, given)
