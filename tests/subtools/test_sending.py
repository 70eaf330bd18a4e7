from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import error_for
from customerio_tool.connection.exchange import Reply
from customerio_tool.subtools.broadcasts import trigger_broadcast
from customerio_tool.subtools.segments import list_segments
from customerio_tool.subtools.transactional import (
    send_transactional_email,
    send_transactional_push,
)
from tests.subtools.calls import AT, body_of, refused

EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "welcome"}
PUSH = {"customer_id": "u1", "transactional_message_id": "shipped"}
FILES = {"attachments": {"setup.exe": "SGVsbG8="}}

both = pytest.mark.parametrize(
    ("subtool", "least"), [(send_transactional_email, EMAIL), (send_transactional_push, PUSH)]
)


def refusal_by(status: int, subtool: Any, **arguments: Any) -> str:
    """Return what a model is told of a refusal by Customer.io."""
    reply = Reply(status, {}, b"{}")
    return error_for(Call(subtool, subtool.parse(arguments), AT), reply).summary


def test_a_403_with_attachments_may_be_about_their_type() -> None:
    assert "attachments" in refusal_by(403, send_transactional_email, **EMAIL, **FILES)
    assert "attachments" not in refusal_by(403, send_transactional_email, **EMAIL)


@both
def test_a_403_names_all_that_may_forbid_a_send(subtool: Any, least: dict[str, Any]) -> None:
    told = refusal_by(403, subtool, **least)
    for cause in ("not approved", "owner's e-mail", "Do Not Send", "IP addresses", "scope"):
        assert cause in told


def test_a_403_of_a_read_is_not_about_sending() -> None:
    told = refusal_by(403, list_segments)
    assert "IP addresses" in told
    assert "Do Not Send" not in told


def test_a_401_of_the_app_api_may_be_about_the_address_of_the_machine() -> None:
    assert "IP addresses" in refusal_by(401, list_segments)


def test_an_email_without_a_template_needs_no_sender() -> None:
    body = body_of(
        send_transactional_email, to="ada@example.com", customer_id="u1", subject="Hi", body="Hi"
    )
    assert "from" not in body
    assert "transactional_message_id" not in body


@both
@pytest.mark.parametrize("text", ["+14155550123", "+1 (415) 555-0123", "tel:+44 20 7946 0958"])
def test_a_phone_number_is_no_recipient_unless_it_is_an_id(
    subtool: Any, least: dict[str, Any], text: str
) -> None:
    assert refused(subtool, **{**least, "customer_id": text}) == ["customer_id"]
    body = body_of(subtool, **{**least, "customer_id": text, "id_type": "id"})
    assert body["identifiers"] == {"id": text}


def test_a_413_is_about_the_size_and_no_id() -> None:
    email = refusal_by(413, send_transactional_email, **EMAIL, **FILES)
    assert "too large" in email
    assert "attachments" in email.lower()
    assert "transactional_message_id" not in email
    assert "broadcast_id" not in refusal_by(
        413, trigger_broadcast, broadcast_id=30, audience="default"
    )


@both
@pytest.mark.parametrize("customer_id", ["bob", "cio_d9c106000001", "17"])
def test_an_identifier_that_is_no_address_is_not_sent_as_one(
    subtool: Any, least: dict[str, Any], customer_id: str
) -> None:
    given = {**least, "customer_id": customer_id, "id_type": "email"}
    assert refused(subtool, **given) == ["customer_id"]


@both
def test_an_address_may_be_sent_as_an_id(subtool: Any, least: dict[str, Any]) -> None:
    body = body_of(subtool, **{**least, "customer_id": "ada@example.com", "id_type": "id"})
    assert body["identifiers"] == {"id": "ada@example.com"}
