from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import error_for
from customerio_tool.connection.exchange import Reply
from customerio_tool.subtools.broadcasts import trigger_broadcast
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
