"""The common part of both transactional sends: argument types, body, checks and result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

from pydantic import AfterValidator, Field

from customerio_tool.subtools.declare import (
    CALL,
    IMPLIED,
    MAX_TIME,
    NARROWS,
    PERSON_NAMES,
    Addressees,
    AlsoCalled,
    Answer,
    FieldProblem,
    Flag,
    FoundThrough,
    Identifier,
    IdType,
    Invocation,
    Item,
    JsonObject,
    Line,
    Look,
    PersonId,
    Problem,
    Shape,
    Time,
    bare,
    canonical,
    check_type,
    is_within,
    iso_time,
    or_null,
    refuse,
    shape_of,
    size_of,
    whole_in,
)
from customerio_tool.subtools.parts.message_looks import messages_since
from customerio_tool.subtools.parts.names import name_caution
from customerio_tool.subtools.parts.vocabulary import Channel

MAX_PAYLOAD_BYTES = 1_000_000
"""Bytes of a send without its attachments: Customer.io's 1 MB, taken as powers of 1000."""

MAX_BODY_BYTES = 2048 * 1024
"""Bytes of the whole body of a send, attachments in base64 included: Customer.io's 2048 KB
(https://docs.customer.io/journeys/transactional-api-common-api-errors/)."""

MEANS_NOW_SECONDS = 900
"""How far `send_at` may be in the past and can only mean now."""

MAX_AHEAD_SECONDS = 90 * 86_400
"""How far `send_at` may be in the future."""

_NUMBER = re.compile(r"[0-9]{1,15}")
_LANGUAGE = r"([A-Za-z]{2})([-_]([A-Za-z]{2}))?"
_DELIVERY_ID = re.compile(r"[\w=+/.-]{1,200}", re.ASCII)
_NOT_COPIED = {"customer_id", "id_type", "idempotency_key"}
"""Arguments that the body does not have under their own names."""


def _language(code: str) -> str:
    """Return a language code in the one form that Customer.io matches: `pt` or `pt-BR`."""
    found = re.fullmatch(_LANGUAGE, code.strip())
    if found is None:
        raise Problem("is not a language code", "send two letters such as en, or four as pt-BR")
    language, country = found[1].lower(), found[3]
    return f"{language}-{country.upper()}" if country else language


Recipient: TypeAlias = Annotated[
    PersonId, Field(description="Recipient's id, email, or cio_... id."), PERSON_NAMES
]
PersonIdType: TypeAlias = Annotated[
    IdType | None, Field(description="Type of customer_id; default by its shape."), IMPLIED
]
MessageData: TypeAlias = Annotated[
    JsonObject | None,
    Field(description="Variables that the template reads."),
    AlsoCalled("data", "variables", "template_data", "template_variables", "merge_vars", "params"),
]
Language: TypeAlias = Annotated[
    Annotated[
        Line, AfterValidator(_language), Field(json_schema_extra={"pattern": f"^{_LANGUAGE}$"})
    ]
    | None,
    Field(description="Template language, e.g. pt-BR."),
]
SendAt: TypeAlias = Annotated[
    Time | None,
    Field(description="ISO 8601 or Unix time within 90 days; default now."),
    AlsoCalled("scheduled_at", "schedule_at", "scheduled_for", "send_time", "deliver_at"),
]
SendToUnsubscribed: TypeAlias = Annotated[
    Flag | None, Field(description="False spares unsubscribed people; default true."), NARROWS
]
QueueDraft: TypeAlias = Annotated[
    Flag | None, Field(description="True holds it as draft; nothing is sent."), NARROWS
]
DisableMessageRetention: TypeAlias = Annotated[
    Flag | None, Field(description="True keeps no copy of the content.")
]
AutoCreate: TypeAlias = Annotated[
    Flag | None, Field(description="True makes an unknown trigger name's record.")
]
IdempotencyKey: TypeAlias = Annotated[
    Identifier | None,
    Field(description="Your name for it: the same key never sends twice."),
]


T = TypeVar("T")


class Transactional(Protocol):
    """The arguments that both transactional sends have."""

    def given(self) -> dict[str, Any]:
        """See `Args.given`."""

    def once(self, what: str, make: Callable[[], T]) -> T:
        """See `Args.once`."""

    @property
    def customer_id(self) -> str:
        """The identifier of the recipient."""

    @property
    def id_type(self) -> IdType | None:
        """The type of that identifier; None means the type that its form suggests."""

    @property
    def transactional_message_id(self) -> str | None:
        """The number or the trigger name of the template."""

    @property
    def send_at(self) -> int | None:
        """When to send the message, in Unix seconds; None means now."""

    @property
    def queue_draft(self) -> bool | None:
        """Whether Customer.io holds the message as a draft."""

    @property
    def auto_create(self) -> bool | None:
        """Whether Customer.io creates a record for an unknown trigger name."""


S = TypeVar("S", bound=Transactional)


def is_number(template: str | None) -> bool:
    """Return whether a template is given by its number, not by its trigger name."""
    return template is not None and _NUMBER.fullmatch(template) is not None


def check_send(args: Transactional) -> None:
    """Refuse an identifier that cannot have its type, and `auto_create` without a trigger name.

    Customer.io ignores `auto_create` if the template is given by its number.

    Raises:
        Problem: The arguments contradict each other.
    """
    check_type(args.customer_id, args.id_type, "customer_id")
    if args.auto_create and (
        args.transactional_message_id is None or is_number(args.transactional_message_id)
    ):
        raise Problem("needs a trigger name", "name the template, or leave it out", "auto_create")


def mend_send(values: dict[str, Any]) -> dict[str, Any]:
    """Return a send without `auto_create` where Customer.io would ignore it."""
    template = values.get("transactional_message_id")
    if values.get("auto_create") and (type(template) is int or is_number(str(template))):
        return {name: value for name, value in values.items() if name != "auto_create"}
    return values


def send_body(
    args: Transactional, invocation: Invocation, renamed: Mapping[str, str]
) -> dict[str, Any]:
    """Return the body of a send.

    Args:
        args: The arguments; None and an empty object are left out.
        invocation: The call; `send_at` is checked against its time.
        renamed: The members of the body that are not named like their argument, by argument.

    Raises:
        ArgumentsInvalid: `send_at` is past or too far ahead, or the body is too large.
    """
    _check_send_at(args.send_at, invocation)
    return dict(args.once("body", lambda: _body(args, renamed)))


def _body(args: Transactional, renamed: Mapping[str, str]) -> dict[str, Any]:
    body = {
        renamed.get(name, name): value
        for name, value in args.given().items()
        if name not in _NOT_COPIED and value != {}
    }
    template = args.transactional_message_id
    if template is not None and is_number(template):
        body["transactional_message_id"] = int(template)
    kind = args.id_type or shape_of(args.customer_id)
    body["identifiers"] = {kind: bare(args.customer_id, kind)}
    _check_size(body)
    return body


_DEFAULTS: Mapping[str, Any] = {
    "auto_create": False,
    "disable_css_preprocessing": False,
    "disable_message_retention": False,
    "queue_draft": False,
    "send_to_unsubscribed": True,
    "sound": "default",
    "to": "all",
    "tracked": True,
}
"""Values that mean the same as no value (App specification)."""


def message_identity(args: Transactional, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a send without defaults that are spelt out, the person in one form."""
    given = {name: value for name, value in body.items() if _DEFAULTS.get(name) != value}
    kind = args.id_type or shape_of(args.customer_id)
    return {**given, "identifiers": list(canonical(args.customer_id, kind))}


def addressees_of_message(
    channel: Channel,
    args: Transactional,
    identity: Mapping[str, Any],
    to: Iterable[str] = (),
    copies: Iterable[str] = (),
) -> Addressees:
    """Return to whom a message goes: nobody if it is a draft.

    Args:
        channel: The kind of message.
        args: The arguments.
        identity: The identity of the message, by `message_identity`.
        to: The addresses that it is sent to.
        copies: Those of copies; they are never in doubt, as one archive may get all of them.
    """
    if args.queue_draft:
        return Addressees()
    kind, identifier = identity["identifiers"]
    marked = ((kind, identifier), *(canonical(each, "email") for each in to))
    template = args.transactional_message_id
    content = [value for value in identity.items() if value[0] not in _SPELT_IN_TWO_WAYS]
    how, otherwise = ("number", "name") if is_number(template) else ("name", "number")
    return Addressees(
        marked=marked,
        met=(*marked, *(canonical(each, "email") for each in copies)),
        says=([content, template], [content, {"template by": how}]),
        may_say=([content, template], [content, {"template by": otherwise}]),
        is_listed=args.send_at is None,
        channel=channel,
    )


_SPELT_IN_TWO_WAYS = ("identifiers", "transactional_message_id")
"""Members of a message that may differ although they mean the same person or template."""


def _check_send_at(send_at: int | None, invocation: Invocation) -> None:
    if send_at is None:
        return
    late = invocation.now_seconds - send_at
    if late > 0:
        now = {"send_at": None} if late <= MEANS_NOW_SECONDS else None  # else: another year?
        fix = "leave it out to send now, or give a later time"
        refuse([FieldProblem("send_at", "is past", fix)], now)
    if -late > MAX_AHEAD_SECONDS:
        refuse([FieldProblem("send_at", "is too far ahead", "give a time at most 90 days ahead")])


def _check_size(body: Mapping[str, Any]) -> None:
    if is_within(body, MAX_PAYLOAD_BYTES):
        return
    whole, sizes = size_of(body), {name: size_of(value) for name, value in body.items()}
    attached = sizes.pop("attachments", 0)
    if sum(sizes.values()) > MAX_PAYLOAD_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        limit = f"shorten all but attachments to {MAX_PAYLOAD_BYTES:,} bytes together"
        refuse([FieldProblem(largest, f"is {sizes[largest]:,} bytes long", limit)])
    if whole > MAX_BODY_BYTES:
        limit = f"shorten the call to {MAX_BODY_BYTES:,}: link to large files instead"
        problem = f"are {attached:,} bytes in base64, and the call {whole:,}"
        refuse([FieldProblem("attachments", problem, limit)])


def look_at_messages(channel: Channel, args: Transactional, invocation: Invocation) -> Look:
    """Return the read that shows whether Customer.io accepted a send.

    That is the person's messages; only the list of the workspace has drafts.
    """
    if args.queue_draft:
        template = args.transactional_message_id
        number = int(template) if template is not None and is_number(template) else None
        return messages_since(invocation, type=channel, drafts=True, transactional_id=number)
    who = {"customer_id": args.customer_id, "id_type": args.id_type}
    return messages_since(invocation, **who, type=channel)


def queued(channel: Channel, noun: str, caution: Callable[[Any], str] = lambda _: "") -> Shape[Any]:
    """Return the shape for a message that Customer.io queued; it may still fail.

    Args:
        channel: The kind of message.
        noun: The kind of message as a word for the summary.
        caution: Returns a sentence on arguments that look like a mistake, or "".
    """

    def to_result(answer: Answer[S]) -> dict[str, Any]:
        delivery = _delivery_id(answer.payload.get("delivery_id"))
        sentence = _sentence(answer.args, noun)
        missing = "" if delivery else " Its delivery id could not be read."
        queued_at, send_at = _queued_at(answer.payload), answer.args.send_at
        return {
            "summary": f"{sentence}{missing} {_cautions(caution, answer.args)}".rstrip(),
            "delivery_id": delivery,
            **({} if queued_at is None else {"queued_at": queued_at}),
            **({} if send_at is None else {"send_at": iso_time(send_at)}),
            "verify": look_at_messages(channel, answer.args, answer.invocation).as_json(),
        }

    return Shape(
        outcome="accepted",
        to_result=to_result,
        returns={
            "delivery_id": or_null(
                "string", "Id of the message; null where the reply could not be read."
            ),
            "queued_at": {"type": "string", "description": "When it was queued, ISO 8601."},
            "send_at": {"type": "string", "description": "When it will be sent, ISO 8601."},
            "verify": CALL,
        },
    )


def _cautions(caution: Callable[[Any], str], args: Transactional) -> str:
    by_id = (args.id_type or shape_of(args.customer_id)) == "id"
    return f"{caution(args)} {name_caution(args.customer_id) if by_id else ''}".strip()


def _queued_at(reply: Item) -> str | None:
    """Return when a message was queued in ISO 8601; None where the reply does not tell it."""
    seconds = whole_in(reply.get("queued_at"))
    return None if seconds is None or not 0 < seconds <= MAX_TIME else iso_time(seconds)


def _delivery_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _DELIVERY_ID.fullmatch(value) else None


def _sentence(args: Transactional, noun: str) -> str:
    if args.queue_draft:
        return f"Customer.io holds the {noun} to {args.customer_id} as a draft; nothing was sent."
    when = "" if args.send_at is None else f" for {iso_time(args.send_at)}"
    return (
        f"Customer.io queued the {noun} to {args.customer_id}{when}; it is not delivered yet and "
        "may still fail: `verify` shows it."
    )


def template_hint(args: Transactional) -> str:
    """Return a sentence on what to check when Customer.io does not find the template or sender."""
    if args.transactional_message_id is None:
        return (
            "Ask the user whether from_address or the workspace's sender is verified, or name a "
            "template."
        )
    return (
        "Ask the user for the transactional_message_id: the id or trigger name, under "
        "Transactional in Customer.io, of a template for this kind of message."
    )


_LISTED = "list_transactional_messages"


def _listed_hint(args: Transactional) -> str:
    if args.transactional_message_id is None:
        return template_hint(args)
    return f"{_LISTED} shows the ids of all templates, for transactional_message_id."


template_through: FoundThrough[Any] = FoundThrough(_LISTED, _listed_hint)
"""The advice for a template that was not found, where that look-up may run."""
