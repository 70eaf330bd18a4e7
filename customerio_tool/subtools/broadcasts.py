"""Broadcasts: one call that sends a message to many people at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from customerio_tool.subtools.declare import (
    CALL,
    MAX_TIME,
    NO_PEOPLE,
    Addressee,
    Addressees,
    Answer,
    Api,
    Effect,
    Endpoint,
    Example,
    FoundThrough,
    Invocation,
    Item,
    Look,
    Pace,
    Reach,
    Sends,
    Shape,
    Subtool,
    Verify,
    canonical,
    is_same,
    iso_time,
    named,
    objects_in,
    or_null,
    shape_of,
    whole_in,
)
from customerio_tool.subtools.parts.audiences import key_of_person
from customerio_tool.subtools.parts.broadcast import (
    AUDIENCE_ARGUMENT,
    BY_EMAIL,
    BY_ID,
    TriggerBroadcastArgs,
    broadcast_body,
    with_audience,
)
from customerio_tool.subtools.parts.mail import canonical_addresses
from customerio_tool.subtools.parts.message_looks import messages_since
from customerio_tool.subtools.parts.plans import to_trigger
from customerio_tool.subtools.parts.references import APP_PAGES


def _identity(args: TriggerBroadcastArgs, invocation: Invocation) -> dict[str, Any]:
    """Return a trigger's request with its people in one order and without defaults."""
    body = {
        name: value
        for name, value in broadcast_body(args, invocation).items()
        if value is not False
    }
    if args.emails is not None:
        body["emails"] = canonical_addresses(", ".join(args.emails))
    if "ids" in body:
        body["ids"] = sorted(body["ids"])
    if args.per_user_data is not None:  # each once, so that they stand in the order of their keys
        people = [(key_of_person(each), each.get("data")) for each in body["per_user_data"]]
        body["per_user_data"] = sorted(people, key=lambda person: person[0])
    return {"broadcast_id": args.broadcast_id, "audience": args.audience, **body}


def _look_at_messages(args: TriggerBroadcastArgs, invocation: Invocation) -> Look:
    return messages_since(invocation, campaign_id=args.broadcast_id)


def _to_result(answer: Answer[TriggerBroadcastArgs]) -> dict[str, Any]:
    trigger = whole_in(answer.payload.get("id"))
    as_trigger = "" if trigger is None else f" as trigger {trigger}"
    return {
        "summary": (
            f"Customer.io accepted broadcast {answer.args.broadcast_id}{as_trigger}, to "
            f"{_describe_audience(answer.args)}. It may still fail as a whole: `verify` "
            "lists its messages as they are made."
        ),
        "trigger_id": trigger,
        "verify": messages_since(
            answer.invocation, campaign_id=answer.args.broadcast_id, trigger_id=trigger
        ).as_json(),
    }


def _describe_audience(args: TriggerBroadcastArgs) -> str:
    if args.people is None:
        return f"its {args.audience} audience"
    given = args.customer_ids or args.emails or args.per_user_data or []
    count = len(args.people)
    people = "the one person given" if count == 1 else f"the {count:,} people given"
    repeats = len(given) - count
    return f"{people} ({repeats:,} repeated left out)" if repeats else people


def _reach(args: TriggerBroadcastArgs) -> Reach:
    """Return the addresses in the audience, and the arguments whose addresses are not known."""
    if args.emails is not None:
        return Reach(tuple((f"emails[{i}]", email) for i, email in enumerate(args.emails)))
    if args.per_user_data is None:
        return Reach(unknown=(AUDIENCE_ARGUMENT[args.audience] or "audience",))
    people = list(enumerate(args.per_user_data))
    return Reach(
        tuple((f"per_user_data[{i}].email", one["email"]) for i, one in people if "email" in one),
        tuple(f"per_user_data[{i}].id" for i, one in people if "email" not in one),
    )


MAX_TARGETS = 100
"""The most people of a list whom a trigger puts in doubt: each is an entry of the ledger."""


def _addressees(args: TriggerBroadcastArgs, _: Invocation) -> Addressees:
    """Return the people of a short list, and the broadcast itself for any other audience.

    A trigger to a list meets a doubt about a trigger to everybody, and the other way round.
    """
    to_all, to_list = (("broadcast", f"{args.broadcast_id}{kind}") for kind in ("", " to a list"))
    people = tuple(_listed_people(args)) if args.people else ()
    if 0 < len(people) <= MAX_TARGETS:
        return Addressees(marked=(*people, to_list), met=(*people, to_all))
    return Addressees(marked=(to_all,), met=(to_all, to_list))


def _listed_people(args: TriggerBroadcastArgs) -> Iterator[Addressee]:
    for one in args.people or ():
        if isinstance(one, str):
            kind = "email" if args.emails is not None else shape_of(one)
            yield canonical(one, kind)
        else:
            kind = "email" if "email" in one else "id"
            yield canonical(one[kind], kind)


_WHERE = (
    "Ask the user for the number of an API-triggered broadcast, which its URL in Customer.io has; "
    "no other can be triggered."
)


def _not_found_hint(args: TriggerBroadcastArgs, where: str = _WHERE) -> str:
    if args.ignore_missing or args.audience not in {*BY_ID, *BY_EMAIL}:
        return where
    return f"{where} One unknown person fails the whole broadcast unless ignore_missing is true."


_MOST_TRIGGERS = 5


def _possible_triggers(
    args: TriggerBroadcastArgs, invocation: Invocation, payload: Item
) -> Item | None:
    """Return the triggers since the call began; another call may have started any of them."""
    started = {
        (created, whole_in(trigger.get("id")))
        for trigger in objects_in(payload["triggers"])
        if is_same(trigger.get("broadcast_id", args.broadcast_id), args.broadcast_id)
        and invocation.search_from <= (created := whole_in(trigger.get("created_at")) or 0)
        and created <= MAX_TIME
    }
    if not started:
        return None
    newest = sorted(started, key=lambda one: one[0], reverse=True)[:_MOST_TRIGGERS]
    told = ", ".join(f"trigger {number} started at {iso_time(at)}" for at, number in newest)
    which = "possibly" if len(started) == 1 else "one of them possibly"
    return {"possibly": f"T{told[1:]}, {which} by this call."}


trigger_broadcast = Subtool(
    name="trigger_broadcast",
    description=(
        "Triggers an API-triggered broadcast campaign. Only API-triggered broadcasts can be "
        "triggered. Use to send an announcement to many people. Every call sends again, to real "
        "people, and cannot be called back; at most one in 10 seconds. To one person: "
        "send_transactional_email."
    ),
    args=TriggerBroadcastArgs,
    mend=with_audience,
    endpoint=Endpoint(Api.APP, "POST", "/v1/campaigns/{broadcast_id}/triggers"),
    effect=Effect.SEND,
    pace=Pace.BROADCAST,
    body=broadcast_body,
    plan=to_trigger,
    shape=Shape(
        outcome="accepted",
        to_result=_to_result,
        returns={
            "trigger_id": or_null(
                "integer", "Number of the trigger; null where the reply could not be read."
            ),
            "verify": CALL,
        },
    ),
    verify=Verify(
        Endpoint(Api.APP, "GET", "/v1/broadcasts/{broadcast_id}/triggers"),
        _possible_triggers,
        expects="triggers",
        about=named("triggers.broadcast_id", argument="broadcast_id"),
    ),
    look=_look_at_messages,
    not_found_hint=_not_found_hint,
    found_through=FoundThrough(
        "list_broadcasts",
        lambda args: _not_found_hint(args, "list_broadcasts shows the ids of all broadcasts."),
    ),
    identity=_identity,
    reach=_reach,
    addressees=_addressees,
    person_argument=None,
    people=NO_PEOPLE,
    file_arguments=("data_file_url",),
    key_argument="idempotency_key",
    ledger_keeps=("trigger_id",),
    basic=("customer_ids", "emails", "filter", "per_user_data", "data"),
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
