"""An allow-list holds for every way in which a message finds its recipient."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, code_of
from tests.support.policies import (
    ALLOWED,
    EVENT,
    OPENED,
    TO_FILE,
    WRITES,
    call,
    paths_of,
    tool_with,
)

PUSH = {"customer_id": "ada@example.com", "transactional_message_id": "3"}
BROADCAST = {"broadcast_id": 30, "audience": "emails"}
PER_USER = {"broadcast_id": 30, "audience": "per_user_data"}
INVITE = {"name": "invited"}

WITHIN: dict[str, tuple[str, dict[str, Any]]] = {
    "an allowed address": ("send_transactional_email", EMAIL),
    "its letters in another case": ("send_transactional_email", {**EMAIL, "to": "ADA@Example.COM"}),
    "an allowed domain": ("send_transactional_email", {**EMAIL, "to": "bob@example.org"}),
    "a display name": ("send_transactional_email", {**EMAIL, "to": '"B, Ada" <ada@example.com>'}),
    "copies that are allowed": (
        "send_transactional_email",
        {**EMAIL, "cc": "bob@example.org", "bcc": "bob@EXAMPLE.org, ada@example.com"},
    ),
    "a push to an address": ("send_transactional_push", PUSH),
    "a broadcast to addresses": (
        "trigger_broadcast",
        {**BROADCAST, "emails": ["ada@example.com", "x@example.org"]},
    ),
    "a broadcast with data for addresses": (
        "trigger_broadcast",
        {**PER_USER, "per_user_data": [{"email": "ada@example.com", "data": {"a": 1}}]},
    ),
    "an invitation of an allowed address": (
        "track_anonymous_event",
        {**INVITE, "recipient": "x@example.org"},
    ),
    "an event that redirects to an allowed address": (
        "track_event",
        {**EVENT, "data": {"recipient": "ada@example.com"}},
    ),
    "an event": ("track_event", EVENT),
    "a page view": ("track_page_view", {"customer_id": "u1", "url": "/"}),
    "an identify": ("identify_customer", {"customer_id": "u1", "email": "new@elsewhere.example"}),
    "an addition to a segment": ("add_to_segment", {"segment_id": 1, "customer_ids": ["u1"]}),
    "a read": ("get_segment", {"segment_id": 1}),
    "a deletion": ("delete_customer", {"customer_id": "u1"}),
}

BEYOND: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "to": ("send_transactional_email", {**EMAIL, "to": "eve@evil.example"}, ["to"]),
    "the second of to": (
        "send_transactional_email",
        {**EMAIL, "to": "ada@example.com, eve@evil.example"},
        ["to[1]"],
    ),
    "cc": ("send_transactional_email", {**EMAIL, "cc": "eve@evil.example"}, ["cc"]),
    "bcc": ("send_transactional_email", {**EMAIL, "bcc": "eve@evil.example"}, ["bcc"]),
    "a subdomain": ("send_transactional_email", {**EMAIL, "to": "a@mail.example.org"}, ["to"]),
    "a longer domain": ("send_transactional_email", {**EMAIL, "to": "a@notexample.org"}, ["to"]),
    "an allowed domain as name": (
        "send_transactional_email",
        {**EMAIL, "to": "ada@example.com <eve@evil.example>"},
        ["to"],
    ),
    "an address in the display name": (
        "send_transactional_email",
        {**EMAIL, "to": '"x, eve@evil.example, y" <ada@example.com>'},
        ["to"],
    ),
    "a letter that folds into another": (
        "send_transactional_email",
        {**EMAIL, "to": "\N{KELVIN SIGN}ate@example.co\N{LATIN SMALL LETTER M WITH DOT BELOW}"},
        ["to"],
    ),
    "a display name that a template fills in": (
        "send_transactional_email",
        {**EMAIL, "to": "{{trigger.evil}} <ada@example.com>"},
        ["to"],
    ),
    "an address that a template begins": (
        "send_transactional_email",
        {**EMAIL, "to": "{{trigger.evil}}ada@example.com"},
        ["to"],
    ),
    "an address hidden in an encoded name": (
        "send_transactional_email",
        {**EMAIL, "to": "=?utf-8?q?eve=40evil.example=2C?= <ada@example.com>"},
        ["to"],
    ),
    "an address that an allowed host would pass on": (
        "send_transactional_email",
        {**EMAIL, "to": "eve%evil.example@example.org"},
        ["to"],
    ),
    "a header that holds an address": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-Order": "1", "X-MC-BccAddress": "eve@evil.example"}},
        ["headers.X-MC-BccAddress"],
    ),
    "a header that orders a mail server about": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-MSYS-API": '{"bcc": ["eve\\u0040evil.example"]}'}},
        ["headers.X-MSYS-API"],
    ),
    "a header whose address is an encoded word": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-MC-BccAddress": "=?utf-8?B?ZXZlQGV2aWwuZXhhbXBsZQ==?="}},
        ["headers.X-MC-BccAddress"],
    ),
    "a header whose address is an encoded word of another set": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-Copy": "eve =?ISO-8859-1?q?=40evil=2Eexample?="}},
        ["headers.X-Copy"],
    ),
    "a header whose address is encoded as in a URL": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-Copy": "copy*=utf-8''eve%40evil.example"}},
        ["headers.X-Copy"],
    ),
    "a header whose address is encoded as in JSON": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-Copy": '["eve\\u0040evil.example"]'}},
        ["headers.X-Copy"],
    ),
    "a header whose address is encoded as in a page": (
        "send_transactional_email",
        {**EMAIL, "headers": {"X-Copy": "eve&#64;evil.example"}},
        ["headers.X-Copy"],
    ),
    "a broadcast to an encoded word": (
        "trigger_broadcast",
        {**BROADCAST, "emails": ["=?utf-8?q?eve=40evil.example?=@example.org"]},
        ["emails[0]"],
    ),
    "two recipients under one name": (
        "track_event",
        {**EVENT, "data": {"recipient": "ada@example.com", "Recipient": "eve@evil.example"}},
        ["data.recipient"],
    ),
    "a push to an id": ("send_transactional_push", {**PUSH, "customer_id": "u1"}, ["customer_id"]),
    "a push to an address that is said to be an id": (
        "send_transactional_push",
        {**PUSH, "id_type": "id"},
        ["customer_id"],
    ),
    "a push to another address": (
        "send_transactional_push",
        {**PUSH, "customer_id": "eve@evil.example"},
        ["customer_id"],
    ),
    "a push to a device that it adds": (
        "send_transactional_push",
        {**PUSH, "custom_device": {"token": "t", "platform": "ios"}},
        ["custom_device"],
    ),
    "one address of a broadcast": (
        "trigger_broadcast",
        {**BROADCAST, "emails": ["ada@example.com", "eve@evil.example"]},
        ["emails[1]"],
    ),
    "a broadcast to its own audience": (
        "trigger_broadcast",
        {"broadcast_id": 30, "audience": "default"},
        ["audience"],
    ),
    "a broadcast to ids": (
        "trigger_broadcast",
        {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": ["ada@example.com"]},
        ["customer_ids"],
    ),
    "a broadcast to a filter": (
        "trigger_broadcast",
        {"broadcast_id": 30, "audience": "filter", "filter": {"segment": {"id": 1}}},
        ["filter"],
    ),
    "a broadcast to a file": ("trigger_broadcast", TO_FILE, ["data_file_url"]),
    "a broadcast with data for an id": (
        "trigger_broadcast",
        {**PER_USER, "per_user_data": [{"email": "ada@example.com"}, {"id": "u1"}]},
        ["per_user_data[1].id"],
    ),
    "a broadcast with data for another address": (
        "trigger_broadcast",
        {**PER_USER, "per_user_data": [{"email": "eve@evil.example"}]},
        ["per_user_data[0].email"],
    ),
    "an invitation": (
        "track_anonymous_event",
        {**INVITE, "recipient": "eve@evil.example"},
        ["recipient"],
    ),
    "an event that redirects": (
        "track_event",
        {**EVENT, "data": {"recipient": "eve@evil.example"}},
        ["data.recipient"],
    ),
    "an anonymous event that redirects": (
        "track_anonymous_event",
        {**INVITE, "anonymous_id": "v1", "data": {"recipient": "eve@evil.example"}},
        ["data.recipient"],
    ),
    "a page view that redirects": (
        "track_page_view",
        {"customer_id": "u1", "url": "/", "data": {"recipient": "eve@evil.example"}},
        ["data.recipient"],
    ),
    "a recipient under a name in other letters": (
        "track_event",
        {**EVENT, "data": {" Recipient": "eve@evil.example"}},
        ["data.recipient"],
    ),
}


@pytest.mark.parametrize("case", WITHIN)
def test_what_stays_on_the_allow_list_passes(net: responses.RequestsMock, case: str) -> None:
    name, arguments = WITHIN[case]
    tool = tool_with(allowed_recipients=ALLOWED, dry_run=True, **OPENED)
    assert call(tool, name, arguments)["ok"]


@pytest.mark.parametrize("case", BEYOND)
def test_what_leaves_the_allow_list_is_refused_and_named(
    net: responses.RequestsMock, case: str
) -> None:
    name, arguments, paths = BEYOND[case]
    result = call(tool_with(allowed_recipients=ALLOWED, **OPENED), name, arguments)

    assert code_of(result) == "policy_refused"
    assert paths_of(result) == paths
    assert paths[0] in result["summary"]
    assert "evil" not in json.dumps(result)
    assert len(net.calls) == 0

    without_list = call(tool_with(dry_run=True, **OPENED), name, arguments)
    assert without_list["ok"], "the allow-list alone may be what refuses it"


@pytest.mark.parametrize(
    "name",
    [
        "identify_customer",
        "track_event",
        "track_anonymous_event",
        "track_page_view",
        "add_to_segment",
        "remove_from_segment",
        "add_device",
        "merge_customers",
    ],
)
def test_what_opens_the_reach_of_messages_needs_leave_under_an_allow_list(
    net: responses.RequestsMock, name: str
) -> None:
    arguments = dict(subtools()[name].examples[0].arguments)
    result = call(tool_with(allowed_recipients=ALLOWED), name, arguments)
    assert code_of(result) == "policy_refused"
    assert "campaigns" in result["summary"] or "where messages to a person go" in result["summary"]
    assert "allow_triggers" in result["summary"]
    assert len(net.calls) == 0
    allowed = tool_with(allowed_recipients=ALLOWED, allow_triggers=True, dry_run=True)
    assert call(allowed, name, arguments)["ok"]


@pytest.mark.parametrize("name", [n for n in WRITES if subtools()[n].effect.word == "send"])
def test_an_empty_allow_list_allows_nobody(net: responses.RequestsMock, name: str) -> None:
    for example in subtools()[name].examples:
        result = call(tool_with(allowed_recipients=[]), name, dict(example.arguments))
        assert code_of(result) == "policy_refused"
    assert len(net.calls) == 0


def test_ten_thousand_strangers_are_not_listed_one_by_one(net: responses.RequestsMock) -> None:
    emails = [f"p{number}@evil.example" for number in range(10_000)]
    result = call(
        tool_with(allowed_recipients=ALLOWED), "trigger_broadcast", {**BROADCAST, "emails": emails}
    )
    assert len(paths_of(result)) == 20
    assert "9,999 more" in result["summary"]


def test_an_allowed_message_reaches_its_recipient_and_no_other_goes_out(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), allowed_recipients=["example.com"]) as tool:
        assert tool.call("send_transactional_email", EMAIL)["ok"]
        before = len(sandbox.requests())
        refused = tool.call("send_transactional_email", {**EMAIL, "bcc": "eve@evil.example"})
    assert code_of(refused) == "policy_refused"
    assert len(sandbox.requests()) == before


def test_no_push_reaches_a_phone_that_the_agent_gave_to_a_listed_person(sandbox: Sandbox) -> None:
    phone = {"customer_id": "ada+test@example.com", "device_id": "eves-phone", "platform": "ios"}
    push = {"customer_id": "ada+test@example.com", "transactional_message_id": "3"}
    merge = {"primary_id": "ada+test@example.com", "secondary_id": "eve"}
    with tool_with(sandbox.connection(), allowed_recipients=["example.com"]) as tool:
        assert code_of(tool.call("add_device", phone)) == "policy_refused"
        assert code_of(tool.call("merge_customers", merge)) == "policy_refused"
        assert sandbox.requests() == []
        assert tool.call("send_transactional_push", push)["ok"]


@pytest.mark.parametrize(
    "policy",
    [
        {"allowed_recipients": ALLOWED},
        {"allowed_recipients": []},
        {"allowed_recipients": [], "allow_triggers": True},
        {"allowed_recipients": ALLOWED, "allow_triggers": True},
        {"read_only": True},
        {"send_budget": 0},
        {"send_budget": 0, "dry_run": True},
        {"send_budget": 100},
        {},
    ],
    ids=str,
)
def test_a_subtool_that_no_arguments_can_run_is_not_listed(
    policy: dict[str, Any], sandbox: Sandbox
) -> None:
    """What is not listed is refused before its arguments; what is listed runs with some."""
    with tool_with(sandbox.connection(), **policy) as tool:
        listed = tool.subtools()
        assert [definition["name"] for definition in tool.definitions()] == listed
        for name in set(subtools()) - set(listed):
            assert code_of(tool.call(name, {})) == "policy_refused"
        for name in listed:
            assert code_of(tool.call(name, "{")) == "arguments_invalid"
            examples = [dict(example.arguments) for example in subtools()[name].examples]
            some = [*examples, *(within for of, within in WITHIN.values() if of == name)]
            codes = {code_of(tool.call(name, arguments)) for arguments in some}
            assert codes != {"policy_refused"}, name
