"""Broadcasts: one call that sends a message to many people at once."""

from __future__ import annotations

from typing import Any

from customerio_tool.subtools.declare import (
    CALL,
    Answer,
    Api,
    Effect,
    Endpoint,
    Example,
    Invocation,
    Item,
    Look,
    Pace,
    Reach,
    Sends,
    Shape,
    Subtool,
    Verify,
    iso_time,
    objects_in,
    whole_in,
)
from customerio_tool.subtools.messages import messages_since
from customerio_tool.subtools.parts.broadcast import (
    BY_EMAIL,
    BY_ID,
    CARRIER,
    TriggerBroadcastArgs,
    broadcast_body,
)
from customerio_tool.subtools.parts.references import APP_PAGES


def _look(_: TriggerBroadcastArgs, invocation: Invocation) -> Look:
    return messages_since(invocation)


def _tell(answer: Answer[TriggerBroadcastArgs]) -> dict[str, Any]:
    trigger = whole_in(answer.payload.get("id"))
    named = "" if trigger is None else f" as trigger {trigger}"
    return {
        "summary": (
            f"Customer.io accepted broadcast {answer.args.broadcast_id}{named}, to "
            f"{_reach(answer.args)}. It may still fail as a whole if it does not accept the "
            "audience; messages appear as they are made."
        ),
        "trigger_id": trigger,
        "verify": _look(answer.args, answer.invocation).as_json(),
    }


def _reach(args: TriggerBroadcastArgs) -> str:
    if args.people is None:
        return f"its {args.audience} audience"
    given = args.customer_ids or args.emails or args.per_user_data or []
    repeats = len(given) - len(args.people)
    left_out = f" ({repeats:,} repeated left out)" if repeats else ""
    return _given(len(args.people)) + left_out


def _recipients(args: TriggerBroadcastArgs) -> Reach:
    """Tell the addresses that the audience names; whoever else it stands for is not known."""
    if args.emails is not None:
        return Reach(tuple((f"emails[{i}]", email) for i, email in enumerate(args.emails)))
    if args.per_user_data is None:
        return Reach(unknown=(CARRIER[args.audience] or "audience",))
    people = list(enumerate(args.per_user_data))
    return Reach(
        tuple((f"per_user_data[{i}].email", one["email"]) for i, one in people if "email" in one),
        tuple(f"per_user_data[{i}].id" for i, one in people if "email" not in one),
    )


def _given(count: int) -> str:
    return "the one person given" if count == 1 else f"the {count:,} people given"


def _find(args: TriggerBroadcastArgs) -> str:
    found = (
        "Broadcast ids are in Customer.io under Broadcasts, or in the broadcast's URL; only "
        "API-triggered broadcasts can be triggered."
    )
    if args.ignore_missing or args.audience not in {*BY_ID, *BY_EMAIL}:
        return found
    return f"{found} One unknown person fails the whole broadcast unless ignore_missing is true."


_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, after which a time cannot be written."""


def _possible_trigger(_: TriggerBroadcastArgs, invocation: Invocation, seen: Item) -> Item | None:
    """Find the newest trigger since the call began; it may be somebody else's."""
    triggers = objects_in(seen.get("triggers"))
    started = {whole_in(t.get("created_at")) or 0: whole_in(t.get("id")) for t in triggers}
    newest = max(started, default=0)
    if not invocation.search_from <= newest <= _LAST_SECOND:
        return None
    told = f"Trigger {started[newest]} started at {iso_time(newest)}, possibly by this call."
    return {"possibly": told}


trigger_broadcast = Subtool(
    name="trigger_broadcast",
    description=(
        "Triggers an API-triggered broadcast campaign. Only API-triggered broadcasts can be "
        "triggered. Every call sends again, to many real people, and cannot be called back; at "
        "most one call in 10 seconds. To write to one person use send_transactional_email."
    ),
    args=TriggerBroadcastArgs,
    endpoint=Endpoint(Api.APP, "POST", "/v1/campaigns/{broadcast_id}/triggers"),
    effect=Effect.SEND,
    pace=Pace.BROADCAST,
    body=broadcast_body,
    shape=Shape(
        outcome="accepted",
        to_result=_tell,
        returns={
            "trigger_id": {
                "type": ["integer", "null"],
                "description": "Number of the trigger; null where the reply could not be read.",
            },
            "verify": CALL,
            "possibly": {
                "type": "string",
                "description": "On an unknown outcome: a trigger that may be of this call.",
            },
        },
    ),
    verify=Verify(
        Endpoint(Api.APP, "GET", "/v1/broadcasts/{broadcast_id}/triggers"), _possible_trigger
    ),
    look=_look,
    not_found_hint=_find,
    reach=_recipients,
    person_argument=None,
    file_arguments=("data_file_url",),
    key_argument="idempotency_key",
    reference=APP_PAGES + "tag/send-messages/triggerBroadcast/",
    examples=[
        Example(
            {"broadcast_id": 30, "audience": "default", "data": {"headline": "Zürich"}},
            Sends("POST", "/v1/campaigns/30/triggers", body={"data": {"headline": "Zürich"}}),
            title="The audience that is set in Customer.io",
        ),
        Example(
            {
                "broadcast_id": 30,
                "audience": "emails",
                "emails": ["ada+test@example.com", "zoë@example.com", "ADA+test@example.com"],
                "ignore_missing": True,
                "add_duplicates": False,
            },
            Sends(
                "POST",
                "/v1/campaigns/30/triggers",
                body={
                    "emails": ["ada+test@example.com", "zoë@example.com"],
                    "email_ignore_missing": True,
                    "email_add_duplicates": False,
                },
            ),
            title="A repeated address is sent once",
        ),
        Example(
            {
                "broadcast_id": 30,
                "audience": "filter",
                "filter": {
                    "and": [
                        {"segment": {"id": 3}},
                        {"not": {"attribute": {"field": "vip", "operator": "eq", "value": True}}},
                    ]
                },
                "idempotency_key": "spring-sale",
            },
            Sends(
                "POST",
                "/v1/campaigns/30/triggers",
                body={
                    "recipients": {
                        "and": [
                            {"segment": {"id": 3}},
                            {
                                "not": {
                                    "attribute": {"field": "vip", "operator": "eq", "value": "true"}
                                }
                            },
                        ]
                    }
                },
            ),
            title="A filter, its value sent as text; the idempotency key stays here",
        ),
        Example(
            {
                "broadcast_id": 30,
                "audience": "per_user_data",
                "per_user_data": [
                    {"id": "u1", "data": {"voucher": "A-1"}},
                    {"email": "zoë@example.com"},
                ],
                "ignore_missing": True,
            },
            Sends(
                "POST",
                "/v1/campaigns/30/triggers",
                body={
                    "per_user_data": [
                        {"id": "u1", "data": {"voucher": "A-1"}},
                        {"email": "zoë@example.com"},
                    ],
                    "id_ignore_missing": True,
                    "email_ignore_missing": True,
                },
            ),
        ),
    ],
)
