"""What tests of attacks share: a call, and what of it reached the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect, Endpoint

NAMES = list(subtools())


def looks_before(name: str, arguments: Any) -> list[tuple[Endpoint, Mapping[str, Any]]]:
    """Return the reads that come before what erases, each with its arguments."""
    subtool = subtools()[name]
    if subtool.effect is not Effect.ERASE or subtool.target is None:
        return []
    looks = subtool.target.looks(subtool.parse(arguments))
    return [(subtools()[look.subtool].endpoint, look.arguments) for look in looks]


def logged(sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: Any) -> Any:
    """Return what a call told, and the requests that reached the sandbox."""
    last = sandbox.requests()[-1:]
    after = last[0]["n"] if last else 0
    return tool.call(name, arguments), sandbox.requests(after)
