"""The arguments and the body of trigger_broadcast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from customerio_tool.subtools.declare import (
    NARROWS,
    PEOPLE_NAMES,
    AlsoCalled,
    Args,
    EmailAddress,
    FieldProblem,
    Flag,
    FoundBy,
    Identifier,
    Invocation,
    JsonObject,
    ObjectId,
    Problem,
    Short,
    WellShapedId,
    at_most,
    distinct,
    json_array,
    refuse,
    size_of,
)
from customerio_tool.subtools.parts.audiences import (
    MAX_AUDIENCE,
    Filter,
    PerUserData,
    distinct_people,
)
from customerio_tool.subtools.parts.links import PublicUrl

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_DATA_BYTES = 50_000
MAX_BODY_BYTES = 25_000_000
"""Bytes of the whole body: Customer.io's 25 MB, taken as powers of 1000."""

_BODY_MEMBER: Mapping[str, str] = {
    "customer_ids": "ids",
    "emails": "emails",
    "filter": "recipients",
    "per_user_data": "per_user_data",
    "data_file_url": "data_file_url",
}
"""The arguments that hold an audience, each with the member of the body that holds it."""

AUDIENCE_ARGUMENT: Mapping[str, str | None] = {
    "default": None,
    "customer_ids": "customer_ids",
    "emails": "emails",
    "filter": "filter",
    "per_user_data": "per_user_data",
    "file": "data_file_url",
}
"""The argument that each choice of `audience` needs; None means no argument."""

_CHOICE = {argument: choice for choice, argument in AUDIENCE_ARGUMENT.items()}
_LISTS = ("customer_ids", "emails", "per_user_data")
"""The arguments that name each person, so that no other audience is meant beside them."""

BY_ID = ("customer_ids", "per_user_data", "file")
"""Audiences in which a person may be given by id."""

BY_EMAIL = ("emails", "per_user_data", "file")
"""Audiences in which a person may be given by e-mail address."""


def _audience(value: Any) -> Any:
    """Refuse a word that is no choice, with the choices that do not reach everybody."""
    if isinstance(value, str) and value in AUDIENCE_ARGUMENT:
        return value
    named = "'customer_ids', 'emails', 'filter', 'per_user_data' or 'file'"
    fix = f"send {named}, with its argument; default only if the user means its whole audience"
    raise Problem("is not one of the choices", fix)


class TriggerBroadcastArgs(Args):
    """Arguments of trigger_broadcast.

    `audience` decides which other argument is needed, and all other audience arguments are
    refused. So a forgotten argument never sends a broadcast to the wrong people.

    With `audience="file"`, Customer.io fetches a URL, whose file may name anybody. The policy
    refuses it unless the operator allows it. Only the form of the URL is checked; this package
    never resolves or fetches it.
    """

    broadcast_id: Annotated[
        ObjectId,
        Field(description="Number of an API-triggered broadcast."),
        AlsoCalled("id", "campaign_id", "broadcast", "broadcast_number"),
        FoundBy("list_broadcasts", ("broadcast_name", "broadcast"), is_lookup=True),
    ]
    audience: Annotated[
        Annotated[
            Literal["default", "customer_ids", "emails", "filter", "per_user_data", "file"],
            BeforeValidator(_audience),
        ],
        Field(
            description=(
                "Who gets it: default is the audience set in Customer.io; another needs the "
                "argument of its name (file: data_file_url)."
            )
        ),
        Short("Other than default needs the argument of that name; file: data_file_url"),
    ]
    customer_ids: Annotated[
        Annotated[
            list[WellShapedId],
            json_array,
            Field(strict=True, min_length=1, max_length=MAX_AUDIENCE),
        ]
        | None,
        Field(description="With audience=customer_ids: 1 to 10,000 ids."),
        NARROWS,
        PEOPLE_NAMES,
    ] = None
    emails: Annotated[
        Annotated[
            list[EmailAddress],
            json_array,
            Field(strict=True, min_length=1, max_length=MAX_AUDIENCE),
        ]
        | None,
        Field(description="With audience=emails: 1 to 10,000 addresses."),
        NARROWS,
        AlsoCalled("email", "email_addresses", "addresses"),
    ] = None
    filter: Annotated[
        Filter | None,
        Field(
            description=(
                'With audience=filter: {"and": [{"segment": {"id": 7}}, {"not": {"attribute": '
                '{"field": "plan", "operator": "eq", "value": "free"}}}]}; also or, exists.'
            )
        ),
        Short('{"segment": {"id": 7}}, in and, or, not'),
        NARROWS,
    ] = None
    per_user_data: Annotated[
        PerUserData | None,
        Field(description="With audience=per_user_data: [{id or email, data?}]."),
        NARROWS,
    ] = None
    data_file_url: Annotated[
        PublicUrl | None,
        Field(description="With audience=file: https address of JSON Lines."),
        NARROWS,
    ] = None
    data: Annotated[
        Annotated[JsonObject, AfterValidator(at_most(MAX_DATA_BYTES, "data"))] | None,
        Field(description="Read in the message as trigger.<name>; at most 50,000 bytes."),
        AlsoCalled("message_data", "trigger_data", "variables"),
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
        Field(description="Your name for it: the same key never sends twice."),
    ] = None

    @model_validator(mode="after")
    def _one_audience(self) -> Self:
        needed = AUDIENCE_ARGUMENT[self.audience]
        problems = [
            FieldProblem(name, f"does not go with audience={self.audience}", self._instead(name))
            for name in self._given
            if name != needed
        ]
        if needed and getattr(self, needed) is None:
            fix = f"give it: audience={self.audience} needs it"
            problems.append(FieldProblem(needed, "is missing", fix))
        problems += self._misplaced_flags()
        if problems:
            refuse(problems)
        return self

    @property
    def _given(self) -> list[str]:
        return [name for name in _BODY_MEMBER if getattr(self, name) is not None]

    def _instead(self, name: str) -> str:
        """Return what to do with an audience that was not chosen, and never to write to more."""
        given, chosen = self._given, AUDIENCE_ARGUMENT[self.audience]
        lists = [each for each in given if each in _LISTS]
        if chosen in lists or (lists and name not in _LISTS):
            return "leave it out"
        if name in _LISTS or (chosen is None and len(given) == 1):
            return f"send audience='{_CHOICE[name]}' to write to these {name} only"
        return "ask the user which audience is meant"

    def _misplaced_flags(self) -> list[FieldProblem]:
        allowed = {
            "ignore_missing": {*BY_ID, *BY_EMAIL},
            "add_duplicates": {*BY_EMAIL},
        }
        return [
            FieldProblem(flag, f"does not go with audience={self.audience}", "leave it out")
            for flag, audiences in allowed.items()
            if getattr(self, flag) and self.audience not in audiences
        ]

    @property
    def people(self) -> Sequence[Any] | None:
        """The given people, each once; None if the audience is not a list of people.

        The case of an e-mail address does not matter.
        """
        if self.customer_ids is not None:
            return distinct(self.customer_ids, "id")
        if self.emails is not None:
            return distinct(self.emails, "email")
        return None if self.per_user_data is None else distinct_people(self.per_user_data)


def with_audience(given: dict[str, Any]) -> dict[str, Any]:
    """Return refused arguments with the audience that their only list of people says."""
    named = [name for name in _BODY_MEMBER if given.get(name) is not None]
    if len(named) != 1 or named[0] not in _LISTS:
        return given
    return {**given, "audience": _CHOICE[named[0]]}


def broadcast_body(args: TriggerBroadcastArgs, _: Invocation) -> dict[str, Any]:
    """Return the body of a trigger.

    Raises:
        ArgumentsInvalid: The body has more than `MAX_BODY_BYTES`.
    """
    argument = AUDIENCE_ARGUMENT[args.audience]
    audience: dict[str, Any] = {}
    if argument is not None:
        audience = {_BODY_MEMBER[argument]: args.people or getattr(args, argument)}
    body = {**audience, **_flags(args), **({"data": args.data} if args.data else {})}
    if (size := size_of(body)) > MAX_BODY_BYTES:
        limit = f"shorten the call to {MAX_BODY_BYTES:,} bytes"
        refuse([FieldProblem(argument or "data", f"makes a call of {size:,} bytes", limit)])
    return body


def _flags(args: TriggerBroadcastArgs) -> dict[str, bool]:
    """Return the flags for the audience; Customer.io refuses any other flag (its Go SDK)."""
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
