"""Transactional templates: which there are, what one says, and the data that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from customerio_tool.subtools.declare import (
    NO_PEOPLE,
    TRUNCATED,
    AlsoCalled,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Flag,
    FoundBy,
    Item,
    JsonSchema,
    ObjectId,
    Pace,
    SecondRead,
    Sends,
    Shape,
    Subtool,
    contains,
    fitting_items,
    listing,
    named,
    object_in,
    objects_in,
)
from customerio_tool.subtools.declare.privacy import hides_within
from customerio_tool.subtools.parts.cursors import counted
from customerio_tool.subtools.parts.liquid_reads import ENTRY, Reads, reads_of, without_tags
from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset
from customerio_tool.subtools.parts.references import APP_PAGES

_LISTED = "list_transactional_messages"
_TIMES = ("created_at", "updated_at")


class ListTransactionalMessagesArgs(Args):
    """Arguments of list_transactional_messages."""

    name_contains: NamePart = None
    limit: Limit = None
    offset: Offset = None
    full: Full = None


list_transactional_messages = Subtool(
    name=_LISTED,
    description=(
        "Lists the templates of transactional messages, to find the transactional_message_id of "
        "a send. get_transactional_message tells the channel."
    ),
    args=ListTransactionalMessagesArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/transactional"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=listing(
        "messages",
        brief=("id", "name", "description"),
        keep=lambda args, item: contains(args.name_contains, item.get("name")),
        times=_TIMES,
    ),
    person_argument=None,
    people=NO_PEOPLE,
    reference=APP_PAGES + "tag/transactional/listTransactional/",
    is_lookup=True,
    examples=[
        Example({}, Sends("GET", "/v1/transactional")),
        Example(
            {"name_contains": "RECEIPT", "limit": 5, "offset": 0, "full": True},
            Sends("GET", "/v1/transactional"),
            title="Filters and pages are ours: the vendor returns the whole list",
        ),
    ],
)


class GetTransactionalMessageArgs(Args):
    """Arguments of get_transactional_message."""

    transactional_id: Annotated[
        ObjectId,
        Field(description="Number of the template."),
        AlsoCalled("transactional_message_id", "template_id", "message_id", "id"),
        FoundBy(_LISTED, ("name", "template", "template_name"), is_lookup=True),
    ]
    include_body: Annotated[
        Flag | None,
        Field(description="True adds the bodies."),
        AlsoCalled("full", "include_content", "body"),
    ] = None


_BRIEF = ("id", "name", "description", "send_to_unsubscribed", "queue_drafts", *_TIMES)
_SHOWN = ("type", "language", "subject", "preheader_text", "from", "reply_to", "recipient", "bcc")
_BODIES = ("body", "body_amp")


def _to_result(answer: Answer[GetTransactionalMessageArgs]) -> dict[str, Any]:
    template = object_in(answer.payload["message"])
    contents = objects_in(object_in(answer.second).get("contents"))
    reads = reads_of(_texts_in(contents))
    shown = _SHOWN + (_BODIES if answer.args.include_body else ())
    is_hidden = partial(hides_within, hidden=answer.hidden)
    brief = [
        {
            name: without_tags(text, is_hidden) if answer.hidden and isinstance(text, str) else text
            for name in shown
            if (text := each.get(name)) not in (None, "", 0)
        }
        for each in contents
    ]
    fitting = fitting_items(brief)
    members = _variables(reads, answer.hidden)
    is_cut = {"truncated": True} if fitting != brief else {}
    return {
        "summary": _sentence(answer.args, len(contents), members, reads) + _cut(is_cut),
        "message": {name: template[name] for name in _BRIEF if template.get(name) is not None},
        "contents": fitting,
        **members,
        **is_cut,
    }


def _cut(is_cut: Item) -> str:
    return " The contents were too long and are cut." if is_cut else ""


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inside = value.values() if isinstance(value, dict) else value
    for each in inside if isinstance(value, (dict, list)) else ():
        yield from _texts_in(each)


def _variables(reads: Reads, hidden: frozenset[str]) -> dict[str, Any]:
    """Return the names that the template reads, by where they come from."""
    needed, optional = reads.under("trigger")
    attributes = [name for names in reads.under("customer") for name in names]
    kept = [name for name in attributes if not hides_within(_names_in(name), hidden)]
    others = sorted(reads.roots() - {"trigger", "customer"})
    found = {
        "message_data": needed,
        "message_data_optional": optional,
        "customer_attributes": sorted(kept),
        "other_names": others,
        "unsure": sorted(reads.doubts),
    }
    return {name: names for name, names in found.items() if names or name == "message_data"}


def _names_in(path: str) -> list[str]:
    """Return the names in a path with dots; that it goes through a list hides none of them."""
    return path.replace(ENTRY, "").split(".")


def _sentence(args: GetTransactionalMessageArgs, count: int, members: Item, reads: Reads) -> str:
    """Say what a send needs, without the names: they are Customer.io's text."""
    needed = len(members["message_data"])
    needs = f"needs {counted(needed, 'name', 'names')}, listed there" if needed else "may be empty"
    doubt = " But it may read more: see unsure." if reads.doubts else ""
    versions = counted(count, "version", "versions")
    return f"Template {args.transactional_id} has {versions}; message_data {needs}.{doubt}"


_NAMES: JsonSchema = {"type": "array", "items": {"type": "string"}}

get_transactional_message = Subtool(
    name="get_transactional_message",
    description=(
        "Retrieves a transactional template: its contents per language, and which names its Liquid "
        "reads, so what message_data of a send must hold."
    ),
    args=GetTransactionalMessageArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/transactional/{transactional_id}"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns={
            "message": {"type": "object", "description": "Id, name and settings."},
            "contents": {
                "type": "array",
                "items": {"type": "object"},
                "description": "One for each language and channel.",
            },
            "message_data": {**_NAMES, "description": "What message_data must hold; [] is a list."},
            "message_data_optional": {
                **_NAMES,
                "description": "What it may hold: there is a default, or it is only tested.",
            },
            "customer_attributes": {
                **_NAMES,
                "description": "Attributes of the person that it reads.",
            },
            "other_names": {**_NAMES, "description": "Other objects that it reads."},
            "unsure": {**_NAMES, "description": "Why it may read more than is listed."},
            "truncated": TRUNCATED,
        },
        expects="message",
        untrusted=True,
        times=[f"message.{name}" for name in _TIMES],
    ),
    second_read=SecondRead(
        Endpoint(Api.APP, "GET", "/v1/transactional/{transactional_id}/contents"),
        when=lambda _: True,
        expects="contents",
        about=named("contents.transactional_id", argument="transactional_id"),
    ),
    not_found_hint=lambda _: f"{_LISTED} shows the ids of all templates.",
    person_argument=None,
    people=NO_PEOPLE,
    about=named("message.id", argument="transactional_id"),
    reference=APP_PAGES + "tag/transactional/transactionalMessages/",
    is_lookup=True,
    examples=[
        Example({"transactional_id": 1}, Sends("GET", "/v1/transactional/1")),
        Example(
            {"transactional_id": 2, "include_body": True},
            Sends("GET", "/v1/transactional/2"),
            title="With the bodies; the contents are a second read",
        ),
    ],
)
