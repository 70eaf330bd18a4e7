"""No key reaches a result, however an answer spells it."""

from __future__ import annotations

import base64
import html
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from customerio_tool import Clock, Connection, CustomerIoTool
from customerio_tool.connection.masking import KeyMask
from customerio_tool.subtools.declare import Api
from tests.support.answers import session_with
from tests.support.clients import SITE

TRACK, APP = "tRk+0b9c/41d2", 'app"77d3&e8f6'
SAVED = {"site_id": SITE, "track_api_key": TRACK, "app_api_key": APP, "region": "us"}

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in lower case": str.lower,
    "split by characters that do not show": "\u200b".join,
    "split by variation selectors": "\ufe0f".join,
    "split by lines": "\n".join,
    "percent-encoded": lambda key: quote(key, safe=""),
    "percent-encoded whole": lambda key: "".join(f"%{ord(each):02x}" for each in key),
    "percent-encoded twice": lambda key: quote(quote(key, safe=""), safe=""),
    "as HTML": html.escape,
    "as HTML entities": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "as hexadecimal HTML entities": lambda key: "".join(f"&#x{ord(each):X};" for each in key),
    "percent-encoded, then HTML": lambda key: "".join(f"&#37;{ord(each):02x}" for each in key),
    "as JSON": lambda key: json.dumps({"k": key}),
    "as JSON escapes": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "as JSON in JSON": lambda key: json.dumps(json.dumps(key)),
    "as code points in braces": lambda key: "".join(f"\\u{{{ord(each):x}}}" for each in key),
    "as long code points": lambda key: "".join(f"\\U{ord(each):08x}" for each in key),
    "as octal escapes": lambda key: "".join(f"\\{ord(each):03o}" for each in key),
    "quoted-printable": lambda key: "".join(f"={ord(each):02X}" for each in key),
    "in wide letters": lambda key: "".join(chr(ord(each) + 0xFEE0) for each in key),
    "in bytes with colons": lambda key: key.encode().hex(":"),
    "in a URL": lambda key: f"https://{key.lower()}.example.com/?k={quote(key)}",
    "in base64": lambda key: base64.b64encode(key.encode()).decode(),
    "in base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "within base64": lambda key: base64.b64encode(f"key={key}; more".encode()).decode(),
    "in hexadecimal": lambda key: key.encode().hex(),
    "in Basic credentials": lambda key: (
        "Basic " + base64.b64encode(f"{SITE}:{key}".encode()).decode()
    ),
}


def unfolded(text: str) -> str:
    """Return a text without what hides a key in it, so that a search finds one."""
    return text.replace("\u200b", "").replace("\ufe0f", "").replace("\n", "").lower()


@pytest.mark.parametrize("key", [TRACK, APP])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 500])
def test_no_key_reaches_a_result_or_a_log(
    key: str, spelling: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    spelt = SPELLINGS[spelling](key)
    words = f"The key {spelt} is wrong"
    reply: dict[str, Any] = {
        "meta": {"error": words},
        "customer": {"id": "u1", spelt: words, "attributes": {"said": [words]}},
    }
    session = session_with(reply, status, {"Location": f"https://{spelt.encode().hex()}.example"})

    with CustomerIoTool(SAVED, session=session, clock=Clock(sleep=lambda _: None)) as tool:
        result = tool.call("get_customer_attributes", {"customer_id": "u1"})

    for shown in (json.dumps(result, ensure_ascii=False), str(result), caplog.text):
        assert unfolded(spelt) not in unfolded(shown)
        assert key.lower() not in unfolded(shown)
    assert "***" in str(result)


def test_words_round_a_key_stay() -> None:
    mask = KeyMask(Connection.load(SAVED))

    assert mask(f"the key {quote(TRACK)} of 100% is wrong") == "the key *** of 100% is wrong"
    assert mask("a text & 50% more \\ nothing") == "a text & 50% more \\ nothing"
    assert mask(f"{SITE} kept") == f"{SITE} kept"


def test_a_letter_with_a_longer_lower_case_hides_no_key() -> None:
    mask = KeyMask(Connection.load(SAVED))

    assert mask(f"\u0130 {TRACK} \u0130 {TRACK.upper()}") == "\u0130 *** \u0130 ***"


def test_a_mask_shows_no_key() -> None:
    mask = KeyMask(Connection.load(SAVED))

    assert TRACK not in f"{mask!r} {mask}"
    assert not hasattr(mask, "__dict__")


def test_a_key_too_short_to_be_one_does_not_garble_a_reply() -> None:
    mask = KeyMask(Connection.load({"app_api_key": "1"}, apis={Api.APP}))

    assert mask('{"id": 112}') == '{"id": 112}'
