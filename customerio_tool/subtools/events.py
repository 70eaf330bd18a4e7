"""Events: of a known person, of an anonymous visitor, and page views."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from customerio_tool.subtools.declare import (
    MAX_EVENT_DATA_BYTES,
    MAX_NAME_BYTES,
    Answer,
    Api,
    Effect,
    EmailAddress,
    Endpoint,
    EventName,
    Example,
    Identifier,
    Invocation,
    Line,
    Pace,
    Problem,
    Sends,
    Subtool,
    acknowledge,
    at_most,
    located,
    override_of,
    size_of,
)
from customerio_tool.subtools.parts.event import (
    EVENT_ID,
    Data,
    EventArgs,
    EventId,
    EventType,
    PersonEventArgs,
    When,
    age_caution,
    event_body,
)
from customerio_tool.subtools.parts.mail import reach_of
from customerio_tool.subtools.parts.names import of_person
from customerio_tool.subtools.parts.references import TRACK_PAGES
from customerio_tool.subtools.parts.vocabulary import (
    EVENT_NAMES,
    PAGE_NAMES,
    VISITOR_NAMES,
)

if TYPE_CHECKING:
    from typing_extensions import Self


class TrackEventArgs(PersonEventArgs):
    """Arguments of track_event."""

    name: Annotated[EventName, Field(description="Event name."), EVENT_NAMES]
    data: Data = None
    timestamp: When = None
    event_id: EventId = None
    type: EventType = None

    @property
    def event_type(self) -> str | None:
        """The event's type."""
        return self.type

    @property
    def event_name(self) -> str:
        """The event's name."""
        return self.name


def _event_caution(answer: Answer[TrackEventArgs]) -> str:
    # One schema of the specification wants an anonymous_id there, and its text does not.
    is_screen = answer.args.type == "screen"
    doubt = "It may not count as a screen view: if that matters, ask the user to check. "
    return f"{doubt if is_screen else ''}{age_caution(answer)}".rstrip()


track_event = Subtool(
    name="track_event",
    description=(
        "Tracks an event for a known person. Can trigger campaigns and is recorded on the person's "
        "activity timeline. Use when they did something: bought, paid, upgraded, cancelled, logged "
        "in. A viewed page: track_page_view; a fact: identify_customer."
    ),
    args=TrackEventArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/customers/{customer_id}/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=event_body,
    shape=acknowledge(
        "Customer.io accepted the event for {customer_id} and records it shortly.",
        caution=of_person(_event_caution),
    ),
    always={"event_id": EVENT_ID},
    data_argument="data",
    may_start_campaigns=True,
    person_argument="customer_id",
    basic=("data", "timestamp"),
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


def _is_recipient(name: str) -> bool:
    return override_of(name) == "recipient"


class TrackAnonymousEventArgs(EventArgs):
    """Arguments of track_anonymous_event."""

    name: Annotated[EventName, Field(description="Event name."), EVENT_NAMES]
    anonymous_id: Annotated[
        Identifier | None,
        Field(description="Id of the unknown visitor; or give recipient."),
        VISITOR_NAMES,
    ] = None
    recipient: Annotated[
        EmailAddress | None,
        Field(description="Email address to invite; only without anonymous_id."),
    ] = None
    data: Data = None
    timestamp: When = None
    event_id: EventId = None
    type: EventType = None

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
    def event_type(self) -> str | None:
        """The event's type."""
        return self.type

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
    return {**event_body(args, invocation), **visitor}


track_anonymous_event = Subtool(
    name="track_anonymous_event",
    description=(
        "Tracks an event not yet tied to a known person, identified by an anonymous_id. Use for a "
        "visitor or guest without login: cookie, session or browser id. It joins the person once "
        "identify_customer gives the same anonymous_id."
    ),
    args=TrackAnonymousEventArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=_anonymous_body,
    shape=acknowledge(
        "Customer.io accepted the anonymous event and records it shortly.", caution=age_caution
    ),
    always={"event_id": EVENT_ID},
    reach=lambda args: reach_of({"recipient": args.recipient}),
    data_argument="data",
    may_start_campaigns=True,
    person_argument=None,
    basic=("anonymous_id", "recipient", "data", "timestamp"),
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


def _shortened(url: str) -> str:
    """Return a URL's first 100 bytes, cut between characters and not inside `%C3`."""
    if size_of(url) <= MAX_NAME_BYTES:
        return url
    cut = url.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    return re.sub(r"%[0-9A-Fa-f]?\Z", "", cut).rstrip()


class TrackPageViewArgs(PersonEventArgs):
    """Arguments of track_page_view."""

    url: Annotated[
        Annotated[Line, AfterValidator(str.strip)],
        Field(description="URL or path of the page; over 100 bytes, data.url holds all of it."),
        PAGE_NAMES,
    ]
    data: Data = None
    timestamp: When = None
    event_id: EventId = None

    @model_validator(mode="after")
    def _check_data(self) -> Self:
        """Refuse data with another URL, or over the limit once the URL is added."""
        if self.is_shortened:
            if (self.data or {}).get("url", self.url) != self.url:
                fix = "leave it out: the whole url goes there, as it is longer than 100 bytes"
                raise Problem("differs from url", fix, "data", "url")
            within_limit = at_most(MAX_EVENT_DATA_BYTES, "data with the whole url")
            located(within_limit, self.properties, "url")
        return self

    @property
    def is_shortened(self) -> bool:
        """Whether the URL is too long for an event's name."""
        return size_of(self.url) > MAX_NAME_BYTES

    @property
    def event_type(self) -> str:
        """The type of a page view."""
        return "page"

    @property
    def event_name(self) -> str:
        """The URL of the page, which is the event's name; its beginning if it is too long."""
        return _shortened(self.url)

    @property
    def identity(self) -> str:
        """The whole URL of the page."""
        return self.url

    @property
    def properties(self) -> dict[str, Any] | None:
        """The event's data in the form for Customer.io, with the whole URL if it is cut."""
        return {**(self.data or {}), "url": self.url} if self.is_shortened else self.data


def _page_caution(answer: Answer[TrackPageViewArgs]) -> str:
    if not answer.args.is_shortened:
        return age_caution(answer)
    cut = "Its name is the first 100 bytes of the URL; data.url holds the whole."
    return f"{cut} {age_caution(answer)}".rstrip()


track_page_view = Subtool(
    name="track_page_view",
    description=(
        "Records a page view for a known person (an event with type='page'). Use when a customer "
        "visited, opened or read a web page, URL or screen. Other actions: track_event."
    ),
    args=TrackPageViewArgs,
    endpoint=Endpoint(Api.TRACK, "POST", "/api/v1/customers/{customer_id}/events"),
    effect=Effect.RECORD,
    pace=Pace.TRACK,
    body=event_body,
    shape=acknowledge(
        "Customer.io accepted the page view of {customer_id} and records it shortly.",
        caution=of_person(_page_caution),
    ),
    always={"event_id": EVENT_ID},
    data_argument="data",
    may_start_campaigns=True,
    person_argument="customer_id",
    basic=("data", "timestamp"),
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
