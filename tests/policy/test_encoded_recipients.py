"""Under an allow-list no address hides in an encoding, in another spelling or in a raw push."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from tests.support.clients import EMAIL, code_of
from tests.support.policies import ALLOWED, EVENT, OPENED, call, paths_of, tool_with

ENCODED = {
    "an address as in a URL": "eve%40evil.example",
    "an address as in a URL in a URL": "eve%2540evil.example",
    "an address as in HTML": "eve&#64;evil.example",
    "an address by a name of HTML": "eve&commat;evil.example",
    "an address as in quoted-printable": "eve=40evil.example",
    "an address as in JSON": "eve\\u0040evil.example",
    "a list as in HTML": "x&comma;eve",
    "a list as in a URL": "x%2Ceve",
    "a wide @": "eve\uff20evil.example",
}
PLAIN = ("Ada & Sons, 50% off", "Zoë O'Neil", "a=b; c/d", "order #64", "C&A")
PUSH = {"customer_id": "ada@example.com", "transactional_message_id": "3"}


def refused_at(name: str, arguments: dict[str, Any]) -> list[str]:
    result = call(tool_with(allowed_recipients=ALLOWED, **OPENED), name, arguments)
    assert "evil" not in json.dumps(result)
    open_result = call(tool_with(dry_run=True, **OPENED), name, arguments)
    # What is no address at all is refused under every policy.
    assert code_of(result) == ("policy_refused" if open_result["ok"] else code_of(open_result))
    return paths_of(result)


@pytest.mark.parametrize("what", ENCODED)
def test_no_address_hides_in_an_encoding(net: responses.RequestsMock, what: str) -> None:
    hidden = ENCODED[what]
    mail = "send_transactional_email"
    blast = {"broadcast_id": 30, "audience": "emails", "emails": [f"{hidden}@example.org"]}
    assert refused_at("trigger_broadcast", blast) == ["emails[0]"]
    assert refused_at(mail, {**EMAIL, "to": f"{hidden}@example.org"}) == ["to"]
    assert refused_at(mail, {**EMAIL, "cc": f"{hidden} <ada@example.com>"}) == ["cc"]
    redirected = {**EVENT, "data": {"recipient": f"{hidden}@example.org"}}
    assert refused_at("track_event", redirected) == ["data.recipient"]
    if hidden.isascii():
        header = {**EMAIL, "headers": {"X-Copy": hidden}}
        assert refused_at(mail, header) == ["headers.X-Copy"]
    assert len(net.calls) == 0


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_name_or_header_passes(net: responses.RequestsMock, text: str) -> None:
    tool = tool_with(allowed_recipients=ALLOWED, dry_run=True)
    named = {**EMAIL, "cc": f'"{text}" <ada@example.com>'}
    given = {**named, "headers": {"X-Note": text}} if text.isascii() else named
    assert call(tool, "send_transactional_email", given)["ok"]


@pytest.mark.parametrize("name", ["reci\u00adpi\u200bent", "\uff32ecipient", " RECIPIENT\u00a0"])
def test_a_redirection_is_seen_in_every_spelling(net: responses.RequestsMock, name: str) -> None:
    given = {**EVENT, "data": {name: "eve@evil.example"}}
    assert refused_at("track_event", given) == ["data.recipient"]
    closed = call(tool_with(), "track_event", given)
    assert code_of(closed) == "arguments_invalid"
    assert len(net.calls) == 0


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"android": {"message": {"token": "evil", "data": {}}}}, "android.message.token"),
        ({"ios": {"message": {"condition": "'a' in topics"}}}, "ios.message.condition"),
        ({"ios": {"aps": {"alert": "a"}, "Topic": "news"}}, "ios.Topic"),
        ({"android": {"registration_ids": ["evil"]}}, "android.registration_ids"),
    ],
)
def test_a_raw_push_that_names_devices_is_refused(
    net: responses.RequestsMock, payload: dict[str, Any], path: str
) -> None:
    given = {**PUSH, "custom_payload": payload}
    assert refused_at("send_transactional_push", given) == [f"custom_payload.{path}"]
    assert len(net.calls) == 0


def test_a_raw_push_may_give_the_app_any_data(net: responses.RequestsMock) -> None:
    payload = {"android": {"message": {"data": {"to": "home", "token": "x"}}}}
    tool = tool_with(allowed_recipients=ALLOWED, dry_run=True)
    assert call(tool, "send_transactional_push", {**PUSH, "custom_payload": payload})["ok"]
