from __future__ import annotations

from typing import Any

from customerio_tool import wire
from customerio_tool.subtools.broadcasts import trigger_broadcast
from customerio_tool.subtools.transactional import send_transactional_email
from tests.subtools.calls import AT

EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "welcome"}
FILES = {"attachments": {"setup.exe": "SGVsbG8="}}


def refusal_by(status: int, subtool: Any, **arguments: Any) -> str:
    """Return what a model is told of a refusal by Customer.io."""
    reply = wire.Reply(status, {}, b"{}")
    return wire.error_for(subtool, subtool.parse(arguments), AT, reply).summary


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
