"""What a door answers that can ask no person about a call that waits for one."""

from __future__ import annotations

from typing import Any

from customerio_tool.calls.persons import nobody_can_approve
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import DISTRIBUTION


def unasked(
    tool: CustomerIoTool, name: str, result: dict[str, Any], decided_at: str = ""
) -> dict[str, Any]:
    """Return the result of a call at a door where nobody can be asked.

    A call stays waiting where a person can decide about it: on a page of this process, or in a
    store that other processes share. In the memory of a process without such a page nobody could:
    then the call is refused.

    Args:
        tool: The tool that made the call.
        name: The name of the subtool.
        result: The envelope of the call.
        decided_at: The address of that page; empty if there is none.
    """
    if "confirmation_id" not in result:
        return result
    if decided_at:
        return told_where(result, decided_at)
    return result if tool.shares_approvals else nobody_can_approve(name).as_result()


def told_where(result: dict[str, Any], decided_at: str) -> dict[str, Any]:
    """Return the result of a call that waits, which tells the user where a person decides.

    Args:
        result: The envelope of any call.
        decided_at: The address of the page; empty if there is none.
    """
    if "confirmation_id" not in result or not decided_at:
        return result
    where = f"A person decides in the workbench, at {decided_at}; tell the user so."
    return {**result, "summary": f"{result['summary']} {where}"}


def how_to_approve(confirmation_id: str) -> str:
    """Return what a person reads who may approve a call that waits in a shared store."""
    return f"To approve it, a person runs:  {DISTRIBUTION} approvals approve {confirmation_id}"
