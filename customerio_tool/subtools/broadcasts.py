"""Broadcasts: one call that sends a message to many people at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from customerio_tool.subtools.declare import (
    CALL,
    Answer,
    Api,
    Args,
    Effect,
    EmailAddress,
    Endpoint,
    Example,
    FieldProblem,
    Flag,
    Identifier,
    Invocation,
    Item,
    JsonObject,
    Look,
    ObjectId,
    Pace,
    PersonId,
    Reach,
    Sends,
    Shape,
    Subtool,
    Verify,
    at_most,
    distinct,
    iso_time,
    json_array,
    objects_in,
    refuse,
    size_of,
    whole_in,
)
from customerio_tool.subtools.messages import messages_since
from customerio_tool.subtools.parts.audiences import (
    MAX_AUDIENCE,
    Filter,
    PerUserData,
    distinct_people,
)
from customerio_tool.subtools.parts.links import PublicUrl
from customerio_tool.subtools.parts.references import APP_PAGES

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_DATA_BYTES = 50_000
MAX_BODY_BYTES = 25_000_000
"""Bytes of a whole trigger: the vendor's 25 MB, read the narrower way."""

WIRE: Mapping[str, str] = {
    "customer_ids": "ids",
    "emails": "emails",
    "filter": "recipients",
    "per_user_data": "per_user_data",
    "data_file_url": "data_file_url",
}
"""The arguments that name an audience, and their names on the wire."""

CARRIER: Mapping[str, str | None] = {
    "default": None,
    "customer_ids": "customer_ids",
    "emails": "emails",
    "filter": "filter",
    "per_user_data": "per_user_data",
    "file": "data_file_url",
}
"""The argument that each audience needs."""

BY_ID = ("customer_ids", "per_user_data", "file")
BY_EMAIL = ("emails", "per_user_data", "file")


class TriggerBroadcastArgs(Args):
    """Arguments of trigger_broadcast.

    Exactly the argument that `audience` needs is given and no other, so that a broadcast never
    reaches people by an argument that was forgotten. `audience="file"` has Customer.io fetch an
    address on the web, so that it can reach any people: the policy closes it unless the operator
    opens it. The address is checked by its form; nothing here resolves or fetches it.
    """

    broadcast_id: Annotated[ObjectId, Field(description="Number of an API-triggered broadcast.")]
    audience: Annotated[
        Literal["default", "customer_ids", "emails", "filter", "per_user_data", "file"],
        Field(
            description=(
                "Who gets it: default is the audience set in Customer.io; each other choice needs "
                "the argument of that name (file: data_file_url)."
            )
        ),
    ]
    customer_ids: Annotated[
        Annotated[
            list[PersonId],
            json_array,
            Field(strict=True, min_length=1, max_length=MAX_AUDIENCE),
        ]
        | None,
        Field(description="With audience=customer_ids: 1 to 10,000 ids."),
    ] = None
    emails: Annotated[
        Annotated[
            list[EmailAddress],
            json_array,
            Field(strict=True, min_length=1, max_length=MAX_AUDIENCE),
        ]
        | None,
        Field(description="With audience=emails: 1 to 10,000 addresses."),
    ] = None
    filter: Annotated[
        Filter | None,
        Field(
            description=(
                'With audience=filter: {"and": [{"segment": {"id": 7}}, {"not": {"attribute": '
                '{"field": "plan", "operator": "eq", "value": "free"}}}]}; also or, exists.'
            )
        ),
    ] = None
    per_user_data: Annotated[
        PerUserData | None,
        Field(description="With audience=per_user_data: [{id or email, data?}]."),
    ] = None
    data_file_url: Annotated[
        PublicUrl | None,
        Field(description="With audience=file: https address of JSON Lines."),
    ] = None
    data: Annotated[
        Annotated[JsonObject, AfterValidator(at_most(MAX_DATA_BYTES, "data"))] | None,
        Field(description="Read in the message as trigger.<name>; at most 50,000 bytes."),
    ] = None
    ignore_missing: Annotated[
        Flag | None,
        Field(description="True skips unknown people; else one fails the whole broadcast."),
    ] = None
    add_duplicates: Annotated[
        Flag | None,
        Field(description="True includes everybody who shares an email address."),
    ] = None
    idempotency_key: Annotated[
        Identifier | None,
        Field(description="Same key is the same broadcast; a new one sends again."),
    ] = None

    @model_validator(mode="after")
    def _one_audience(self) -> Self:
        needed = CARRIER[self.audience]
        problems = [
            FieldProblem(name, f"does not go with audience={self.audience}", "leave it out")
            for name in WIRE
            if name != needed and getattr(self, name) is not None
        ]
        if needed and getattr(self, needed) is None:
            fix = f"audience={self.audience} needs it"
            problems.append(FieldProblem(needed, "is missing", fix))
        problems += self._misplaced_flags()
        if problems:
            refuse(problems)
        return self

    def _misplaced_flags(self) -> list[FieldProblem]:
        fitting = {
            "ignore_missing": {*BY_ID, *BY_EMAIL},
            "add_duplicates": {*BY_EMAIL},
        }
        return [
            FieldProblem(flag, f"does not go with audience={self.audience}", "leave it out")
            for flag, audiences in fitting.items()
            if getattr(self, flag) and self.audience not in audiences
        ]

    @property
    def people(self) -> Sequence[Any] | None:
        """The people given as they are sent, each once; addresses are compared without case."""
        if self.customer_ids is not None:
            return distinct(self.customer_ids, "id")
        if self.emails is not None:
            return distinct(self.emails, "email")
        return None if self.per_user_data is None else distinct_people(self.per_user_data)


def _body(args: TriggerBroadcastArgs, _: Invocation) -> dict[str, Any]:
    carrier = CARRIER[args.audience]
    audience = {} if carrier is None else {WIRE[carrier]: args.people or getattr(args, carrier)}
    body = {**audience, **_flags(args), **({"data": args.data} if args.data else {})}
    if (size := size_of(body)) > MAX_BODY_BYTES:
        limit = f"a trigger may have at most {MAX_BODY_BYTES:,} bytes"
        refuse([FieldProblem(carrier or "data", f"makes a call of {size:,} bytes", limit)])
    return body


def _flags(args: TriggerBroadcastArgs) -> dict[str, bool]:
    """Return the flags of this audience: Customer.io rejects those of another (the Go SDK says)."""
    flags = {
        "id_ignore_missing": (args.ignore_missing, BY_ID),
        "email_ignore_missing": (args.ignore_missing, BY_EMAIL),
        "email_add_duplicates": (args.add_duplicates, BY_EMAIL),
    }
    return {
        name: value
        for name, (value, audiences) in flags.items()
        if value is not None and args.audience in audiences
    }


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
    body=_body,
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
