"""What both transactional sends share: whom they reach, when, and how a queued one is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

from pydantic import AfterValidator, Field

from customerio_tool.subtools.declare import (
    CALL,
    Answer,
    FieldProblem,
    Flag,
    Identifier,
    IdType,
    Invocation,
    JsonObject,
    Line,
    Look,
    PersonId,
    Problem,
    Shape,
    Time,
    bare,
    check_type,
    iso_time,
    refuse,
    shape_of,
    size_of,
    whole_in,
)
from customerio_tool.subtools.messages import Channel, messages_since

MAX_PAYLOAD_BYTES = 1_000_000
"""Bytes of a send without its attachments: the vendor's 1 MB, read the narrower way."""

MAX_AHEAD_SECONDS = 90 * 86_400

_NUMBER = re.compile(r"[0-9]{1,15}")
_LANGUAGE = r"[a-z]{2}([-_][A-Za-z]{2})?"
_DELIVERY_ID = re.compile(r"[\w=+/.-]{1,200}", re.ASCII)
_OURS = {"customer_id", "id_type", "idempotency_key"}


def _language(code: str) -> str:
    if not re.fullmatch(_LANGUAGE, code):
        raise Problem("is not a language code", "send two letters such as en, or four as pt-BR")
    return code


Person: TypeAlias = Annotated[
    PersonId, Field(description="Recipient's id, email address, or cio_... id.")
]
PersonIdType: TypeAlias = Annotated[
    IdType | None, Field(description="Type of customer_id; default by its shape.")
]
MessageData: TypeAlias = Annotated[
    JsonObject | None, Field(description="Variables that the template reads.")
]
Language: TypeAlias = Annotated[
    Annotated[
        Line, AfterValidator(_language), Field(json_schema_extra={"pattern": f"^{_LANGUAGE}$"})
    ]
    | None,
    Field(description="Language of the template, e.g. en or pt-BR."),
]
SendAt: TypeAlias = Annotated[
    Time | None,
    Field(description="ISO 8601 or Unix time within 90 days; leave out to send now."),
]
SendToUnsubscribed: TypeAlias = Annotated[
    Flag | None, Field(description="False spares unsubscribed people; default true reaches them.")
]
QueueDraft: TypeAlias = Annotated[
    Flag | None, Field(description="True holds it as draft; nothing is sent.")
]
DisableMessageRetention: TypeAlias = Annotated[
    Flag | None, Field(description="True keeps no copy of the content.")
]
AutoCreate: TypeAlias = Annotated[
    Flag | None, Field(description="True makes an unknown trigger name's record.")
]
IdempotencyKey: TypeAlias = Annotated[
    Identifier | None,
    Field(description="Same key is the same message; a new one sends again."),
]


class Transactional(Protocol):
    """Arguments of a transactional send, as far as both kinds have them."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield every argument with its value."""

    @property
    def customer_id(self) -> str:
        """The person, by an identifier."""

    @property
    def id_type(self) -> IdType | None:
        """The identifier's type, where it is given."""

    @property
    def transactional_message_id(self) -> str | None:
        """The template, by number or trigger name."""

    @property
    def send_at(self) -> int | None:
        """When to send it, in Unix seconds."""

    @property
    def queue_draft(self) -> bool | None:
        """Whether it is held as a draft."""

    @property
    def auto_create(self) -> bool | None:
        """Whether an unknown trigger name makes a record."""


S = TypeVar("S", bound=Transactional)


def is_number(template: str | None) -> bool:
    """Tell whether a template is given by its number, not by its trigger name."""
    return template is not None and _NUMBER.fullmatch(template) is not None


def check_send(args: Transactional) -> None:
    """Refuse an identifier that its type contradicts, and to make a record without a name.

    For a number Customer.io ignores `auto_create`.
    """
    check_type(args.customer_id, args.id_type, "customer_id")
    if args.auto_create and (
        args.transactional_message_id is None or is_number(args.transactional_message_id)
    ):
        raise Problem("needs a trigger name", "name the template, or leave it out", "auto_create")


def send_body(
    args: Transactional, invocation: Invocation, wire: Mapping[str, str]
) -> dict[str, Any]:
    """Return the body of a send: the given arguments under their names on the wire.

    Args:
        args: The arguments; what is not given, or is an empty object, is left out.
        invocation: The call, against whose time `send_at` is checked.
        wire: Names on the wire, where they differ.

    Raises:
        ArgumentsInvalid: `send_at` is past or too far ahead, or the whole is too large.
    """
    _check_send_at(args.send_at, invocation)
    given = {name: value for name, value in args if name not in _OURS and value not in (None, {})}
    body = {wire.get(name, name): value for name, value in given.items()}
    template = args.transactional_message_id
    if template is not None and is_number(template):
        body["transactional_message_id"] = int(template)
    kind = args.id_type or shape_of(args.customer_id)
    body["identifiers"] = {kind: bare(args.customer_id, kind)}
    _check_size({name: value for name, value in body.items() if name != "attachments"})
    return body


def _check_send_at(send_at: int | None, invocation: Invocation) -> None:
    if send_at is None:
        return
    if send_at < invocation.now_seconds:
        refuse([FieldProblem("send_at", "is past", "leave it out to send now")])
    if send_at - invocation.now_seconds > MAX_AHEAD_SECONDS:
        refuse([FieldProblem("send_at", "is too far ahead", "it may be at most 90 days ahead")])


def _check_size(body: Mapping[str, Any]) -> None:
    sizes = {name: size_of(value) for name, value in body.items()}
    if sum(sizes.values()) > MAX_PAYLOAD_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        limit = f"all but attachments may have {MAX_PAYLOAD_BYTES:,} bytes together"
        refuse([FieldProblem(largest, f"is {sizes[largest]:,} bytes long", limit)])


def look_for(channel: Channel, args: Transactional, invocation: Invocation) -> Look:
    """Return the read that shows whether a send was accepted."""
    drafts = {"drafts": True} if args.queue_draft else {}
    return messages_since(invocation, type=channel, **drafts)


def queued(channel: Channel, noun: str) -> Shape[Any]:
    """Tell that Customer.io queued a message, which is not yet sent and may still fail."""

    def tell(answer: Answer[S]) -> dict[str, Any]:
        delivery = _delivery_id(answer.payload.get("delivery_id"))
        sentence = _sentence(answer.args, noun)
        missing = "" if delivery else " Its delivery id could not be read."
        queued_at, later = whole_in(answer.payload.get("queued_at")), answer.args.send_at
        return {
            "summary": sentence + missing,
            "delivery_id": delivery,
            **({} if queued_at is None else {"queued_at": queued_at}),
            **({} if later is None else {"send_at": iso_time(later)}),
            "verify": look_for(channel, answer.args, answer.invocation).as_json(),
        }

    return Shape(
        outcome="accepted",
        to_result=tell,
        returns={
            "delivery_id": {
                "type": ["string", "null"],
                "description": "Id of the message; null where the reply could not be read.",
            },
            "queued_at": {"type": "integer", "description": "When it was queued, Unix seconds."},
            "send_at": {"type": "string", "description": "When it will be sent, ISO 8601."},
            "verify": CALL,
        },
    )


def _delivery_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _DELIVERY_ID.fullmatch(value) else None


def _sentence(args: Transactional, noun: str) -> str:
    if args.queue_draft:
        return f"Customer.io holds the {noun} to {args.customer_id} as a draft; nothing was sent."
    later = "" if args.send_at is None else f" for {iso_time(args.send_at)}"
    return (
        f"Customer.io queued the {noun} to {args.customer_id}{later}; it is not delivered yet and "
        "may still fail."
    )


def find_template(args: Transactional) -> str:
    """Tell what to check when Customer.io refuses a send."""
    if args.transactional_message_id is None:
        return "Check that from_address is a verified sender, or name a template."
    return (
        "Template ids and trigger names are in Customer.io under Transactional; check that "
        "transactional_message_id is one of this kind of message."
    )
