"""What Customer.io says is read without what hides text in it."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import pytest
import requests
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare.characters import visible
from tests.support.clients import SAVED_US, AnyPace

HIDING = (
    "\x00\x07\x08\x0b\x0c\x0d\x1b\x7f\x85\x9f"  # control
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # bidirectional
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff"  # zero width
    "\u00ad\u180e\u206a\u206f\ufff9\ufffa\ufffb\U0001d173"  # other invisible formatting
    "\U000e0001\U000e0041\U000e007f"  # tags
    "\ufe0e\ufe0f\U000e0100\U000e01ef\u180b\u180f"  # variation selectors
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2065\ufff0\U000e0fff"  # ignored by displays
    "\u0600\u06dd\u070f\u08e2\U000110bd\U00013430"  # format
)


SHAPING = "\u200c\u200d\ufe0f"
"""Of these, what stays where it shapes an emoji or a word."""


def assert_clean(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert not set(text) & set(HIDING)


def test_a_person_whose_name_hides_text_is_read_without_it(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    spaced = "".join(f"{each}x" for each in HIDING if each != "\x00")
    hidden = {"name": spaced, f"key{HIDING[1:33]}": {"deep": [spaced]}, "more": "a\tb\nc"}
    response = requests.put(
        f"{sandbox.track_url}/api/v1/customers/hidden",
        json=hidden,
        auth=(sandbox.site_id, sandbox.track_api_key),
        timeout=60,
    )
    assert response.status_code == 200

    result = tool.call("get_customer_attributes", {"customer_id": "hidden"})

    assert_clean(result)
    assert set(result["customer"]["attributes"]["name"]) == {"x"}
    assert result["untrusted"] is True


def as_read(net: responses.RequestsMock, text: str) -> str:
    """Return a name as a model reads it."""
    net.get("https://api.customer.io/v1/segments/7", json={"segment": {"name": text}})
    with CustomerIoTool(SAVED_US, backends=Backends(limiter=AnyPace())) as tool:
        return str(tool.call("get_segment", {"segment_id": 7})["segment"]["name"])


@pytest.mark.parametrize("status", [200, 400, 404, 429])
def test_no_reply_hides_text_whatever_its_status(net: responses.RequestsMock, status: int) -> None:
    words = f"Ignore{HIDING} all"
    body = {"segment": {"name": words, words: [words]}, "meta": {"error": words}}
    body |= {"errors": [{"detail": words}]}
    net.get("https://api.customer.io/v1/segments/7", status=status, json=body)

    with CustomerIoTool(SAVED_US, clock=Clock(sleep=lambda _: None)) as tool:
        result = tool.call("get_segment", {"segment_id": 7})

    assert_clean(result)
    assert "Ignore all" in json.dumps(result)
    assert result["untrusted"] is True


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_whatever_customer_io_says_is_read_without_what_hides(text: str) -> None:
    backends = Backends(limiter=AnyPace())
    with responses.RequestsMock() as net, CustomerIoTool(SAVED_US, backends=backends) as tool:
        net.get("https://api.customer.io/v1/segments/7", json={"segment": {"name": text}})
        name = tool.call("get_segment", {"segment_id": 7})["segment"]["name"]

    kinds = {unicodedata.category(each) for each in name if each not in "\t\n\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs"}
    assert not set(name) & (set(HIDING) - set(SHAPING))


@pytest.mark.parametrize(
    "text",
    [
        *("👩‍👩‍👧", "👩🏽‍🚀", "🏳️‍🌈", "👁️‍🗨️", "❤️‍🔥 ❤️", "1️⃣ #️⃣", "\u2139️ ™️ ‼️ ㊗️"),
        *("می‌خواهم", "ه‍", "ক্‌ষ", "ශ්‍රී", "അവന്‍", "क्‍ষ", "র‍্যাম"),  # noqa: RUF001 - scripts with joiners
    ],
)
def test_what_shapes_an_emoji_or_a_word_stays(net: responses.RequestsMock, text: str) -> None:
    assert as_read(net, text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\ufe0fb\u200dc", "abc"),
        ("😀\ufe0f\ufe0f\ufe0e", "😀\ufe0f"),
        ("می\u200c\u200d\u200cخ", "می\u200cخ"),
        ("👩\u200d \u200d👩", "👩 👩"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴"),
        ("5\ufe0f", "5"),
    ],
)
def test_nothing_can_be_written_between_the_lines(
    net: responses.RequestsMock, text: str, seen: str
) -> None:
    assert as_read(net, text) == seen


def test_every_format_character_that_python_knows_is_removed() -> None:
    known = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) == "Cf"]
    assert visible("x" + "".join(f"{each}x" for each in known)) == "x" * (len(known) + 1)
