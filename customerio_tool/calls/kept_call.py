"""What is kept of a call that waits for a person: enough to make it in any worker."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from customerio_tool.calls.call import Call, CallContext
from customerio_tool.calls.seen import Seen
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Invocation
from customerio_tool.subtools.declare.json_text import compact


def kept(call: Call[Any]) -> bytes:
    """Return a call as JSON text: its arguments, who asked and what was read of its target."""
    seen = call.seen
    whole = {
        "subtool": call.subtool.name,
        "arguments": call.arguments(),
        "reading": call.args.reading,
        "run_id": call.context.run_id,
        "door": call.context.door,
        "sends_again": call.sends_again,
        "seen": seen and [seen.existed, seen.sentence, dict(seen.members), seen.identity],
    }
    return compact(whole, is_ascii=True).encode()


def call_of(content: bytes, at: Invocation) -> Call[Any]:
    """Return the call that `kept` made a text of, as a call that begins now.

    Its run and door are those that asked. The rest of its context is over: a deadline, a
    cancellation.

    Raises:
        ArgumentsInvalid: Another version of the package kept it, which took other arguments.
        SubtoolUnknown: That version had a subtool that is gone.
    """
    whole = json.loads(content)
    subtool = find(whole["subtool"])
    args = subtool.parse(whole["arguments"]).read_as(whole["reading"])
    asked = CallContext(run_id=whole["run_id"], door=whole.get("door", ""))  # older: none
    call: Call[Any] = Call(subtool, args, at, asked)
    seen = Seen(*whole["seen"]) if whole["seen"] else None
    return replace(call, sends_again=whole["sends_again"], seen=seen)
