"""One scripted conversation that every door holds, and what of it must be the same at each.

A door is a context manager that yields a function: it makes one call, lets the person agree or not
if the door asks, and returns the envelope that the model reads in the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from customerio_tool.sandbox import Sandbox

Envelope: TypeAlias = dict[str, Any]
Talk: TypeAlias = Callable[[str, Mapping[str, Any], bool], Envelope]
Door: TypeAlias = Callable[[Sandbox], AbstractContextManager[Talk]]

POLICY: Mapping[str, Any] = {"confirm": {"erase": "human", "send": "never"}}
"""What erases waits for a person; a send goes at once, so that its outcome may be unknown."""

POLICY_VARIABLES = {"CUSTOMERIO_CONFIRM": "erase=human,send=never"}


@dataclass(frozen=True)
class Step:
    """One call of the conversation.

    Args:
        subtool: The name of the subtool.
        arguments: The arguments, as the model gives them.
        ends: The `outcome` or the `code` of the result.
        agrees: What the person says if asked.
        fault: A fault of the network that this call meets.
    """

    subtool: str
    arguments: Mapping[str, Any]
    ends: str
    agrees: bool = False
    fault: Mapping[str, Any] = field(default_factory=dict)


MAIL = {
    "to": "ada@example.com",
    "customer_id": "u1",
    "transactional_message_id": "1",
    "message_data": {"order": 17, "note": "größer"},
}
NEW = {"customer_id": "n1", "email": "new@example.com", "attributes": {"plan": "pro", "n": 1}}
LOST = {"operation": "send_email", "action": "reset_after_applying"}

STEPS = [
    Step("get_customer_attributes", {"customer_id": "u1"}, "done"),
    Step("track_event", {"customer_id": "u1", "event": "order_paid"}, "arguments_invalid"),
    Step("track_event", {"customer_id": "u1", "name": "order_paid"}, "accepted"),
    Step("identify_customer", NEW, "accepted"),
    Step("track_page_view", {"customer_id": "n1", "url": "https://example.com/a"}, "accepted"),
    Step(
        "add_device", {"customer_id": "n1", "device_id": "tok-1", "platform": "iPhone"}, "accepted"
    ),
    Step("get_campaign", {"campaign_id": "Welcome"}, "arguments_invalid"),
    Step("list_campaigns", {"limit": "2"}, "done"),
    Step("get_campaign_metrics", {"campaign_id": 12, "period": "days", "steps": 3}, "done"),
    Step("create_manual_segment", {"name": "Testers"}, "done"),
    Step("add_to_segment", {"segment_id": 1, "ids": ["u1", "u2"]}, "arguments_invalid"),
    Step("add_to_segment", {"segment_id": 1, "customer_ids": ["u1", "u2"]}, "accepted"),
    Step("get_segment", {}, "arguments_invalid"),
    Step("suppress_customer", {"customer_id": "u6"}, "accepted", agrees=True),
    Step("delete_customer", {"customer_id": "u1"}, "policy_refused", agrees=False),
    Step("send_transactional_push", {"customer_id": "u1"}, "arguments_invalid"),
    Step("send_transactional_email", MAIL, "outcome_unknown", fault=LOST),
    Step("send_transactional_email", MAIL, "outcome_unknown"),
    Step("list_segments", {"name_contains": "test"}, "done"),
    Step("get_customer_attributes", {"customer_id": "u6"}, "not_found"),
]


def held(door: Door) -> tuple[list[Envelope], dict[str, Any]]:
    """Hold the conversation through a door; return the envelopes, and the workspace afterwards."""
    with Sandbox() as sandbox:
        sandbox.clock.freeze()  # how long a door takes is no effect
        with door(sandbox) as talk:
            told = []
            for step in STEPS:
                sandbox.faults.set([dict(step.fault)] if step.fault else [])
                told.append(talk(step.subtool, step.arguments, step.agrees))
        sandbox.faults.clear()
        return [plain(each) for each in told], plain(sandbox.state())


_CHANGING = re.compile(
    r"[0-9A-HJKMNP-TV-Z]{26}"  # a ULID
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?"  # a time
    r"|\b1[78]\d{8}(?:\.\d+)?\b"  # a time in Unix seconds
    r"|\b[0-9a-f]{16,}\b"  # an id in hex
    r"|127\.0\.0\.1:\d+"  # the sandbox
)


def plain(value: Any) -> Any:
    """Return a value without the ids and times that differ from one conversation to the next."""
    return json.loads(_CHANGING.sub("0", json.dumps(value, sort_keys=True)))


def ends_of(envelope: Envelope) -> str:
    """Return the `outcome` of a success or the `code` of a failure."""
    return str(envelope["outcome"] if envelope["ok"] else envelope["error"]["code"])
