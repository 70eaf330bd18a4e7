"""Messages: those of one broadcast."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    IDENTIFIERS,
    TRUNCATED,
    UNNAMED,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Identifier,
    Invocation,
    ObjectId,
    Pace,
    People,
    Sends,
    Shape,
    Subtool,
    fitting_items,
    objects_in,
)
from customerio_tool.subtools.parts.pages import Limit


class ListBroadcastMessagesArgs(Args):
    """Arguments of list_broadcast_messages."""

    broadcast_id: Annotated[ObjectId, Field(description="Number of the broadcast.")]
    page_size: Limit = None
    page_mark: Annotated[
        Identifier | None, Field(description="The next_mark of the page before.")
    ] = None


def _query(args: ListBroadcastMessagesArgs, _: Invocation) -> dict[str, Any]:
    return {"limit": args.page_size, "start": args.page_mark}


def _tell(answer: Answer[ListBroadcastMessagesArgs]) -> dict[str, Any]:
    sent = objects_in(answer.payload["messages"])
    shown = fitting_items(sent)
    following = answer.payload.get("next") or None
    return {
        "summary": f"{len(shown)} messages of broadcast {answer.args.broadcast_id}.",
        "messages": shown,
        **({"next_mark": str(following)} if following is not None else {}),
        **({"truncated": True} if shown != sent else {}),
    }


list_broadcast_messages = Subtool(
    name="list_broadcast_messages",
    description="Lists the messages of a broadcast, each with its recipient.",
    args=ListBroadcastMessagesArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/broadcasts/{broadcast_id}/messages"),
    effect=Effect.READ,
    pace=Pace.APP,
    query=_query,
    shape=Shape(
        outcome="done",
        to_result=_tell,
        returns={
            "messages": {
                "type": "array",
                "items": {"type": "object"},
                "description": "The messages as Customer.io has them.",
            },
            "next_mark": {"type": "string", "description": "Mark of the next page, if any."},
            "truncated": TRUNCATED,
        },
        expects="messages",
        untrusted=True,
        times=("messages.created", "messages.metrics.*"),
    ),
    person_argument=None,
    people=People(
        at=("messages.customer_identifiers",),
        renamed={"messages.recipient": IDENTIFIERS, "messages.customer_id": ("id",)},
    ),
    about=UNNAMED,
    reference="https://docs.customer.io/integrations/api/app/",
    examples=[
        Example({"broadcast_id": 30}, Sends("GET", "/v1/broadcasts/30/messages")),
        Example(
            {"broadcast_id": 30, "page_size": 2},
            Sends("GET", "/v1/broadcasts/30/messages", query="limit=2"),
            title="The first two",
        ),
    ],
)
