"""For frameworks whose own gate asks a person before a tool runs."""

from __future__ import annotations

from customerio_tool.adapters.shape import Arguments, Envelope
from customerio_tool.calls.call import CallContext
from customerio_tool.subtools import find
from customerio_tool.tool import CustomerIoTool


def asks_first(tool: CustomerIoTool, name: str) -> bool:
    """Whether a person must approve every call of a subtool."""
    policy, subtool = tool.policy, find(name)
    return policy.requires_confirmation(subtool) and policy.confirm_for(subtool) == "human"


def gated(tool: CustomerIoTool, name: str, given: Arguments, context: CallContext) -> Envelope:
    """Run a call that the framework's own gate has let pass, and approve what the gate asked.

    A call that the gate did not ask about stays waiting, and its envelope says so.
    """
    envelope = tool.call(name, given, context=context)
    waiting = envelope.get("confirmation_id")
    if waiting is None or not asks_first(tool, name):
        return envelope
    return tool.approve(waiting, context=context)


async def agated(
    tool: CustomerIoTool, name: str, given: Arguments, context: CallContext
) -> Envelope:
    """Run a call as `gated` does, without holding up the event loop."""
    envelope = await tool.acall(name, given, context=context)
    waiting = envelope.get("confirmation_id")
    if waiting is None or not asks_first(tool, name):
        return envelope
    return await tool.aapprove(waiting, context=context)
