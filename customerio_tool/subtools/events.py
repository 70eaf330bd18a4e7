"""Events: of a known person, of an anonymous visitor, and page views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from customerio_tool.subtools.declare import (
    MAX_EVENT_DATA_BYTES,
    MAX_NAME_BYTES,
    Answer,
    Api,
    Args,
    Effect,
    EmailAddress,
    Endpoint,
    EventData,
    EventName,
    Example,
    Identifier,
    Invocation,
    Line,
    Member,
    Pace,
    Problem,
    Sends,
    Subtool,
    Time,
    acknowledge,
    at_most,
    located,
    override_of,
    size_of,
)
from customerio_tool.subtools.parts.identify import PersonArgs
from customerio_tool.subtools.parts.mail import reach_of, with_addresses
from customerio_tool.subtools.parts.references import TRACK_PAGES

if TYPE_CHECKING:
    from typing_extensions import Self

TRIGGER_SECONDS = 72 * 3600
"""An event with an older timestamp than this triggers no campaign (Track specification)."""


Data: TypeAlias = Annotated[
    Annotated[EventData, AfterValidator(with_addresses)] | None,
    Field(description="Properties of the event."),
]
When: TypeAlias = Annotated[
    Time | None, Field(description="When it happened: ISO 8601 or Unix time; default now.")
]
EventId: TypeAlias = Annotated[
    Identifier | None,
    Field(description="Deduplication key; repeat a call safely with the same one."),
]


Event: TypeAlias = "TrackEventArgs | TrackAnonymousEventArgs | TrackPageViewArgs"
"""The arguments of any event; all have `event_name`, `properties` and `person`."""


def _body(event: Event, invocation: Invocation, **extra: str) -> dict[str, Any]:
    """Return the body of an event.

    All attempts of a call send the same id and timestamp, so that Customer.io recognises a repeat.
    """
    data = event.properties
    return {
        "name": event.event_name,
        **extra,
        "id": _event_id(event, invocation),
        "timestamp": invocation.now_seconds if event.timestamp is None else event.timestamp,
        **({} if data is None else {"data": data}),
    }


def _event_id(event: Event, invocation: Invocation) -> str:
    return invocation.event_id(event.event_id, event.person, event.event_name)


def _is_recipient(name: str) -> bool:
    return override_of(name) == "recipient"


EVENT_ID: Member[Any] = Member(
    {"type": "string", "description": "Id of the event; pass it as event_id to repeat the call."},
    _event_id,
)


def _age_caution(answer: Answer[Any]) -> str:
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
    def properties(self) -> dict[str, Any] | None:
        """The event's data in the form for Customer.io."""
        return self.data


class PersonEventArgs(EventArgs, PersonArgs):
    """Base of the arguments of an event of one person, whose identifier is in the path."""

    @property
    def person(self) -> str:
        """The identifier of the event's person."""
        return self.customer_id


class TrackEventArgs(PersonEventArgs):
    """Arguments of track_event."""

    name: Annotated[EventName, Field(description="Event name, e.g. order_paid.")]
    data: Data = None
    timestamp: When = None
    event_id: EventId = None

    @property
    def event_name(self) -> str:
        """The event's name."""
        return self.name


track_event = Subtool(
    name="track_event",
    description=(
        "Tracks an event for a known person. Can trigger campaigns and is recorded on the person's "
        "activity timeline. To store facts about the person, use identify_customer."
    ),
    args=TrackEventArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/customers/{customer_id}/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=_body,
    shape=acknowledge(
        "Customer.io accepted the event for {customer_id} and records it shortly.",
        caution=_age_caution,
    ),
    always={"event_id": EVENT_ID},
    data_argument="data",
    may_start_campaigns=True,
    person_argument="customer_id",
    reference=TRACK_PAGES + "track",
    examples=[
        Example(
            {"customer_id": "u1", "name": "order_paid", "data": {"total": 19.5}},
            Sends(
                "POST",
                "/api/v1/customers/u1/events",
                body={
                    "name": "order_paid",
                    "id": "$ulid",
                    "timestamp": "$now",
                    "data": {"total": 19.5},
                },
            ),
        ),
        Example(
            {
                "customer_id": "team/42",
                "name": "Größe geändert",
                "data": {"size": None},
                "timestamp": "2026-11-20T09:30:00+01:00",
                "event_id": "01JD5T3Q6C9W4Y2M8K7H1N0PZX",
            },
            Sends(
                "POST",
                "/api/v1/customers/team%2F42/events",
                body={
                    "name": "Größe geändert",
                    "id": "01JD5T3Q6C9W4Y2M8K7H1N0PZX",
                    "timestamp": 1795163400,
                    "data": {"size": None},
                },
            ),
            title="A slash in the id, an event id of one's own, and a null that stays null",
        ),
    ],
)


class TrackAnonymousEventArgs(EventArgs):
    """Arguments of track_anonymous_event."""

    name: Annotated[EventName, Field(description="Event name, e.g. newsletter_signup.")]
    anonymous_id: Annotated[
        Identifier | None, Field(description="Id of the unknown visitor; or give recipient.")
    ] = None
    recipient: Annotated[
        EmailAddress | None,
        Field(description="Email address to invite; only without anonymous_id."),
    ] = None
    data: Data = None
    timestamp: When = None
    event_id: EventId = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.anonymous_id is None) == (self.recipient is None):
            raise Problem(
                "or recipient is needed, and not both", "give one of them", "anonymous_id"
            )
        self._check_data()
        return self

    def _check_data(self) -> None:
        """Refuse data with another recipient, or over the limit once the recipient is added."""
        if self.recipient is None:
            return
        in_data = [value for name, value in (self.data or {}).items() if _is_recipient(name)]
        if any(value != self.recipient for value in in_data):
            raise Problem("names another recipient than the argument", "give it once", "data")
        within_limit = at_most(MAX_EVENT_DATA_BYTES, "data with the recipient")
        located(within_limit, self.properties, "data")

    @property
    def person(self) -> str:
        """The event's anonymous id or recipient."""
        return self.anonymous_id or self.recipient or ""

    @property
    def event_name(self) -> str:
        """The event's name."""
        return self.name

    @property
    def properties(self) -> dict[str, Any] | None:
        """The event's data in the form for Customer.io, including the recipient."""
        if self.recipient is None:
            return self.data
        return {**(self.data or {}), "recipient": self.recipient}


def _anonymous_body(args: TrackAnonymousEventArgs, invocation: Invocation) -> dict[str, Any]:
    visitor = {} if args.anonymous_id is None else {"anonymous_id": args.anonymous_id}
    return {**_body(args, invocation), **visitor}


track_anonymous_event = Subtool(
    name="track_anonymous_event",
    description=(
        "Tracks an event not yet tied to a known person, identified by an anonymous_id. It joins "
        "the person once identify_customer gives the same anonymous_id. With recipient instead, it "
        "invites that address."
    ),
    args=TrackAnonymousEventArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=_anonymous_body,
    shape=acknowledge(
        "Customer.io accepted the anonymous event and records it shortly.", caution=_age_caution
    ),
    always={"event_id": EVENT_ID},
    reach=lambda args: reach_of({"recipient": args.recipient}),
    data_argument="data",
    may_start_campaigns=True,
    person_argument=None,
    reference=TRACK_PAGES + "trackAnonymous",
    examples=[
        Example(
            {"anonymous_id": "visitor-7", "name": "pricing_viewed"},
            Sends(
                "POST",
                "/api/v1/events",
                body={
                    "name": "pricing_viewed",
                    "id": "$ulid",
                    "timestamp": "$now",
                    "anonymous_id": "visitor-7",
                },
            ),
        ),
        Example(
            {"recipient": "zoë+new@example.com", "name": "invited", "data": {"by": "u1"}},
            Sends(
                "POST",
                "/api/v1/events",
                body={
                    "name": "invited",
                    "id": "$ulid",
                    "timestamp": "$now",
                    "data": {"by": "u1", "recipient": "zoë+new@example.com"},
                },
            ),
            title="An invitation to an address that belongs to nobody yet",
        ),
    ],
)


def _url(text: str) -> str:
    if size_of(text) > MAX_NAME_BYTES:
        fix = f"shorten it to {MAX_NAME_BYTES} bytes and put the whole URL into data.url"
        raise Problem(f"is {size_of(text)} bytes long", fix)
    return text


class TrackPageViewArgs(PersonEventArgs):
    """Arguments of track_page_view."""

    url: Annotated[
        Annotated[
            Line,
            AfterValidator(str.strip),
            AfterValidator(_url),
            WithJsonSchema({"type": "string", "maxLength": MAX_NAME_BYTES}),
        ],
        Field(description="URL or path of the page, at most 100 bytes."),
    ]
    data: Data = None
    timestamp: When = None
    event_id: EventId = None

    @property
    def event_name(self) -> str:
        """The URL of the page, which is the event's name."""
        return self.url


def _page_body(args: TrackPageViewArgs, invocation: Invocation) -> dict[str, Any]:
    return _body(args, invocation, type="page")


track_page_view = Subtool(
    name="track_page_view",
    description=(
        "Records a page view for a known person (an event with type='page'). For anything else "
        "that a person did, use track_event."
    ),
    args=TrackPageViewArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/customers/{customer_id}/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=_page_body,
    shape=acknowledge(
        "Customer.io accepted the page view of {customer_id} and records it shortly.",
        caution=_age_caution,
    ),
    always={"event_id": EVENT_ID},
    data_argument="data",
    may_start_campaigns=True,
    person_argument="customer_id",
    reference=TRACK_PAGES + "track",
    examples=[
        Example(
            {"customer_id": "u1", "url": "https://example.com/pricing"},
            Sends(
                "POST",
                "/api/v1/customers/u1/events",
                body={
                    "name": "https://example.com/pricing",
                    "type": "page",
                    "id": "$ulid",
                    "timestamp": "$now",
                },
            ),
        ),
        Example(
            {
                "customer_id": "ada+test@example.com",
                "url": "/s?q=große+schuhe",
                "data": {"referrer": None},
            },
            Sends(
                "POST",
                "/api/v1/customers/ada%2Btest%40example.com/events",
                body={
                    "name": "/s?q=große+schuhe",
                    "type": "page",
                    "id": "$ulid",
                    "timestamp": "$now",
                    "data": {"referrer": None},
                },
            ),
            title="A path with a query, and a null that stays null",
        ),
    ],
)
