"""What a call is told whose message an earlier call sent, or may have sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool.calls.call import Call
from customerio_tool.errors import OutcomeUnknown
from customerio_tool.subtools.declare.times import iso_time
from customerio_tool.subtools.declare.vendor_json import Item


def still_unknown(first: Call[Any]) -> OutcomeUnknown:
    """Return the error of a call whose message an earlier one may have sent."""
    return _in_doubt(
        first,
        f"the same call began at {iso_time(first.at.now)} and got no usable answer, so that it may "
        "have happened.",
    )


def of_another_version(first: Call[Any]) -> OutcomeUnknown:
    """Return the error of a call whose key another version of this tool knows."""
    return _in_doubt(
        first,
        f"a call with this key began at {iso_time(first.at.now)} under another version of this "
        "tool, so that it may have sent the same message.",
    )


def _in_doubt(first: Call[Any], why: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"Nothing was sent now: {why} Make the call in `look`, and tell the user what it shows.",
        look=first.look(),
        extra=first.facts(),
    )


def already_sent(first: Call[Any], facts: Mapping[str, Any]) -> Item:
    """Return the envelope of a call whose message an earlier one sent.

    Args:
        first: The call, at the time of the earlier one.
        facts: What is kept of the result of that one.
    """
    when, look = iso_time(first.at.now), first.look()
    return {
        "ok": True,
        "summary": f"Nothing was sent now: Customer.io accepted the same call of {when}.",
        "outcome": "already_sent",
        "first_sent_at": when,
        **facts,
        **({"verify": look.as_json()} if look else {}),
    }
