"""The result of list_messages: a page of deliveries, each in brief or with all its fields."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import tee
from typing import TYPE_CHECKING, Any

from customerio_tool.subtools.declare import (
    MAX_IDENTIFIER_BYTES,
    TRUNCATED,
    Answer,
    Invocation,
    Item,
    JsonSchema,
    ReplyUnreadable,
    fitting_items,
    iso_time,
    object_in,
    objects_in,
    size_of,
    with_iso_times,
)
from customerio_tool.subtools.parts.brief_message import brief_message, furthest
from customerio_tool.subtools.parts.origins import (
    ORIGINS,
    asks_for_origin,
    is_of_another,
    origins_note,
)
from customerio_tool.subtools.parts.pages import CURSOR_TOO_LONG, paging_note

if TYPE_CHECKING:
    from customerio_tool.subtools.messages import ListMessagesArgs

WINDOW_SECONDS = 180 * 86_400
"""A span that is within six months however months are counted; one list covers six months."""

LONGEST_WINDOW_SECONDS = 184 * 86_400
"""The longest six months of a calendar; one list never covers a longer span."""

_TEMPLATES = ("message_template_id", "msg_template_id")
_BRIEF = (
    *("id", "type", "customer_id", "recipient", "subject", "created", *ORIGINS, *_TEMPLATES),
    *("failure_message", "forgotten", "tracked_responses"),
)
"""The fields of a message in brief; the template tells only those apart that have no origin."""

_READ = (*_BRIEF, "metrics")
_TIMES = ("created", "metrics.*")
"""The Unix times of a message."""

MESSAGES_RETURNS: Mapping[str, JsonSchema] = {
    "messages": {
        "type": "array",
        "items": {"type": "object"},
        "description": (
            "Deliveries; reached is the furthest metric of each. With full, all its fields: "
            "metrics holds the time of each event."
        ),
    },
    "count": {"type": "integer", "description": "Messages in this result."},
    "total": {"type": "integer", "description": "Messages in all, where one page has them."},
    "next_cursor": {"type": "string", "description": "Cursor of the next page, if any."},
    "truncated": TRUNCATED,
}


def messages_to_result(answer: Answer[ListMessagesArgs]) -> dict[str, Any]:
    """Return the page of messages, and how to go on.

    Raises:
        ReplyUnreadable: The reply holds no list.
    """
    messages = answer.payload["messages"] or []
    if not isinstance(messages, list):
        raise ReplyUnreadable("Customer.io answered with something other than a list of messages.")
    rows = objects_in(messages)
    own = rows
    if asks_for_origin(answer.args):
        own = [message for message in rows if not is_of_another(answer.args, message)]
    kept = [message for message in own if _passes_filters(answer.args, message)]
    made, again = tee(_shown(answer.args, message) for message in kept)
    shown = fitting_items(made)
    is_cut = len(shown) < len(kept)
    is_shortened = is_cut or shown != list(again)
    cursor = None if is_cut else answer.payload.get("next") or None
    is_whole = not (answer.args.cursor or answer.payload.get("next"))
    is_too_long = cursor is not None and size_of(str(cursor)) > MAX_IDENTIFIER_BYTES
    sentences = [
        f"{len(shown)} message{'' if len(shown) == 1 else 's'}.",
        "" if shown else "Send nothing because of that, unless the user asked for it.",
        _filter_note(answer.args, len(own)),
        origins_note(
            answer.args.customer_id, answer.args.id_type, kept[: len(shown)], len(rows) - len(own)
        ),
        CURSOR_TOO_LONG
        if is_too_long
        else paging_note(len(shown), is_cut=is_cut, has_next=cursor is not None),
        _window_note(answer.args, answer.invocation),
    ]
    return {
        "summary": " ".join(filter(None, sentences)),
        "messages": shown,
        "count": len(shown),
        **({"total": len(kept)} if is_whole else {}),
        **({} if cursor is None or is_too_long else {"next_cursor": str(cursor)}),
        **({"truncated": True} if is_shortened else {}),
    }


def _shown(args: ListMessagesArgs, message: Item) -> Item:
    """Return what a list has of a message: all its news, or in brief how far it came."""
    if args.full:
        return dict(with_iso_times(brief_message(message), _TIMES))
    whole = brief_message({name: message[name] for name in _READ if name in message})
    reached = furthest(object_in(whole.get("metrics")))
    brief = {name: whole[name] for name in _BRIEF if name in whole}
    if any(name in brief for name in ORIGINS):
        brief = {name: value for name, value in brief.items() if name not in _TEMPLATES}
    dated = with_iso_times(brief, _TIMES)
    return {**dated, **({"reached": reached} if reached else {})}


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
