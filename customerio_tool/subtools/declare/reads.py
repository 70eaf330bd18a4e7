"""The reads that a call makes beside its own request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from customerio_tool.records import record
from customerio_tool.subtools.declare.arguments import Args
from customerio_tool.subtools.declare.endpoint import Endpoint
from customerio_tool.subtools.declare.invocation import Invocation
from customerio_tool.subtools.declare.subject import About
from customerio_tool.subtools.declare.vendor_json import Item

A = TypeVar("A", bound=Args)


@record(frozen=True)
class SecondRead(Generic[A]):
    """A second read after the call's own; the shape gets its reply as `answer.second`.

    Args:
        endpoint: The endpoint to read.
        when: Returns whether a call needs the second read.
        expects: A member of the reply; a reply without it is unreadable.
        about: See `Subtool.about`.
        query: Returns the query parameters of the read; a parameter with the value None is not
            sent.
    """

    endpoint: Endpoint
    when: Callable[[A], bool]
    expects: str
    about: About | None = None
    query: Callable[[A], Mapping[str, Any]] | None = None


@record(frozen=True)
class Verify(Generic[A]):
    """A read that may show whether a call took effect, for a call whose reply was lost.

    It proves nothing: what it finds may be another call's. If a create finds nothing, it is tried
    once more.

    Args:
        endpoint: The endpoint to read.
        found: Searches the read's JSON for what may be a trace of the call, and returns members for
            the result; None if there is no trace.
        expects: The list in the reply; a reply without it shows nothing.
        about: See `Subtool.about`.
    """

    endpoint: Endpoint
    found: Callable[[A, Invocation, Item], Item | None]
    expects: str
    about: About | None = None


@record(frozen=True)
class FoundThrough(Generic[A]):
    """The advice of a 404 where a look-up finds the right id; it replaces `not_found_hint`.

    Args:
        lookup: The look-up. Where it may not run, the advice is not given.
        hint: Returns the advice, as a sentence.
    """

    lookup: str
    hint: Callable[[A], str]
