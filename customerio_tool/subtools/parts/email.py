"""The arguments of a transactional e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from customerio_tool.subtools.declare import (
    Args,
    FieldProblem,
    Flag,
    Identifier,
    Line,
    Problem,
    Short,
    Text,
    refuse,
)
from customerio_tool.subtools.parts.mail import (
    Address,
    AddressList,
    Attachments,
    Headers,
    addresses,
)
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
    check_send,
)
from customerio_tool.subtools.parts.vocabulary import (
    BODY_NAMES,
    PLAIN_NAMES,
    SENDER_NAMES,
    TEMPLATE_NAMES,
    TO_NAMES,
)

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_RECIPIENTS = 15

NEEDED_WITHOUT_TEMPLATE = ("subject", "body")
"""Arguments that an e-mail without a template needs; without a sender it has the workspace's."""


class SendTransactionalEmailArgs(Args):
    """Arguments of send_transactional_email."""

    to: Annotated[
        AddressList,
        Field(description="Addresses, comma-separated; with cc and bcc at most 15."),
        TO_NAMES,
    ]
    customer_id: Recipient
    id_type: PersonIdType = None
    transactional_message_id: Annotated[
        Identifier | None,
        Field(description="Template's number or trigger name; else give subject and body."),
        Short("Template; or give subject and body"),
        TEMPLATE_NAMES,
    ] = None
    message_data: MessageData = None
    subject: Annotated[Line | None, Field(description="Instead of the template's.")] = None
    body: Annotated[
        Text | None, Field(description="HTML, instead of the template's."), BODY_NAMES
    ] = None
    from_address: Annotated[
        Address | None,
        Field(description="A verified sender; default the template's or workspace's."),
        SENDER_NAMES,
    ] = None
    body_plain: Annotated[
        Text | None, Field(description="Plain-text version of the body."), PLAIN_NAMES
    ] = None
    body_amp: Annotated[Text | None, Field(description="AMP version of the body.")] = None
    preheader: Annotated[Line | None, Field(description="Preview text in the inbox.")] = None
    reply_to: Annotated[Address | None, Field(description="Where replies go.")] = None
    cc: Annotated[AddressList | None, Field(description="Copies, comma-separated.")] = None
    bcc: Annotated[AddressList | None, Field(description="Hidden copies, comma-separated.")] = None
    fake_bcc: Annotated[
        Flag | None, Field(description="True sends bcc copies naming the recipient in the subject.")
    ] = None
    headers: Annotated[Headers | None, Field(description="Extra headers: name to ASCII value.")] = (
        None
    )
    attachments: Annotated[
        Attachments | None,
        Field(description="File name to base64 content; the call may have 2048 KB."),
    ] = None
    tracked: Annotated[
        Flag | None, Field(description="False tracks no opens and clicks; default true.")
    ] = None
    disable_css_preprocessing: Annotated[
        Flag | None, Field(description="True leaves the CSS as it is.")
    ] = None
    language: Language = None
    send_at: SendAt = None
    send_to_unsubscribed: SendToUnsubscribed = None
    queue_draft: QueueDraft = None
    disable_message_retention: DisableMessageRetention = None
    auto_create: AutoCreate = None
    idempotency_key: IdempotencyKey = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        lists = [text for text in (self.to, self.cc, self.bcc) if text is not None]
        if (count := sum(len(addresses(text)) for text in lists)) > MAX_RECIPIENTS:
            limit = f"name at most {MAX_RECIPIENTS} in all three together"
            raise Problem(f"has {count} addresses with cc and bcc", limit, "to")
        check_send(self)
        missing = [name for name in NEEDED_WITHOUT_TEMPLATE if getattr(self, name) is None]
        if self.transactional_message_id is None and missing:
            fix = "give it, or a transactional_message_id"
            refuse([FieldProblem(name, "is missing", fix) for name in missing])
        return self
