"""For frameworks whose tools ask a person from inside, and run again with the answer."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from customerio_tool.adapters.shape import Arguments, Envelope
from customerio_tool.calls.call import CallContext
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools import find
from customerio_tool.tool import CustomerIoTool


class Asked(NamedTuple):
    """A call's envelope, and the id of the question to a person, if the call waits for one.

    `is_new` says that no person can have seen that question yet.
    """

    envelope: Envelope
    waiting: str | None
    is_new: bool


def asked(tool: CustomerIoTool, name: str, given: Arguments, context: CallContext) -> Asked:
    """Run a call; the framework asks from inside, and runs the call again with the answer."""
    before = _waiting(tool, name)
    return _asked(tool.call(name, given, context=context), before)


async def aasked(tool: CustomerIoTool, name: str, given: Arguments, context: CallContext) -> Asked:
    """Run a call as `asked` does, without holding up the event loop."""
    before = await asyncio.to_thread(_waiting, tool, name)
    return _asked(await tool.acall(name, given, context=context), before)


def question(tool: CustomerIoTool, confirmation_id: str) -> dict[str, Any]:
    """Return the question to the person who approves, as JSON can hold it."""
    told = ("subtool", "sentence", "arguments")
    try:
        found = tool.question(confirmation_id)
    except CustomerIoError:
        found = None
    members = {member: getattr(found, member) for member in told} if found else {}
    return {"confirmation_id": confirmation_id, **members}


def _asked(envelope: Envelope, before: set[str]) -> Asked:
    waiting = envelope.get("confirmation_id")
    return Asked(envelope, waiting, waiting not in before)


def _waiting(tool: CustomerIoTool, name: str) -> set[str]:
    if find(name).effect.read_only:
        return set()
    try:
        return {each.confirmation_id for each in tool.waiting()}
    except CustomerIoError:
        return set()
