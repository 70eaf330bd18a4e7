"""The keys and digests of a ledger stay as they are: workers of several versions share one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from customerio_tool.calls.call import Call
from customerio_tool.calls.message_keys import (
    addressee_key,
    budget_key,
    digest_of,
    explicit_key,
    fingerprint_of,
    is_comparable,
    is_key,
    lifetime,
    message_key,
    token_key,
)
from customerio_tool.calls.request import request_for
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Invocation


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("key_of", "parts", "text"),
    [
        (explicit_key, ("send", "w", "zoë"), '["explicit","send","w","zo\\u00eb"]'),
        (message_key, ("send", "w", "2:f", "r"), '["run","send","w","2:f","r"]'),
        (budget_key, ("w", "r"), '["budget","w","r"]'),
        (token_key, ("w", "1-0"), '["token","w","1-0"]'),
        (addressee_key, ("w", ("id", "u1"), "r"), '["addressee","w","id","u1","r"]'),
        (digest_of, ("send", "w", {"b": 1, "a": []}), '["message","send","w",{"a":[],"b":1}]'),
    ],
)
def test_a_key_is_made_as_versions_before_made_it(
    key_of: Callable[..., str], parts: tuple[Any, ...], text: str
) -> None:
    key = key_of(*parts)
    version = "2:" if key_of is digest_of else ""
    assert key == version + sha(text)
    assert is_comparable(key) is bool(version)
    assert is_key(key) is (not version)


@pytest.mark.parametrize("blank", ["", None])
def test_a_blank_run_is_none_in_every_key(blank: str | None) -> None:
    assert message_key("send", "w", "2:f", blank) == sha('["window","send","w","2:f"]')
    assert budget_key("w", blank) == sha('["budget","w"]')
    assert addressee_key("w", ("id", "u1"), blank) == sha('["addressee","w","id","u1",null]')
    assert lifetime("sent", is_explicit=False, run_id=blank) == 600.0


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"n": [2.0, -0.0, {"m": 3.0}], "k": 1.5}, '{"k":1.5,"n":[2,0,{"m":3}]}'),
        ({"n": 1e20, "t": (4.0, "4.0")}, '{"n":100000000000000000000,"t":[4,"4.0"]}'),
        ({"n": 2.5, "is": True}, '{"is":true,"n":2.5}'),
        ([1e20, 5], "[100000000000000000000,5]"),
        (["1.0 e+", 1.5, None], '["1.0 e+",1.5,null]'),
    ],
)
def test_equal_numbers_are_one_in_a_digest(written: Any, meant: str) -> None:
    text = '["message","send","w",' + meant + "]"
    assert digest_of("send", "w", written) == "2:" + sha(text)


@pytest.mark.parametrize("value", ["", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", 0])
def test_what_is_no_key_is_taken_for_none(value: object) -> None:
    assert not is_key(value)


AT = Invocation(now=1_763_900_000.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")


@pytest.mark.parametrize(
    ("name", "arguments", "what"),
    [
        ("delete_customer", {"customer_id": "u1"}, '["DELETE","/api/v1/customers/u1",null]'),
        ("list_segments", {}, '["GET","/v1/segments",null]'),
        (
            "create_manual_segment",
            {"name": "zoë"},
            '["POST","/v1/segments",{"segment":{"name":"zo\\u00eb"}}]',
        ),
        (
            "send_transactional_push",
            {"customer_id": "u1", "transactional_message_id": 3, "title": "A"},
            '{"identifiers":["id","u1"],"title":"A","transactional_message_id":3}',
        ),
        (
            "send_transactional_push",
            {"customer_id": "u1", "transactional_message_id": 3, "send_at": 1_763_900_600},
            '{"identifiers":["id","u1"],"send_at":1763900600,"transactional_message_id":3}',
        ),
    ],
)
def test_a_message_is_what_its_declaration_says_or_its_request(
    name: str, arguments: dict[str, Any], what: str
) -> None:
    subtool = find(name)
    call: Call[Any] = Call(subtool, subtool.parse(arguments), AT)
    text = f'["message","{name}","w",{what}]'
    assert fingerprint_of(call, request_for(call)) == "2:" + sha(text)
