"""The look at the messages that a call may have made."""

from __future__ import annotations

from typing import Any

from customerio_tool.subtools.declare import Invocation, Look, iso_time

MAX_MESSAGES = 1000
"""The most messages that a page of list_messages may have."""

LOOK_MESSAGES = 100
"""Messages on the page of a look; a result has fewer where they are too long together."""


def messages_since(invocation: Invocation, **filters: Any) -> Look:
    """Return the read that shows the messages created since a call began.

    Args:
        invocation: The call.
        filters: Further arguments of list_messages; None means not given.
    """
    whole = {"start_time": iso_time(invocation.search_from), "limit": LOOK_MESSAGES}
    return Look("list_messages", {n: v for n, v in filters.items() if v is not None} | whole)
