"""Transactional messages: an e-mail or a push notification to one person."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from customerio_tool.subtools.declare import (
    NARROWS,
    Addressees,
    AlsoCalled,
    Api,
    Args,
    Effect,
    Endpoint,
    Example,
    Identifier,
    Invocation,
    JsonObject,
    Line,
    Pace,
    Reach,
    Sends,
    Short,
    Subtool,
    Text,
    as_texts,
    shape_of,
)
from customerio_tool.subtools.parts.email import SendTransactionalEmailArgs
from customerio_tool.subtools.parts.links import HttpsUrl
from customerio_tool.subtools.parts.mail import (
    addresses,
    canonical_addresses,
    reach_of,
)
from customerio_tool.subtools.parts.plans import to_email, to_push
from customerio_tool.subtools.parts.push import CustomDevice, CustomPayload, targets_in
from customerio_tool.subtools.parts.references import APP_OPERATIONS, APP_PAGES
from customerio_tool.subtools.parts.sending import (
    AutoCreate,
    DisableMessageRetention,
    IdempotencyKey,
    Language,
    MessageData,
    PersonIdType,
    QueueDraft,
    Recipient,
    SendAt,
    SendToUnsubscribed,
    addressees_of_message,
    check_send,
    look_at_messages,
    mend_send,
    message_identity,
    queued,
    send_body,
    template_hint,
    template_through,
)
from customerio_tool.subtools.parts.vocabulary import (
    SOUND_WORDS,
    TEMPLATE_NAMES,
)

if TYPE_CHECKING:
    from typing_extensions import Self


def _email_body(args: SendTransactionalEmailArgs, invocation: Invocation) -> dict[str, Any]:
    return send_body(args, invocation, renamed={"from_address": "from"})


def _email_identity(args: SendTransactionalEmailArgs, invocation: Invocation) -> dict[str, Any]:
    return args.once("identity", lambda: _worked_out_identity(args, invocation))


def _worked_out_identity(
    args: SendTransactionalEmailArgs, invocation: Invocation
) -> dict[str, Any]:
    body = message_identity(args, _email_body(args, invocation))
    for name in ("to", "cc", "bcc", "from", "reply_to"):
        if name in body:
            body[name] = canonical_addresses(body[name])
    if headers := body.get("headers"):
        body["headers"] = {name.lower(): value.strip() for name, value in headers.items()}
    return body


def _email_reach(args: SendTransactionalEmailArgs) -> Reach:
    return reach_of({"to": args.to, "cc": args.cc, "bcc": args.bcc}, args.headers)


def _email_addressees(args: SendTransactionalEmailArgs, invocation: Invocation) -> Addressees:
    copies = [address for text in (args.cc, args.bcc) if text for address in addresses(text)]
    identity = _email_identity(args, invocation)
    return addressees_of_message("email", args, identity, addresses(args.to), copies)


def _attachments_hint(args: SendTransactionalEmailArgs, status: int) -> str:
    if not args.attachments:
        return ""
    if status == HTTPStatus.FORBIDDEN:
        return "Or a file in attachments is of a type that Customer.io refuses."
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "Attachments may be counted in base64, which is a third longer than the files."
    return ""


def _other_person(args: SendTransactionalEmailArgs) -> str:
    """Return a caution where both are addresses and differ; an id may be anybody's."""
    found = addresses(args.to)
    person = args.customer_id
    is_address = (args.id_type or shape_of(person)) == "email"
    if not is_address or person.lower() in {each.lower() for each in found}:
        return ""
    return (
        "customer_id is no address in `to`: the message says what is stored of another person. "
        "Tell the user."
    )


send_transactional_email = Subtool(
    name="send_transactional_email",
    description=(
        "Sends a transactional email using a transactional message template. Use to mail one "
        "person: receipt, invoice, password reset, confirmation. It reaches real people and cannot "
        "be called back; an unknown person is created. To many: trigger_broadcast."
    ),
    args=SendTransactionalEmailArgs,
    endpoint=Endpoint(Api.APP, "POST", "/v1/send/email"),
    effect=Effect.SEND,
    pace=Pace.SEND,
    body=_email_body,
    plan=to_email,
    mend=mend_send,
    shape=queued("email", "e-mail", _other_person),
    look=lambda args, invocation: look_at_messages("email", args, invocation),
    not_found_hint=template_hint,
    found_through=template_through,
    refused_hint=_attachments_hint,
    identity=_email_identity,
    reach=_email_reach,
    addressees=_email_addressees,
    person_argument="customer_id",
    person_type_argument="id_type",
    file_arguments=(),
    key_argument="idempotency_key",
    ledger_keeps=("delivery_id", "queued_at", "send_at"),
    basic=(
        "transactional_message_id",
        "message_data",
        "subject",
        "body",
        "from_address",
        "reply_to",
        "cc",
        "bcc",
        "send_at",
    ),
    reference=APP_PAGES + "tag/send-messages/sendEmail/",
    examples=[
        Example(
            {
                "to": "ada@example.com",
                "customer_id": "u1",
                "transactional_message_id": "1",
                "message_data": {"order": {"number": 17, "note": None}},
            },
            Sends(
                "POST",
                "/v1/send/email",
                body={
                    "to": "ada@example.com",
                    "identifiers": {"id": "u1"},
                    "transactional_message_id": 1,
                    "message_data": {"order": {"number": 17, "note": None}},
                },
            ),
        ),
        Example(
            {
                "to": "Ada Byron <ada+test@example.com>, zoë@example.com",
                "customer_id": "cio_d9c106000001",
                "subject": "Rechnung für März",
                "body": "<p>Danke!</p>\n",
                "from_address": "Acme <billing@acme.example>",
                "headers": {"X-Order": 17},
                "attachments": {"invoice.txt": "SGVs\nbG8="},
                "tracked": False,
                "idempotency_key": "invoice-17",
            },
            Sends(
                "POST",
                "/v1/send/email",
                body={
                    "to": "Ada Byron <ada+test@example.com>, zoë@example.com",
                    "identifiers": {"cio_id": "d9c106000001"},
                    "subject": "Rechnung für März",
                    "body": "<p>Danke!</p>\n",
                    "from": "Acme <billing@acme.example>",
                    "headers": {"X-Order": "17"},
                    "attachments": {"invoice.txt": "SGVsbG8="},
                    "tracked": False,
                },
            ),
            title="Without a template; the idempotency key stays here",
        ),
    ],
)


def _devices(to: str) -> str:
    """Return a choice of devices in the form of the API; a token is returned as it is."""
    return to.lower() if to.lower() in ("all", "last_used") else to


class SendTransactionalPushArgs(Args):
    """Arguments of send_transactional_push."""

    customer_id: Recipient
    id_type: PersonIdType = None
    transactional_message_id: Annotated[
        Identifier, Field(description="Template's number or trigger name."), TEMPLATE_NAMES
    ]
    to: Annotated[
        Annotated[Identifier, AfterValidator(_devices)] | None,
        Field(description="all (default), last_used, or one device token of theirs."),
        Short("all, last_used or a token"),
        NARROWS,
        AlsoCalled("device_token", "device_id", "token"),
    ] = None
    title: Annotated[
        Line | None, Field(description="Instead of the template's."), AlsoCalled("subject")
    ] = None
    message: Annotated[
        Text | None,
        Field(description="Push text, instead of the template's."),
        AlsoCalled("body", "text", "content", "alert"),
    ] = None
    image_url: Annotated[HttpsUrl | None, Field(description="Picture to show; https.")] = None
    link: Annotated[Line | None, Field(description="Opened on tap; web or app link.")] = None
    sound: Annotated[
        Literal["default", "none"] | None,
        Field(description="iOS only; default default."),
        SOUND_WORDS,
    ] = None
    message_data: MessageData = None
    custom_data: Annotated[
        Annotated[JsonObject, AfterValidator(as_texts)] | None,
        Field(description="Data for the app; values become texts."),
    ] = None
    custom_payload: Annotated[
        CustomPayload | None,
        Field(description="Raw payload {ios?, android?}; replaces everything else."),
    ] = None
    custom_device: Annotated[
        CustomDevice | None,
        Field(description="Device to add to the person on sending."),
    ] = None
    language: Language = None
    send_at: SendAt = None
    send_to_unsubscribed: SendToUnsubscribed = None
    queue_draft: QueueDraft = None
    disable_message_retention: DisableMessageRetention = None
    auto_create: AutoCreate = None
    idempotency_key: IdempotencyKey = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_send(self)
        return self


def _push_body(args: SendTransactionalPushArgs, invocation: Invocation) -> dict[str, Any]:
    return send_body(args, invocation, renamed={})


def _push_identity(args: SendTransactionalPushArgs, invocation: Invocation) -> dict[str, Any]:
    return message_identity(args, _push_body(args, invocation))


def _push_addressees(args: SendTransactionalPushArgs, invocation: Invocation) -> Addressees:
    return addressees_of_message("push", args, _push_identity(args, invocation))


def _push_reach(args: SendTransactionalPushArgs) -> Reach:
    """Return the recipient, which is unknown unless it is given by e-mail address.

    The owner of an added device is unknown too, and of a device that a payload names.
    """
    device = () if args.custom_device is None else ("custom_device",)
    others = (*device, *targets_in(args.custom_payload or {}))
    if (args.id_type or shape_of(args.customer_id)) == "email":
        return Reach((("customer_id", args.customer_id),), others)
    return Reach(unknown=("customer_id", *others))


send_transactional_push = Subtool(
    name="send_transactional_push",
    description=(
        "Sends a transactional push notification using a transactional push template. Use to "
        "notify one person on their phone. It reaches real devices and cannot be called back; an "
        "unknown person is created."
    ),
    args=SendTransactionalPushArgs,
    endpoint=Endpoint(Api.APP, "POST", "/v1/send/push"),
    effect=Effect.SEND,
    pace=Pace.SEND,
    body=_push_body,
    plan=to_push,
    mend=mend_send,
    shape=queued("push", "push notification"),
    look=lambda args, invocation: look_at_messages("push", args, invocation),
    not_found_hint=template_hint,
    found_through=template_through,
    identity=_push_identity,
    reach=_push_reach,
    addressees=_push_addressees,
    person_argument="customer_id",
    person_type_argument="id_type",
    file_arguments=(),
    key_argument="idempotency_key",
    ledger_keeps=("delivery_id", "queued_at", "send_at"),
    basic=("to", "title", "message", "link", "message_data", "send_at"),
    reference=APP_OPERATIONS + "sendPush",
    examples=[
        Example(
            {"customer_id": "u1", "transactional_message_id": "order_shipped"},
            Sends(
                "POST",
                "/v1/send/push",
                body={
                    "identifiers": {"id": "u1"},
                    "transactional_message_id": "order_shipped",
                },
            ),
        ),
        Example(
            {
                "customer_id": "ada+test@example.com",
                "transactional_message_id": "3",
                "to": "last_used",
                "title": "Unterwegs 📦",
                "sound": "none",
                "custom_data": {"order": 17, "gift": True},
                "custom_device": {
                    "token": "tok/1",
                    "platform": "ios",
                    "last_used": "2025-11-22T08:26:40Z",
                },
                "send_to_unsubscribed": False,
            },
            Sends(
                "POST",
                "/v1/send/push",
                body={
                    "identifiers": {"email": "ada+test@example.com"},
                    "transactional_message_id": 3,
                    "to": "last_used",
                    "title": "Unterwegs 📦",
                    "sound": "none",
                    "custom_data": {"order": "17", "gift": "true"},
                    "custom_device": {
                        "token": "tok/1",
                        "platform": "ios",
                        "last_used": 1763800000,
                    },
                    "send_to_unsubscribed": False,
                },
            ),
            title="An e-mail address as identifier, a number as template, data turned into texts",
        ),
    ],
)
