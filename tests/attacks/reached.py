"""What tests of attacks share: a call, and what of it reached the sandbox."""

from __future__ import annotations

from typing import Any

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools

NAMES = list(subtools())


def logged(sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: Any) -> Any:
    """Return what a call told, and the requests that reached the sandbox."""
    last = sandbox.requests()[-1:]
    after = last[0]["n"] if last else 0
    return tool.call(name, arguments), sandbox.requests(after)
