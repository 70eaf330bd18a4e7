"""Messages: one delivery, why it failed, and what it said."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    IDENTIFIERS,
    OMITTED,
    TRUNCATED,
    AlsoCalled,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Flag,
    Item,
    Pace,
    PathText,
    People,
    SecondRead,
    Sends,
    Shape,
    Subtool,
    cut_note,
    fitted,
    named,
    object_in,
)
from customerio_tool.subtools.parts.brief_message import brief_message
from customerio_tool.subtools.parts.references import APP_PAGES

CONTENTS_A_DAY = 100


class GetMessageArgs(Args):
    """Arguments of get_message."""

    message_id: Annotated[
        PathText,
        Field(description="The delivery_id of a send, or id in list_messages."),
        AlsoCalled("delivery_id", "id", "message"),
    ]
    include_content: Annotated[
        Flag | None,
        Field(description=f"True adds what it said; {CONTENTS_A_DAY} a day."),
        AlsoCalled("include_body", "content", "full", "archived"),
    ] = None


def _to_result(answer: Answer[GetMessageArgs]) -> dict[str, Any]:
    message = brief_message(answer.payload["message"])
    members = fitted("message", message)
    sentences = [_state(object_in(message)), cut_note(members).strip()]
    if not answer.args.include_content:
        return {"summary": " ".join(filter(None, sentences)), **members}
    archived = object_in(object_in(answer.second).get("archived_message"))
    content = {n: v for n, v in archived.items() if n != "id" and v not in _NOTHING}
    sentences.append(_content_note(archived, content, answer))
    whole = fitted("content", content) if content else {}
    both = {**members, **whole, **_omitted(members, whole)}
    return {"summary": " ".join(filter(None, sentences)), **both}


_NOTHING = (None, "", False, "{}", "[]")


def _omitted(*several: Item) -> dict[str, Any]:
    names = [name for each in several for name in each.get("omitted", ())]
    return {"omitted": names} if names else {}


def _state(message: Item) -> str:
    """Say what became of a message, as far as its own metrics tell."""
    metrics = object_in(message.get("metrics"))
    reached = next((name for name in _LAST_FIRST if metrics.get(name) is not None), None)
    known = f"It is marked as {reached}." if reached else "Nothing is recorded of it yet."
    if message.get("failure_message"):
        return f"{known} failure_message says why it failed."
    return known


_LAST_FIRST = (
    *("spammed", "bounced", "dropped", "undeliverable", "failed", "converted", "clicked"),
    *("opened", "delivered", "sent", "attempted", "drafted"),
)
"""The metrics that tell what became of a message, the most telling first."""


def _content_note(archived: Item, content: Item, answer: Answer[GetMessageArgs]) -> str:
    if answer.hidden:
        return "What it said is not shown: it may print what this agent may not see."
    if archived.get("forgotten") is True or not content:
        return "Customer.io does not keep what it said."
    return "`content` has what it said."


def _limit_hint(args: GetMessageArgs, status: int) -> str:
    if not args.include_content or status != HTTPStatus.TOO_MANY_REQUESTS:
        return ""
    return (
        f"If that is refused too, the {CONTENTS_A_DAY} contents of a day are read: call it without "
        "include_content, which is not counted."
    )


get_message = Subtool(
    name="get_message",
    description=(
        "Retrieves one message that was sent: its recipient, what became of it and why it failed; "
        "on request what it said."
    ),
    args=GetMessageArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/messages/{message_id}"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns={
            "message": {"type": "object", "description": "As list_messages shows it."},
            "content": {"type": "object", "description": "Subject, body and the like."},
            "truncated": TRUNCATED,
            "omitted": OMITTED,
        },
        expects="message",
        untrusted=True,
        times=("message.created", "message.metrics.*"),
    ),
    second_read=SecondRead(
        Endpoint(Api.APP, "GET", "/v1/messages/{message_id}/archived_message"),
        when=lambda args: args.include_content is True,
        expects="archived_message",
        about=named("archived_message.id", argument="message_id"),
    ),
    not_found_hint=lambda _: "list_messages shows the ids of messages of the last six months.",
    refused_hint=_limit_hint,
    person_argument=None,
    people=People(
        at=("message.customer_identifiers",),
        renamed={"message.recipient": IDENTIFIERS, "message.customer_id": ("id",)},
        printed=("archived_message",),
        subjects=("message.subject",),
    ),
    about=named("message.id", argument="message_id"),
    reference=APP_PAGES + "tag/messages/getMessage/",
    is_lookup=True,
    examples=[
        Example({"message_id": "dgTXBAQBAZq1="}, Sends("GET", "/v1/messages/dgTXBAQBAZq1%3D")),
        Example(
            {"message_id": "dgTXBAQBAZq1=", "include_content": True},
            Sends("GET", "/v1/messages/dgTXBAQBAZq1%3D"),
            title="What it said is a second read",
        ),
    ],
)
