"""What all events share: their common arguments, body, id and the caution on their age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field

from customerio_tool.subtools.declare import (
    RARE,
    AlsoCalled,
    Answer,
    Args,
    EventData,
    Identifier,
    Invocation,
    Member,
    Time,
    canonical,
    shape_of,
)
from customerio_tool.subtools.parts.identify import PersonArgs
from customerio_tool.subtools.parts.mail import with_addresses
from customerio_tool.subtools.parts.vocabulary import DATA_NAMES, VIEW_WORDS, WHEN_NAMES

TRIGGER_SECONDS = 72 * 3600
"""An event with an older timestamp than this triggers no campaign (Track specification)."""


Data: TypeAlias = Annotated[
    Annotated[EventData, AfterValidator(with_addresses)] | None,
    Field(description="Properties of the event."),
    DATA_NAMES,
]
When: TypeAlias = Annotated[
    Time | None,
    Field(description="ISO 8601 or Unix time; default now."),
    WHEN_NAMES,
]
EventId: TypeAlias = Annotated[
    Identifier | None,
    Field(description="Deduplication key: repeat a call with the same one."),
    AlsoCalled("idempotency_key", "dedup_key", "deduplication_key"),
]
EventType: TypeAlias = Annotated[
    Literal["event", "page", "screen"] | None,
    Field(description="Page or screen: a view of name; default event."),
    VIEW_WORDS,
    RARE,
]


def event_body(event: EventArgs, invocation: Invocation) -> dict[str, Any]:
    """Return the body of an event.

    All attempts of a call send the same id and timestamp, so that Customer.io recognises a repeat.
    """
    data = event.properties
    return {
        "name": event.event_name,
        **({} if event.event_type is None else {"type": event.event_type}),
        "id": _event_id(event, invocation),
        "timestamp": invocation.now_seconds if event.timestamp is None else event.timestamp,
        **({} if data is None else {"data": data}),
    }


def _event_id(event: EventArgs, invocation: Invocation) -> str:
    kind = shape_of(event.person)
    person = canonical(event.person, kind)[1] if kind == "email" else event.person
    return invocation.event_id(event.event_id, person, event.identity)


EVENT_ID: Member[Any] = Member(
    {"type": "string", "description": "Id of the event; pass it as event_id to repeat the call."},
    _event_id,
)


def age_caution(answer: Answer[Any]) -> str:
    """Return a sentence on an event that is too old to trigger anything; "" for any other."""
    timestamp = answer.args.timestamp
    if timestamp is None or answer.invocation.now - timestamp <= TRIGGER_SECONDS:
        return ""
    return "It is dated more than 72 hours ago, so that it triggers no campaign."


class EventArgs(Args):
    """Base of the arguments of an event; each subclass declares these after its own arguments."""

    if TYPE_CHECKING:
        data: Data
        timestamp: When
        event_id: EventId

    @property
    def event_type(self) -> str | None:
        """The event's type in the form for Customer.io; None means event."""
        return None

    @property
    def properties(self) -> dict[str, Any] | None:
        """The event's data in the form for Customer.io."""
        return self.data

    @property
    def person(self) -> str:
        """The identifier of whoever the event is of."""
        raise NotImplementedError

    @property
    def event_name(self) -> str:
        """The event's name in the form for Customer.io."""
        raise NotImplementedError

    @property
    def identity(self) -> str:
        """What tells the event from others with the same `event_id`."""
        return self.event_name


class PersonEventArgs(EventArgs, PersonArgs):
    """Base of the arguments of an event of one person, whose identifier is in the path."""

    @property
    def person(self) -> str:
        """The identifier of the event's person."""
        return self.customer_id
