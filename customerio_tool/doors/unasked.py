"""What a door answers that can ask no person about a call that waits for one."""

from __future__ import annotations

from typing import Any

from customerio_tool.calls.persons import nobody_can_approve
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import DISTRIBUTION


def unasked(tool: CustomerIoTool, name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a call at a door where nobody can be asked.

    A call stays waiting in a store that other processes share, where a person can decide about it.
    In the memory of this process nobody could: then the call is refused.

    Args:
        tool: The tool that made the call.
        name: The name of the subtool.
        result: The envelope of the call.
    """
    if "confirmation_id" not in result or tool.shares_approvals:
        return result
    return nobody_can_approve(name).as_result()


def how_to_approve(confirmation_id: str) -> str:
    """Return what a person reads who may approve a call that waits in a shared store."""
    return f"To approve it, a person runs:  {DISTRIBUTION} approvals approve {confirmation_id}"
