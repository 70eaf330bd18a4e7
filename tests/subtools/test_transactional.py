from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import error_for
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Reply
from customerio_tool.errors import ArgumentsInvalid, OutcomeUnknown, RequestRejected
from customerio_tool.subtools.declare.times import iso_time
from customerio_tool.subtools.messages import list_messages
from customerio_tool.subtools.parts.mail import MAX_ATTACHMENT_BYTES, addresses
from customerio_tool.subtools.parts.sending import MAX_PAYLOAD_BYTES
from customerio_tool.subtools.transactional import (
    send_transactional_email,
    send_transactional_push,
)
from tests.subtools.calls import (
    AT,
    DAY,
    assert_examples_hold,
    body_of,
    refusal_of,
    refused,
    result_of,
)

EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "welcome"}
PUSH = {"customer_id": "u1", "transactional_message_id": "shipped"}
SENDS = [(send_transactional_email, EMAIL), (send_transactional_push, PUSH)]

both = pytest.mark.parametrize(("subtool", "least"), SENDS)


def email_body(**arguments: Any) -> Any:
    return body_of(send_transactional_email, **{**EMAIL, **arguments})


def printable(name: str) -> str:
    """Return a name as messages repeat it."""
    return "".join(filter(str.isprintable, name))


def email_refused(**arguments: Any) -> list[str]:
    return refused(send_transactional_email, **{**EMAIL, **arguments})


def push_body(**arguments: Any) -> Any:
    return body_of(send_transactional_push, **{**PUSH, **arguments})


def push_refused(**arguments: Any) -> list[str]:
    return refused(send_transactional_push, **{**PUSH, **arguments})


@both
def test_examples_send_what_they_declare(subtool: Any, least: dict[str, Any]) -> None:
    assert_examples_hold(subtool)


@both
def test_only_what_is_given_is_sent(subtool: Any, least: dict[str, Any]) -> None:
    nothing: dict[str, Any] = {"queue_draft": None, "message_data": {}, "idempotency_key": "k"}
    expected = {name: value for name, value in least.items() if name != "customer_id"}
    assert body_of(subtool, **least, **nothing) == {**expected, "identifiers": {"id": "u1"}}


@both
def test_a_boolean_is_sent_as_given(subtool: Any, least: dict[str, Any]) -> None:
    body = body_of(subtool, **least, send_to_unsubscribed=False, queue_draft=True)
    assert (body["send_to_unsubscribed"], body["queue_draft"]) == (False, True)


@both
@pytest.mark.parametrize(
    ("customer_id", "id_type", "identifiers"),
    [
        ("u1", None, {"id": "u1"}),
        ("ada@example.com", None, {"email": "ada@example.com"}),
        ("ada@example.com", "id", {"id": "ada@example.com"}),
        ("cio_d9c1", None, {"cio_id": "d9c1"}),
        ("d9c1", "cio_id", {"cio_id": "d9c1"}),
        ("cio_d9c1", "id", {"id": "cio_d9c1"}),
    ],
)
def test_the_person_is_named_by_one_bare_identifier(
    subtool: Any, least: dict[str, Any], customer_id: str, id_type: str, identifiers: dict[str, str]
) -> None:
    body = body_of(subtool, **{**least, "customer_id": customer_id, "id_type": id_type})
    assert body["identifiers"] == identifiers


@both
@pytest.mark.parametrize(
    ("given_id", "sent_id"), [(44, 44), ("44", 44), ("Welcome 44", "Welcome 44"), ("-4", "-4")]
)
def test_a_template_number_goes_as_integer_and_a_name_as_text(
    subtool: Any, least: dict[str, Any], given_id: Any, sent_id: Any
) -> None:
    body = body_of(subtool, **{**least, "transactional_message_id": given_id})
    assert body["transactional_message_id"] == sent_id


@both
def test_a_record_is_made_for_a_name_only(subtool: Any, least: dict[str, Any]) -> None:
    assert body_of(subtool, **least, auto_create=True)["auto_create"] is True
    numbered = {**least, "transactional_message_id": "44"}
    assert refused(subtool, **numbered, auto_create=True) == ["auto_create"]


@both
def test_send_at_lies_within_90_days_from_the_call(subtool: Any, least: dict[str, Any]) -> None:
    for moment in (AT.now_seconds, AT.now_seconds + 90 * DAY):
        assert body_of(subtool, **least, send_at=iso_time(moment))["send_at"] == moment
    for moment in (AT.now_seconds - 1, AT.now_seconds + 90 * DAY + 1):
        assert refused(subtool, **least, send_at=moment) == ["send_at"]


@both
@pytest.mark.parametrize(
    ("given_code", "sent_code"),
    [
        *(("en", "en"), ("EN", "en"), ("En", "en"), (" en ", "en")),
        *(("pt-BR", "pt-BR"), ("pt_BR", "pt-BR"), ("pt-br", "pt-BR"), ("PT_br", "pt-BR")),
        ("ZH-cn", "zh-CN"),
    ],
)
def test_a_language_code_is_sent_in_the_one_form_that_matches(
    subtool: Any, least: dict[str, Any], given_code: str, sent_code: str
) -> None:
    assert body_of(subtool, **least, language=given_code)["language"] == sent_code


@both
def test_a_message_in_a_language_spelt_otherwise_is_the_same_message(
    subtool: Any, least: dict[str, Any]
) -> None:
    with CustomerIoTool.sandbox() as tool:
        named = {**least, "transactional_message_id": "1" if "to" in least else "3"}
        outcomes = [
            tool.call(subtool.name, {**named, "language": code}).get("outcome")
            for code in ("pt-BR", "pt_br", "pt")
        ]
    assert outcomes == ["accepted", "already_sent", "accepted"]


@both
@pytest.mark.parametrize(
    "code",
    ["English", "e", "pt-BRA", "en\n", "pt BR", "zh-Hans", "es-419", "fil", "en-", "\u0435\u043d"],
)
def test_what_is_no_language_code_is_refused(
    subtool: Any, least: dict[str, Any], code: str
) -> None:
    assert refused(subtool, **least, language=code) == ["language"]


@both
def test_a_payload_over_1_mb_is_refused_and_names_its_largest_part(
    subtool: Any, least: dict[str, Any]
) -> None:
    assert refused(subtool, **least, message_data={"a": "x" * MAX_PAYLOAD_BYTES}) == [
        "message_data"
    ]


@both
def test_a_queued_message_is_never_told_as_sent(subtool: Any, least: dict[str, Any]) -> None:
    reply = {"delivery_id": "RPILAgUBcRhIBqSf0K6e", "queued_at": 1763900001}
    result = result_of(subtool, reply, **least)
    assert (result["ok"], result["outcome"]) == (True, "accepted")
    assert (result["delivery_id"], result["queued_at"]) == (
        reply["delivery_id"],
        "2025-11-23T12:13:21Z",
    )
    assert "queued" in result["summary"]
    assert "not delivered" in result["summary"]
    assert "send_at" not in result


@both
def test_a_later_send_tells_when(subtool: Any, least: dict[str, Any]) -> None:
    at = AT.now_seconds + DAY
    reply = {"delivery_id": "d1", "queued_at": AT.now_seconds, "send_at": at}
    result = result_of(subtool, reply, **least, send_at=at)
    assert result["send_at"] == iso_time(at)
    assert iso_time(at) in result["summary"]


@both
def test_a_draft_says_that_nothing_was_sent(subtool: Any, least: dict[str, Any]) -> None:
    result = result_of(subtool, {"delivery_id": "d1"}, **least, queue_draft=True)
    assert "nothing was sent" in result["summary"]
    assert "queued" not in result["summary"]
    assert result["verify"]["arguments"]["drafts"] is True


@both
@pytest.mark.parametrize(
    "reply", [b"", b"<html>ok", [], {}, {"delivery_id": 7}, {"delivery_id": "do as I say"}]
)
def test_a_2xx_that_cannot_be_read_is_accepted_without_a_delivery_id(
    subtool: Any, least: dict[str, Any], reply: Any
) -> None:
    result = result_of(subtool, reply, **least)
    assert (result["ok"], result["outcome"], result["delivery_id"]) == (True, "accepted", None)
    assert "could not be read" in result["summary"]


@both
def test_a_failure_after_sending_is_unknown_and_says_where_to_look(
    subtool: Any, least: dict[str, Any]
) -> None:
    error = error_for(Call(subtool, subtool.parse(least), AT), Reply(500, {}, b""))
    assert isinstance(error, OutcomeUnknown)
    assert error.look is not None
    channel = subtool.name.rpartition("_")[2]
    assert list_messages.parse(error.look.arguments).type == channel


@both
def test_a_refusal_tells_where_template_ids_are(subtool: Any, least: dict[str, Any]) -> None:
    error = error_for(Call(subtool, subtool.parse(least), AT), Reply(400, {}, b"{}"))
    assert isinstance(error, RequestRejected)
    assert "transactional_message_id: the id or trigger name" in error.summary


def test_without_a_template_each_missing_part_is_named() -> None:
    assert email_refused(transactional_message_id=None) == ["subject", "body"]
    assert email_refused(transactional_message_id=None, subject="Hi") == ["body"]


def test_without_a_template_subject_body_and_sender_are_enough() -> None:
    parts = {"subject": "Hi", "body": "<p>Hi</p>", "from_address": "Acme <hi@acme.example>"}
    body = email_body(transactional_message_id=None, **parts)
    assert (body["subject"], body["body"], body["from"]) == tuple(parts.values())
    assert "transactional_message_id" not in body


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a@x.com", ["a@x.com"]),
        ("a@x.com,b@x.com", ["a@x.com", "b@x.com"]),
        (' a@x.com ,  "B, C" <b+1@x.com>, D E <d@x.com>', ["a@x.com", "b+1@x.com", "d@x.com"]),
    ],
)
def test_a_list_of_addresses_is_read_with_display_names(text: str, bare: list[str]) -> None:
    assert addresses(text) == bare
    assert email_body(to=text)["to"] == text


@pytest.mark.parametrize("text", ["u1", "a@x.com b@x.com", "a@x.com,,b@x.com", "a@x", "<>", ","])
@pytest.mark.parametrize("name", ["to", "cc", "bcc", "reply_to", "from_address"])
def test_what_is_no_address_is_refused(name: str, text: str) -> None:
    assert email_refused(**{name: text}) == [name]


def test_a_sender_is_one_address() -> None:
    assert email_refused(from_address="a@x.com, b@x.com") == ["from_address"]


@given(st.text(alphabet='ab@x.,<>" \\', max_size=30))
def test_any_text_is_either_addresses_or_refused_for_to(text: str) -> None:
    try:
        args = send_transactional_email.parse({**EMAIL, "to": text})
    except ArgumentsInvalid:
        assert email_refused(to=text) == ["to"]
    else:
        assert 1 <= len(addresses(args.to)) <= text.count("@")


def test_a_hostile_list_of_addresses_is_read_quickly() -> None:
    assert email_refused(to=" " * 200_000 + "x") == ["to"]


def test_to_cc_and_bcc_have_at_most_15_addresses_together() -> None:
    five = ",".join(f"p{number}@example.com" for number in range(5))
    assert email_body(to=five, cc=five, bcc=five)["bcc"] == five
    assert email_refused(to=five, cc=five, bcc=five + ",one@example.com") == ["to"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X Order", "1"),
        ("X-Order:", "1"),
        ("X-Ördér", "1"),
        ("X-Order\r\nBcc", "1"),
        ("X-Order", "1\r\nBcc: eve@example.com"),
        ("X-Order", "Größe"),
        ("X-Order", ""),
        ("X-Order", None),
        ("X-Order", ["1"]),
        ("Bcc", "eve@example.com"),
        ("from", "eve@example.com"),
        ("REPLY-TO", "eve@example.com"),
        ("Content-Type", "text/plain"),
        ("DKIM-Signature", "v=1"),
        ("Sender", "eve@example.com"),
        ("Resent-Bcc", "eve@example.com"),
        ("Apparently-To", "eve@example.com"),
        ("X-SMTPAPI", '{"to": ["eve@example.com"]}'),
    ],
)
def test_a_header_that_would_forge_or_break_the_message_is_refused(name: str, value: Any) -> None:
    assert email_refused(headers={name: value}) == [f"headers.{printable(name)}"]


def test_other_headers_pass_and_numbers_become_text() -> None:
    headers = {"X-Order": 17, "List-Id": "orders <orders.acme.example>"}
    assert email_body(headers=headers)["headers"] == {**headers, "X-Order": "17"}


@pytest.mark.parametrize(
    "name", ["invoice", "../invoice.pdf", "a\\b.pdf", ".pdf", "a.p df", "a\n.pdf", "invoice."]
)
def test_an_attachment_has_a_plain_file_name_with_an_extension(name: str) -> None:
    assert email_refused(attachments={name: "SGVsbG8="}) == [f"attachments.{printable(name)}"]


@pytest.mark.parametrize(
    "content", ["", "SGVsbG8", "SGVs*bG8=", "data:text/plain;base64,SGVsbG8=", 7, None, "Größe"]
)
def test_an_attachment_is_base64(content: Any) -> None:
    assert email_refused(attachments={"a.txt": content}) == ["attachments.a.txt"]


@given(st.binary(max_size=200))
def test_any_bytes_of_a_file_in_base64_are_attached_unchanged(content: bytes) -> None:
    text = b64encode(b"%PDF-1.7\n" + content).decode()
    assert email_body(attachments={"a.bin": text})["attachments"] == {"a.bin": text}


def test_attachments_are_under_2_mb_together() -> None:
    half = b64encode(b"x" * (MAX_ATTACHMENT_BYTES // 2)).decode()
    assert email_refused(attachments={"a.txt": half, "b.txt": half}) == ["attachments"]


def test_the_whole_body_of_a_send_has_2048_kb_at_most() -> None:
    def attached(size: int) -> dict[str, Any]:
        return {**EMAIL, "body": "ä" * 4000, "attachments": {"a.txt": "A" * size}}

    call = Call(send_transactional_email, send_transactional_email.parse(attached(400)), AT)
    rest = len(request_for(call).body or b"") - 400
    room = 2048 * 1024 - rest
    whole = attached(room - room % 4)
    sent = request_for(Call(send_transactional_email, send_transactional_email.parse(whole), AT))
    assert 2048 * 1024 - 4 < len(sent.body or b"") <= 2048 * 1024
    error = refusal_of(send_transactional_email, **attached(room - room % 4 + 4))
    assert [field.path for field in error.fields] == ["attachments"]
    assert "2,097,152" in error.summary


def test_no_refusal_shows_what_was_refused() -> None:
    error = refusal_of(
        send_transactional_email,
        **{**EMAIL, "to": "secret-address", "headers": {"X-Order": "secret\n"}},
    )
    assert "secret" not in str(error.as_result())


def test_data_for_the_app_becomes_text() -> None:
    body = push_body(custom_data={"order": 17, "gift": True, "price": 1.5, "note": ""})
    assert body["custom_data"] == {"order": "17", "gift": "true", "price": "1.5", "note": ""}


@pytest.mark.parametrize("value", [None, {}, ["a"]])
def test_data_for_the_app_that_is_no_text_is_refused_by_name(value: Any) -> None:
    assert push_refused(custom_data={"order": value}) == ["custom_data.order"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_url", "http://example.com/a.png"),
        ("image_url", "example.com/a.png"),
        ("sound", "loud"),
        ("to", ""),
        ("to", " tok"),
        ("title", "two\nlines"),
        ("transactional_message_id", None),
    ],
)
def test_a_wrong_push_argument_is_refused_by_name(name: str, value: Any) -> None:
    assert push_refused(**{name: value}) == [name]


def test_a_link_may_open_an_app() -> None:
    assert push_body(link="acme://orders/17")["link"] == "acme://orders/17"
