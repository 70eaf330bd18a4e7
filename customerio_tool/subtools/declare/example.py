"""Example calls of a subtool, each with the exact request that it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool.records import record


@record(frozen=True)
class Sends:
    """The exact request that an example sends.

    Args:
        method: The HTTP method.
        path: The percent-encoded path.
        query: The percent-encoded query, without `?`.
        body: The body as a JSON value; None if the request has no body.
    """

    method: str
    path: str
    query: str = ""
    body: Any = None


@record(frozen=True)
class Example:
    """An example call; tests check it, the documentation shows it, and the sandbox accepts it.

    Args:
        arguments: The call's arguments.
        sends: The request. In its body, the text `$now` stands for the time of the call in Unix
            seconds, and `$ulid` for a fresh ULID.
        title: The special point that the example shows, if any.
    """

    arguments: Mapping[str, Any]
    sends: Sends
    title: str = ""
