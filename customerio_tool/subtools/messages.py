"""Messages: the history of deliveries, which also shows whether a send took effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    IDENTIFIERS,
    IMPLIED,
    MAX_IDENTIFIER_BYTES,
    NARROWS,
    PAGE_SIZE,
    PERSON_NAMES,
    RARE,
    TRUNCATED,
    AlsoCalled,
    Answer,
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
    Item,
    ObjectId,
    Pace,
    People,
    PersonId,
    Problem,
    ReplyUnreadable,
    Sends,
    Shape,
    Subtool,
    Time,
    check_type,
    fitting_items,
    iso_time,
    object_in,
    objects_in,
    refuse,
    size_of,
    whole_number,
)
from customerio_tool.subtools.parts.brief_message import brief_message
from customerio_tool.subtools.parts.lookup import LookupType, kind_of_person, looked_up_hint
from customerio_tool.subtools.parts.message_looks import MAX_MESSAGES
from customerio_tool.subtools.parts.origins import is_about, is_of_another, origins_note
from customerio_tool.subtools.parts.pages import CURSOR_TOO_LONG, paging_note
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

DEFAULT_MESSAGES = 20

WINDOW_SECONDS = 180 * 86_400
"""A span that is within six months however months are counted; one list covers six months."""

LONGEST_WINDOW_SECONDS = 184 * 86_400
"""The longest six months of a calendar; one list never covers a longer span."""

_PEOPLE = People(
    at=("messages.customer_identifiers",),
    renamed={
        "messages.recipient": IDENTIFIERS,  # the channel decides which of them it is
        "messages.customer_id": ("id",),
    },
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
        Field(description="Only messages that reached this, e.g. bounced."),
        METRIC_WORDS,
        AlsoCalled("status", "event", "state"),
    ] = None
    drafts: Annotated[Flag | None, Field(description="True lists drafts instead.")] = None
    campaign_id: Annotated[
        ObjectId | None,
        Field(description="Only of this campaign (automation)."),
        NARROWS,
        AlsoCalled("campaign", "broadcast_id"),
        FoundBy("list_campaigns", ("campaign_name", "campaign")),
    ] = None
    newsletter_id: Annotated[
        ObjectId | None, Field(description="Only of this newsletter (one-time send)."), NARROWS
    ] = None
    action_id: Annotated[
        ObjectId | None, Field(description="Only of this action in a campaign."), NARROWS
    ] = None
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
        ObjectId | None, Field(description="Only of this content of a newsletter."), NARROWS, RARE
    ] = None
    customer_id: Annotated[
        PersonId | None,
        Field(description="One person: id, email address, or cio_... id."),
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
        Field(description=f"Most to return; default {DEFAULT_MESSAGES}."),
        PAGE_SIZE,
        LIMIT_NAMES,
    ] = None
    cursor: Annotated[
        Identifier | None,
        Field(description="next_cursor of the page before."),
        AlsoCalled("next_cursor", "page_token", "next"),
    ] = None
    include_responses: Annotated[
        Flag | None, Field(description="True adds responses to in-app messages and the like.")
    ] = None

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


def _to_result(answer: Answer[ListMessagesArgs]) -> dict[str, Any]:
    messages = answer.payload["messages"] or []
    if not isinstance(messages, list):
        raise ReplyUnreadable("Customer.io answered with something other than a list of messages.")
    rows = objects_in(messages)
    own = [message for message in rows if not is_of_another(answer.args, message)]
    kept = [message for message in own if _passes_filters(answer.args, message)]
    shown = fitting_items(map(brief_message, kept))
    is_cut = len(shown) < len(kept)
    is_shortened = is_cut or shown != [brief_message(message) for message in kept]
    cursor = None if is_cut else answer.payload.get("next") or None
    is_too_long = cursor is not None and size_of(str(cursor)) > MAX_IDENTIFIER_BYTES
    sentences = [
        f"{len(shown)} message{'' if len(shown) == 1 else 's'}.",
        "" if shown else "Send nothing because of that, unless the user asked for it.",
        _filter_note(answer.args, len(own)),
        origins_note(answer.args.customer_id, answer.args.id_type, shown, len(rows) - len(own)),
        CURSOR_TOO_LONG
        if is_too_long
        else paging_note(len(shown), is_cut=is_cut, has_next=cursor is not None),
        _window_note(answer.args, answer.invocation),
    ]
    return {
        "summary": " ".join(filter(None, sentences)),
        "messages": shown,
        "count": len(shown),
        **({} if cursor is None or is_too_long else {"next_cursor": str(cursor)}),
        **({"truncated": True} if is_shortened else {}),
    }


def _passes_filters(args: ListMessagesArgs, message: Item) -> bool:
    """Return whether a message of one person passes the filters that Customer.io lacks there."""
    if args.customer_id is None:
        return True
    of_type = args.type is None or message.get("type") == args.type
    return of_type and (
        args.metric is None or object_in(message.get("metrics")).get(args.metric) is not None
    )


def _filter_note(args: ListMessagesArgs, count: int) -> str:
    if args.customer_id is None or (args.type is None and args.metric is None):
        return ""
    return f"Of {count} on this page, those that pass the filters are listed."


def _window_note(args: ListMessagesArgs, invocation: Invocation) -> str:
    start, end = args.start_time, args.window_end(invocation)
    if end is not None and args.end_time is None:
        last = iso_time(end)
        return f"The list ends at {last}, six months after its start: go on with start_time={last}."
    if start is None:
        return f"The list covers the six months before {'end_time' if end else 'now'}."
    if end is not None and end - start > WINDOW_SECONDS:
        return "One call spans six months at most: what is older before end_time is left out."
    if end is None and invocation.now - start > WINDOW_SECONDS:
        return "One call spans six months at most: some of the first days may be missing."
    if end is None and invocation.now - start <= _FRESH_SECONDS:
        return "A message of the last minutes may not be listed yet: look again later."
    return ""


_FRESH_SECONDS = 900
"""From how late a start a list is taken for a look after a send."""


def _not_found_hint(args: ListMessagesArgs) -> str:
    return "" if args.customer_id is None else looked_up_hint(args.customer_id, args.id_type)


list_messages = Subtool(
    name="list_messages",
    description=(
        "Lists message-delivery history for the workspace with optional filters. Shows whether "
        "messages were sent, delivered, opened or failed, one by one; for totals of a campaign use "
        "get_campaign_metrics. Give customer_id for one person's; for a broadcast's, give its "
        "number as campaign_id."
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
        to_result=_to_result,
        returns={
            "messages": {
                "type": "array",
                "items": {"type": "object"},
                "description": "Deliveries; metrics holds the time of each event.",
            },
            "count": {"type": "integer", "description": "Messages in this result."},
            "next_cursor": {"type": "string", "description": "Cursor of the next page, if any."},
            "truncated": TRUNCATED,
        },
        expects="messages",
        untrusted=True,
        times=("messages.created", "messages.metrics.*"),
    ),
    not_found_hint=_not_found_hint,
    person_argument="customer_id",
    person_type_argument="id_type",
    people=_PEOPLE,
    about=is_about,
    reference=APP_PAGES + "tag/messages/listMessages/",
    examples=[
        Example({}, Sends("GET", "/v1/messages", query="limit=20")),
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
                    "drafts=true&start_ts=1732359600&end_ts=1747911600&limit=20"
                    "&start=MTc0MDAwMDAwMDozMA%3D%3D&get_tracked_responses=false"
                ),
            ),
            title="A start over six months ago gets an end, so that it is not cut off quietly",
        ),
        Example(
            {"campaign_id": 30, "trigger_id": 2},
            Sends("GET", "/v1/messages", query="campaign_id=30&trigger_id=2&limit=20"),
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
