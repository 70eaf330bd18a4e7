from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import Api

HUGE = 10**30
SEND = {"to": "a@example.com", "identifiers": {"id": "u1"}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/send/push", {**SEND, "transactional_message_id": 3, "title": {"a": 1}}),
        ("POST", "/v1/send/push", {**SEND, "transactional_message_id": 3, "to": ["x"]}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": HUGE}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": True}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": "²"}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": "9" * 5000}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": 1, "send_at": "²"}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": 1, "send_at": "9" * 5000}),
        ("POST", "/v1/send/email", {**SEND, "transactional_message_id": 1, "subject": {"a": 1}}),
        (
            "POST",
            "/v1/send/email",
            {**SEND, "transactional_message_id": 1, "attachments": {"a": 5}},
        ),
        ("POST", "/v1/campaigns/30/triggers", {"recipients": {"segment": {"id": HUGE}}}),
        ("POST", "/v1/campaigns/30/triggers", {"ids": [["u1"]]}),
        ("PUT", "/api/v1/customers/x", {"email": 5}),
        ("PUT", "/api/v1/customers/x", {"cio_relationships": {"relationships": [5]}}),
        ("POST", "/api/v1/customers/x/events", {"name": "a", "id": 7}),
        ("PUT", "/api/v1/customers/x/devices", {"device": {"id": "t", "platform": [1]}}),
        ("POST", "/api/v2/entity", {"type": ["x"]}),
        (
            "POST",
            "/api/v2/entity",
            {"type": "person", "action": "identify", "identifiers": {"id": "i" * 151}},
        ),
        ("POST", f"/api/v1/segments/{HUGE}/add_customers", {"ids": ["u1"]}),
        ("GET", f"/v1/messages?start_ts={HUGE}", None),
        ("GET", f"/v1/campaigns/{HUGE}", None),
    ],
)
def test_a_value_of_the_wrong_kind_or_size_is_refused_not_stumbled_over(
    api: Api, method: str, path: str, body: Any
) -> None:
    """The client is told, 4xx."""
    call = api.track if path.startswith("/api/") else api.app
    assert 400 <= call(method, path, body).status_code < 500


@pytest.mark.parametrize("body", [b'{"a":"\xed\xa0\x80"}', b'{"a":"\xff"}', b"\xff\xfe"])
def test_a_body_in_no_encoding_is_malformed(api: Api, body: bytes) -> None:
    assert api.raw("PUT", "/api/v1/customers/x", body, api.basic())[0] == 400


def test_odd_values_are_stored_and_read_back(api: Api) -> None:
    """Integers beyond 64 bits, a NUL, and bytes that are no UTF-8 in a path."""
    api.identify("x", big=10**40, text="a\0b")
    values = api.attributes("x")
    assert (values["big"], values["text"]) == (str(10**40), "a\0b")
    status, _ = api.raw("PUT", "/api/v1/customers/%FF%00", b"{}", api.basic())
    assert status == 200
    assert api.known("\ufffd\0")
