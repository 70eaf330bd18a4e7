"""Broadcasts: which there are, and what became of a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    IDENTIFIERS,
    NARROWS,
    NO_PEOPLE,
    TRUNCATED,
    UNNAMED,
    AlsoCalled,
    Answer,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    FoundBy,
    Item,
    ObjectId,
    Pace,
    People,
    Problem,
    ReplyUnreadable,
    SecondRead,
    Sends,
    Shape,
    Subtool,
    contains,
    fitting_items,
    is_same,
    listing,
    objects_in,
    values_at,
    whole_in,
)
from customerio_tool.subtools.declare.vendor_json import cut
from customerio_tool.subtools.parts.cursors import Cursor, counted
from customerio_tool.subtools.parts.pages import Full, Limit, NamePart, Offset
from customerio_tool.subtools.parts.references import APP_PAGES

if TYPE_CHECKING:
    from typing_extensions import Self

_LISTED = "list_broadcasts"
_NOT_FOUND_HINT = (
    f"{_LISTED} shows the ids of all broadcasts; without trigger_id this call lists the triggers."
)


class ListBroadcastsArgs(Args):
    """Arguments of list_broadcasts."""

    name_contains: NamePart = None
    limit: Limit = None
    offset: Offset = None
    full: Full = None


list_broadcasts = Subtool(
    name=_LISTED,
    description="Lists the API-triggered broadcasts, to find the broadcast_id of a trigger.",
    args=ListBroadcastsArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/broadcasts"),
    effect=Effect.READ,
    pace=Pace.APP,
    shape=listing(
        "broadcasts",
        brief=("id", "name", "state", "updated"),
        keep=lambda args, item: contains(args.name_contains, item.get("name")),
        times=("created", "updated", "first_started"),
    ),
    person_argument=None,
    people=NO_PEOPLE,
    reference=APP_PAGES + "tag/broadcasts/listBroadcasts/",
    is_lookup=True,
    examples=[
        Example({}, Sends("GET", "/v1/broadcasts")),
        Example(
            {"name_contains": "NEWS", "limit": 5, "offset": 0, "full": True},
            Sends("GET", "/v1/broadcasts"),
            title="Filters and pages are ours: the vendor returns the whole list",
        ),
    ],
)


class GetBroadcastTriggerArgs(Args):
    """Arguments of get_broadcast_trigger."""

    broadcast_id: Annotated[
        ObjectId,
        Field(description="Number of the broadcast."),
        AlsoCalled("broadcast", "campaign_id", "id"),
        FoundBy(_LISTED, ("broadcast_name", "name"), is_lookup=True),
    ]
    trigger_id: Annotated[
        ObjectId | None,
        Field(description="Number of the trigger; none lists all."),
        NARROWS,
        AlsoCalled("trigger", "trigger_number"),
    ] = None
    cursor: Annotated[Cursor, Field(description="next_cursor, for more errors.")] = None

    @model_validator(mode="after")
    def _of_a_trigger(self) -> Self:
        if self.cursor is not None and self.trigger_id is None:
            raise Problem("goes with trigger_id alone", "give both, or leave it out", "cursor")
        return self


def _is_about(args: GetBroadcastTriggerArgs, reply: Item) -> bool:
    """Return whether a reply may be about the broadcast, and about the trigger if one is named."""
    broadcasts = values_at(reply, ["broadcast_id", "triggers.broadcast_id"])
    if broadcasts and not any(is_same(each, args.broadcast_id) for each in broadcasts):
        return False
    return args.trigger_id is None or is_same(reply.get("id", args.trigger_id), args.trigger_id)


def _to_result(answer: Answer[GetBroadcastTriggerArgs]) -> dict[str, Any]:
    if answer.args.trigger_id is None:
        return _listed(answer)
    trigger = {n: answer.payload[n] for n in ("id", *_TIMES) if answer.payload.get(n) is not None}
    state = "was processed" if trigger.get("processed_at") else "is not processed yet"
    errors, note = _errors(answer)
    return {
        "summary": f"Trigger {answer.args.trigger_id} {state}. {note}",
        "trigger": trigger,
        **errors,
    }


def _listed(answer: Answer[GetBroadcastTriggerArgs]) -> dict[str, Any]:
    rows = sorted(
        (
            {n: each[n] for n in ("id", *_TIMES) if each.get(n) is not None}
            for each in objects_in(answer.payload["triggers"])
        ),
        key=lambda each: whole_in(each.get("id")) or 0,
        reverse=True,
    )
    shown = fitting_items(rows[:_MOST])
    found = counted(len(rows), "trigger", "triggers")
    newest = f", the newest {len(shown)} here" if len(shown) < len(rows) else ""
    how = " Give trigger_id to see the errors of one." if rows else ""
    cut_off = {"truncated": True} if len(shown) < len(rows) else {}
    summary = f"{found} of broadcast {answer.args.broadcast_id}{newest}.{how}"
    return {"summary": summary, "triggers": shown, **cut_off}


def _errors(answer: Answer[GetBroadcastTriggerArgs]) -> tuple[dict[str, Any], str]:
    """Return the members on the errors of a trigger, and a sentence on them.

    Raises:
        ReplyUnreadable: The reply holds no list of texts.
    """
    second = answer.second or {}
    lines = second.get("errors") or []
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ReplyUnreadable("Customer.io answered with something other than a list of errors.")
    if answer.hidden & _NAMING:
        return {}, "Its errors are not shown: they name people by what this agent may not see."
    shown = [cut(line, _LINE_CHARS) for line in _fitting(lines)]
    following = second.get("next")
    more = following not in (None, "", 0)
    members: dict[str, Any] = {"errors": shown}
    if len(shown) < len(lines):
        members["truncated"] = True
    elif more:
        members["next_cursor"] = str(following)
    if not lines:
        return members, "It has no errors."
    how = " Go on with cursor=next_cursor." if "next_cursor" in members else ""
    found = f"{'At least ' if more else ''}{counted(len(lines), 'error', 'errors')}"
    return members, f"{found}: one can fail the whole broadcast.{how}"


def _fitting(lines: list[str]) -> list[str]:
    shown: list[str] = []
    left = _MAX_CHARS
    for line in lines:
        left -= min(len(line), _LINE_CHARS) + _MARK_CHARS
        if left < 0:
            break
        shown.append(line)
    return shown


_TIMES = ("created_at", "processed_at")
_MOST = 50
_MAX_CHARS = 12_000
_LINE_CHARS, _MARK_CHARS = 250, 30
_ERRORS = _MAX_CHARS // (_LINE_CHARS + _MARK_CHARS)
"""Errors on a page. So many fit whatever they say: a page that is cut has no way on."""
_NAMING = frozenset(IDENTIFIERS)
"""The attributes by which errors may name people."""

get_broadcast_trigger = Subtool(
    name="get_broadcast_trigger",
    description=(
        "Shows what became of a trigger of a broadcast: whether it was processed, and its errors "
        "line by line. Without trigger_id it lists the triggers."
    ),
    args=GetBroadcastTriggerArgs,
    endpoint=Endpoint(Api.APP, "GET", "/v1/broadcasts/{broadcast_id}/triggers"),
    narrower_endpoint=Endpoint(
        Api.APP, "GET", "/v1/campaigns/{broadcast_id}/triggers/{trigger_id}"
    ),
    narrower_expects="id",
    effect=Effect.READ,
    pace=Pace.APP,
    shape=Shape(
        outcome="done",
        to_result=_to_result,
        returns={
            "triggers": {
                "type": "array",
                "items": {"type": "object"},
                "description": "Number and times of each, newest first.",
            },
            "trigger": {"type": "object", "description": "Its number and times."},
            "errors": {
                "type": "array",
                "items": {"type": "string"},
                "description": "One text for each error.",
            },
            "next_cursor": {"type": "string", "description": "Cursor of more errors, if any."},
            "truncated": TRUNCATED,
        },
        expects="triggers",
        untrusted=True,
        times=("triggers.created_at", "triggers.processed_at", *_TIMES),
    ),
    second_read=SecondRead(
        Endpoint(Api.APP, "GET", "/v1/campaigns/{broadcast_id}/triggers/{trigger_id}/errors"),
        when=lambda args: args.trigger_id is not None,
        expects="errors",
        about=UNNAMED,
        query=lambda args: {"start": args.cursor, "limit": _ERRORS},
    ),
    not_found_hint=lambda _: _NOT_FOUND_HINT,
    person_argument=None,
    people=People(renamed={"errors": IDENTIFIERS}),
    about=_is_about,
    reference="https://docs.customer.io/journeys/api-triggered-errors",
    is_lookup=True,
    examples=[
        Example({"broadcast_id": 30}, Sends("GET", "/v1/broadcasts/30/triggers")),
        Example(
            {"broadcast_id": 30, "trigger_id": 1},
            Sends("GET", "/v1/campaigns/30/triggers/1"),
            title="One trigger; its errors are a second read",
        ),
    ],
)
