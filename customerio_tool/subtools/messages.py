"""Messages: the history of deliveries, which also shows whether a send took effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    IDENTIFIERS,
    IMPLIED,
    NARROWS,
    PAGE_SIZE,
    PERSON_NAMES,
    RARE,
    AlsoCalled,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    FieldProblem,
    Flag,
    FoundBy,
    Identifier,
    Invocation,
    ObjectId,
    Pace,
    People,
    PersonId,
    Problem,
    Sends,
    Shape,
    Short,
    Subtool,
    Time,
    check_type,
    refuse,
    whole_number,
)
from customerio_tool.subtools.parts.lookup import (
    LookupType,
    kind_of_person,
    person_hint,
    person_through,
)
from customerio_tool.subtools.parts.message_looks import MAX_MESSAGES
from customerio_tool.subtools.parts.messages_result import (
    LONGEST_WINDOW_SECONDS,
    MESSAGES_RETURNS,
    WINDOW_SECONDS,
    messages_to_result,
)
from customerio_tool.subtools.parts.origins import is_about
from customerio_tool.subtools.parts.pages import Full
from customerio_tool.subtools.parts.references import APP_PAGES
from customerio_tool.subtools.parts.repairs import mend_list
from customerio_tool.subtools.parts.vocabulary import (
    CHANNEL_NAMES,
    CHANNEL_WORDS,
    END_NAMES,
    LIMIT_NAMES,
    METRIC_WORDS,
    START_NAMES,
    Channel,
    Metric,
)

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT_MESSAGES = 10

_PEOPLE = People(
    at=("messages.customer_identifiers",),
    renamed={
        "messages.recipient": IDENTIFIERS,  # the channel decides which of them it is
        "messages.customer_id": ("id",),
    },
    subjects=("messages.subject",),
)


class ListMessagesArgs(Args):
    """Arguments of list_messages."""

    type: Annotated[
        Channel | None,
        Field(description="Only this kind; twilio is SMS."),
        CHANNEL_WORDS,
        CHANNEL_NAMES,
    ] = None
    metric: Annotated[
        Metric | None,
        Field(description="Only those that reached this."),
        METRIC_WORDS,
        AlsoCalled("status", "event", "state"),
    ] = None
    drafts: Annotated[Flag | None, Field(description="True lists drafts instead.")] = None
    campaign_id: Annotated[
        ObjectId | None,
        Field(description="Only of this campaign or broadcast."),
        Short("Or broadcast"),
        NARROWS,
        AlsoCalled("campaign", "broadcast_id"),
        FoundBy("list_campaigns", ("campaign_name", "campaign")),
    ] = None
    newsletter_id: Annotated[
        ObjectId | None, Field(description="Only of this newsletter (one-time send)."), NARROWS
    ] = None
    action_id: Annotated[ObjectId | None, Field(description="Only of this action."), NARROWS] = None
    transactional_id: Annotated[
        ObjectId | None,
        Field(description="Only of this transactional template."),
        NARROWS,
        AlsoCalled("transactional_message_id"),
    ] = None
    trigger_id: Annotated[
        ObjectId | None,
        Field(description="One trigger of a broadcast; needs campaign_id."),
        NARROWS,
    ] = None
    template_id: Annotated[
        ObjectId | None, Field(description="Only of this template."), NARROWS
    ] = None
    content_id: Annotated[
        ObjectId | None, Field(description="Only of this content."), NARROWS, RARE
    ] = None
    customer_id: Annotated[
        PersonId | None,
        Field(description="One person's id, email, or cio_... id."),
        NARROWS,
        PERSON_NAMES,
        AlsoCalled("recipient"),
    ] = None
    id_type: Annotated[
        LookupType | None,
        Field(description="Type of customer_id; default by its shape, never phone."),
        IMPLIED,
    ] = None
    start_time: Annotated[
        Time | None, Field(description="Created since: ISO 8601 or Unix time."), START_NAMES
    ] = None
    end_time: Annotated[
        Time | None,
        Field(description="Created until; at most six months after start_time."),
        END_NAMES,
    ] = None
    limit: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=MAX_MESSAGES), whole_number] | None,
        Field(description=f"Default {DEFAULT_MESSAGES}."),
        PAGE_SIZE,
        LIMIT_NAMES,
    ] = None
    cursor: Annotated[
        Identifier | None,
        Field(description="next_cursor of the page before."),
        Short("next_cursor"),
        AlsoCalled("next_cursor", "page_token", "next"),
    ] = None
    include_responses: Annotated[Flag | None, Field(description="True adds in-app responses.")] = (
        None
    )
    full: Full = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        start, end = self.start_time, self.end_time
        if start is not None and end is not None and end < start:
            raise Problem("lies before start_time", "give a later time", "end_time")
        if self.trigger_id is not None and self.campaign_id is None:
            fix = "give the broadcast's number, or leave trigger_id out"
            raise Problem("is missing", fix, "campaign_id")
        if self.customer_id is None:
            if self.id_type is not None:
                raise Problem("needs customer_id", "give it, or leave id_type out", "id_type")
            return self
        check_type(self.customer_id, self.id_type, "customer_id", finds_phones=True)
        fix = "leave it out and see it in each message, or list without customer_id"
        refuse_given = [name for name in _NOT_OF_ONE_PERSON if getattr(self, name) is not None]
        if refuse_given:
            refuse([FieldProblem(n, "does not go with customer_id", fix) for n in refuse_given])
        return self

    def window_end(self, invocation: Invocation) -> int | None:
        """Return the end of the time window to request, in Unix seconds; None means now.

        An old start without an end gets one. Without it, Customer.io silently ignores the start
        and returns the six months before now.
        """
        start, end = self.start_time, self.end_time
        if end is None and start is not None and invocation.now - start > LONGEST_WINDOW_SECONDS:
            return start + WINDOW_SECONDS
        return end


_NOT_OF_ONE_PERSON = (
    *("drafts", "campaign_id", "newsletter_id", "action_id", "transactional_id", "trigger_id"),
    *("template_id", "content_id", "include_responses"),
)
"""Arguments that Customer.io's list of one person's messages has no parameter for."""


def _query(args: ListMessagesArgs, invocation: Invocation) -> dict[str, Any]:
    if args.customer_id is not None:
        return {
            "id_type": kind_of_person(args.customer_id, args.id_type),
            "start_ts": args.start_time,
            "end_ts": args.window_end(invocation),
            "limit": args.limit or DEFAULT_MESSAGES,
            "start": args.cursor,
        }
    return {
        "type": args.type,
        "metric": args.metric,
        "drafts": args.drafts,
        "campaign_id": args.campaign_id,
        "newsletter_id": args.newsletter_id,
        "action_id": args.action_id,
        "transactional_id": args.transactional_id,
        "trigger_id": args.trigger_id,
        "template_id": args.template_id,
        "content_id": args.content_id,
        "start_ts": args.start_time,
        "end_ts": args.window_end(invocation),
        "limit": args.limit or DEFAULT_MESSAGES,
        "start": args.cursor,
        "get_tracked_responses": args.include_responses,
    }


list_messages = Subtool(
    name="list_messages",
    description=(
        "Lists message-delivery history for the workspace with optional filters. Use to see "
        "whether messages arrived: sent, delivered, opened, bounced or failed, one by one. Totals: "
        "get_campaign_metrics."
    ),
    args=ListMessagesArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/messages"),
    narrower_endpoint=Endpoint(Api.APP, "GET", "/v1/customers/{customer_id}/messages"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    mend=mend_list,
    shape=Shape(
        outcome="done",
        to_result=messages_to_result,
        returns=MESSAGES_RETURNS,
        expects="messages",
        untrusted=True,
    ),
    not_found_hint=person_hint,
    found_through=person_through,
    person_argument="customer_id",
    person_type_argument="id_type",
    people=_PEOPLE,
    about=is_about,
    basic=(
        *("type", "metric", "campaign_id", "transactional_id", "customer_id"),
        *("start_time", "end_time", "limit", "cursor", "full"),
    ),
    reference=APP_PAGES + "tag/messages/listMessages/",
    examples=[
        Example({}, Sends("GET", "/v1/messages", query="limit=10")),
        Example(
            {"type": "email", "metric": "bounced", "campaign_id": 12, "limit": 100},
            Sends(
                "GET",
                "/v1/messages",
                query="type=email&metric=bounced&campaign_id=12&limit=100",
            ),
        ),
        Example(
            {
                "drafts": True,
                "start_time": "2024-11-23T12:00:00+01:00",
                "cursor": "MTc0MDAwMDAwMDozMA==",
                "include_responses": False,
            },
            Sends(
                "GET",
                "/v1/messages",
                query=(
                    "drafts=true&start_ts=1732359600&end_ts=1747911600&limit=10"
                    "&start=MTc0MDAwMDAwMDozMA%3D%3D&get_tracked_responses=false"
                ),
            ),
            title="A start over six months ago gets an end, so that it is not cut off quietly",
        ),
        Example(
            {"campaign_id": 30, "trigger_id": 2},
            Sends("GET", "/v1/messages", query="campaign_id=30&trigger_id=2&limit=10"),
            title="The messages of one trigger of a broadcast",
        ),
        Example(
            {"customer_id": "ada+test@example.com", "type": "email", "limit": 100},
            Sends(
                "GET",
                "/v1/customers/ada%2Btest%40example.com/messages",
                query="id_type=email&limit=100",
            ),
            title="The messages of one person; type is a filter of ours",
        ),
    ],
)
