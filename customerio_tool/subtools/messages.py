"""Messages: the history of deliveries, which also shows whether a send took effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    IDENTIFIERS,
    TRUNCATED,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Flag,
    Identifier,
    Invocation,
    Item,
    Look,
    ObjectId,
    Pace,
    People,
    Problem,
    ReplyUnreadable,
    Sends,
    Shape,
    Subtool,
    Time,
    fitting_items,
    iso_time,
    whole_number,
)
from customerio_tool.subtools.parts.references import APP_PAGES

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_MESSAGES = 1000
DEFAULT_MESSAGES = 20
WINDOW_SECONDS = 180 * 86_400
"""A span that is within six months however months are counted; one list covers six months."""

LONGEST_WINDOW_SECONDS = 184 * 86_400
"""The longest six months of a calendar; one list never covers a longer span."""

Channel: TypeAlias = Literal[
    "email", "push", "twilio", "webhook", "whatsapp", "slack", "in_app", "live_notification"
]
"""Kinds of message; twilio is SMS."""

Metric: TypeAlias = Literal[
    "attempted",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "converted",
    "bounced",
    "spammed",
    "unsubscribed",
    "dropped",
    "failed",
    "undeliverable",
]

_OMITTED_MEMBERS = {"deduplicate_id"}
"""Members without news for a model. The deprecated template ids stay: they may be the only members
that identify a transactional template, which is UNVERIFIED."""

_PEOPLE = People(
    at=("messages.customer_identifiers",),
    renamed={
        "messages.recipient": IDENTIFIERS,  # the channel decides which of them it is
        "messages.customer_id": ("id",),
    },
)


def messages_since(invocation: Invocation, **filters: Any) -> Look:
    """Return the read that shows the messages created since a call began.

    Args:
        invocation: The call.
        filters: Further arguments of list_messages.
    """
    start = iso_time(invocation.search_from)
    return Look("list_messages", {**filters, "start_time": start, "limit": DEFAULT_MESSAGES})


class ListMessagesArgs(Args):
    """Arguments of list_messages."""

    type: Annotated[Channel | None, Field(description="Only this kind; twilio is SMS.")] = None
    metric: Annotated[
        Metric | None, Field(description="Only messages that reached this, e.g. bounced.")
    ] = None
    drafts: Annotated[Flag | None, Field(description="True lists drafts instead.")] = None
    campaign_id: Annotated[ObjectId | None, Field(description="Only of this campaign.")] = None
    newsletter_id: Annotated[ObjectId | None, Field(description="Only of this newsletter.")] = None
    action_id: Annotated[
        ObjectId | None, Field(description="Only of this action in a campaign.")
    ] = None
    transactional_id: Annotated[
        ObjectId | None,
        Field(description="Only of this transactional template; not known to be honoured."),
    ] = None
    start_time: Annotated[
        Time | None, Field(description="Created since: ISO 8601 or Unix time.")
    ] = None
    end_time: Annotated[
        Time | None, Field(description="Created until; at most six months after start_time.")
    ] = None
    limit: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=MAX_MESSAGES), whole_number] | None,
        Field(description=f"Most to return; default {DEFAULT_MESSAGES}."),
    ] = None
    cursor: Annotated[Identifier | None, Field(description="next_cursor of the page before.")] = (
        None
    )
    include_responses: Annotated[
        Flag | None, Field(description="True adds responses to in-app messages and the like.")
    ] = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        start, end = self.start_time, self.end_time
        if start is not None and end is not None and end < start:
            raise Problem("lies before start_time", "give a later time", "end_time")
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


def _query(args: ListMessagesArgs, invocation: Invocation) -> dict[str, Any]:
    return {
        "type": args.type,
        "metric": args.metric,
        "drafts": args.drafts,
        "campaign_id": args.campaign_id,
        "newsletter_id": args.newsletter_id,
        "action_id": args.action_id,
        "transactional_id": args.transactional_id,
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
    brief = [_brief(message) for message in messages]
    shown = fitting_items(brief)
    is_cut = len(shown) < len(messages)
    cursor = None if is_cut else answer.payload.get("next") or None
    sentences = [
        f"{len(shown)} message{'' if len(shown) == 1 else 's'}.",
        _paging_note(len(shown), is_cut=is_cut, has_next=cursor is not None),
        _window_note(answer.args, answer.invocation),
        _transactional_id_note(answer.args),
    ]
    return {
        "summary": " ".join(filter(None, sentences)),
        "messages": shown,
        "count": len(shown),
        **({"next_cursor": str(cursor)} if cursor is not None else {}),
        **({"truncated": True} if shown != brief else {}),
    }


def _brief(value: Any) -> Any:
    """Return an object without nulls, `_OMITTED_MEMBERS` and the copy of the template's id."""
    if not isinstance(value, dict):
        return value
    members: Item = {name: _brief(member) for name, member in value.items()}
    repeated = {"msg_template_id"} if members.get("message_template_id") is not None else set()
    omitted = _OMITTED_MEMBERS | repeated
    return {
        name: member
        for name, member in members.items()
        if member is not None and name not in omitted
    }


def _paging_note(shown: int, *, is_cut: bool, has_next: bool) -> str:
    if is_cut:
        return f"The page was too long and is cut; repeat with limit={shown} to page through."
    return "Go on with cursor=next_cursor." if has_next else ""


def _window_note(args: ListMessagesArgs, invocation: Invocation) -> str:
    start, end = args.start_time, args.window_end(invocation)
    if end is not None and args.end_time is None:
        last = iso_time(end)
        return f"One call spans six months at most, so these end at {last}; go on from there."
    if start is None:
        return "They are of the six months before " + ("end_time." if end else "now.")
    if end is not None and end - start > WINDOW_SECONDS:
        return "One call spans six months at most: what is older before end_time is left out."
    if end is None and invocation.now - start > WINDOW_SECONDS:
        return "One call spans six months at most: some of the first days may be missing."
    return ""


def _transactional_id_note(args: ListMessagesArgs) -> str:
    if args.transactional_id is None:
        return ""
    return (
        "Customer.io is not known to honour transactional_id: others may be among them, which "
        "message_template_id may tell."
    )


list_messages = Subtool(
    name="list_messages",
    description=(
        "Lists message-delivery history for the workspace with optional filters. Shows whether "
        "messages were sent, delivered, opened or failed, one by one; for totals of a campaign use "
        "get_campaign_metrics. There is no filter by person or broadcast: read customer_id and "
        "broadcast_id of each message."
    ),
    args=ListMessagesArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/messages"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns={
            "messages": {
                "type": "array",
                "items": {"type": "object"},
                "description": "Deliveries; metrics holds the Unix time of each event.",
            },
            "count": {"type": "integer", "description": "Messages in this result."},
            "next_cursor": {"type": "string", "description": "Cursor of the next page, if any."},
            "truncated": TRUNCATED,
        },
        expects="messages",
        untrusted=True,
    ),
    person_argument=None,
    people=_PEOPLE,
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
    ],
)
