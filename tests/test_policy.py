"""A policy holds where calls run: what it refuses never reaches the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from customerio_tool import CallContext, CustomerIoTool, Policy
from customerio_tool.budget import MAX_RUNS
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.policy import PRESETS
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools

NOW = 1_795_435_200.5  # 2026-11-23 12:00 UTC
SAVED = {
    "site_id": "site-5e1f77a0",
    "track_api_key": "track-0b9c41d2",
    "app_api_key": "app-77d3e8f6",
    "region": "us",
}
READS = [name for name, subtool in subtools().items() if subtool.effect.read_only]
WRITES = [name for name, subtool in subtools().items() if not subtool.effect.read_only]
ARGUMENTS = sorted({name for each in subtools().values() for name in each.argument_names})
EXAMPLES = {
    f"{name}-{number}": (name, example)
    for name, subtool in subtools().items()
    for number, example in enumerate(subtool.examples, start=1)
}

EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
PUSH = {"customer_id": "ada@example.com", "transactional_message_id": "3"}
EVENT = {"customer_id": "u1", "name": "paid"}


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    """A network where nothing is registered: whatever goes out is seen, and fails."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def tool_with(saved: Any = SAVED, /, **policy: Any) -> CustomerIoTool:
    return CustomerIoTool(saved, policy=policy, clock=lambda: NOW, sleep=lambda _: None)


def call(tool: CustomerIoTool, name: str, arguments: Any, run: str | None = None) -> dict[str, Any]:
    with tool:
        return tool.call(name, arguments, context=CallContext(run_id=run))


def code_of(result: dict[str, Any]) -> str:
    return "" if result["ok"] else str(result["error"]["code"])


def paths_of(result: dict[str, Any]) -> list[str]:
    return [field["path"] for field in result["error"].get("fields", [])]


def problems_of(given: Any) -> dict[str, str]:
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.load(given)
    return {problem.path: problem.problem for problem in caught.value.fields}


# Where a policy comes from


def test_text_means_what_it_says() -> None:
    told = Policy.load(
        {
            "enabled": " get_campaign, list_campaigns ,",
            "read_only": " TRUE ",
            "dry_run": "off",
            "allowed_recipients": '["ada@example.com", "@Example.org"]',
            "allow_triggers": "1",
            "send_budget": " 5 ",
            "hidden_attributes": "SSN,iban",
            "confirm": "Human",
        }
    )
    assert told == Policy(
        enabled={"list_campaigns", "get_campaign"},
        read_only=True,
        allowed_recipients=["ada@example.com", "@Example.org"],
        allow_triggers=True,
        send_budget=5,
        hidden_attributes=["ssn", "IBAN"],
        confirm="human",
    )


def test_a_null_is_not_given() -> None:
    nothing: dict[str, object] = dict.fromkeys(Policy.model_fields)
    assert Policy.load(nothing) == Policy()
    assert Policy.load({"preset": "read_only", "read_only": None}).read_only


@pytest.mark.parametrize(
    ("word", "made"),
    [("careful", Policy.careful()), ("read_only", Policy.reads()), (" OPEN ", Policy.open())],
)
def test_a_preset_has_a_word_and_a_method(word: str, made: Policy) -> None:
    assert Policy.load(word) == made == Policy.load({"preset": word}) != Policy()
    assert Policy.from_env({"CUSTOMERIO_POLICY": word}) == made


def test_the_presets_are_what_their_names_say() -> None:
    assert Policy.careful() == Policy(confirm="human")
    assert Policy.reads() == Policy(read_only=True)
    assert Policy.open() == Policy(event_overrides=True, data_files=True)


def test_no_field_takes_back_the_preset_that_only_reads() -> None:
    assert Policy.load({"preset": "read_only", "read_only": False}).read_only
    assert Policy.from_env(
        {"CUSTOMERIO_POLICY": "read_only", "CUSTOMERIO_READ_ONLY": "0"}
    ).read_only


def test_fields_change_a_preset() -> None:
    assert Policy.load('{"preset": "careful", "confirm": "repeat"}') == Policy(confirm="repeat")


ENVIRONMENT: dict[str, tuple[str, dict[str, Any]]] = {
    "CUSTOMERIO_SUBTOOLS": ("track_event", {"enabled": ["track_event"]}),
    "CUSTOMERIO_READ_ONLY": ("yes", {"read_only": True}),
    "CUSTOMERIO_DRY_RUN": ("true", {"dry_run": True}),
    "CUSTOMERIO_ALLOWED_RECIPIENTS": ("example.com", {"allowed_recipients": ["example.com"]}),
    "CUSTOMERIO_ALLOW_TRIGGERS": ("on", {"allow_triggers": True}),
    "CUSTOMERIO_SEND_BUDGET": ("0", {"send_budget": 0}),
    "CUSTOMERIO_HIDDEN_ATTRIBUTES": ("ssn, iban", {"hidden_attributes": ["ssn", "iban"]}),
    "CUSTOMERIO_CONFIRM": ("repeat", {"confirm": "repeat"}),
    "CUSTOMERIO_EVENT_OVERRIDES": ("true", {"event_overrides": True}),
    "CUSTOMERIO_DATA_FILES": ("true", {"data_files": True}),
}


@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_every_field_has_a_variable(variable: str) -> None:
    text, fields = ENVIRONMENT[variable]
    assert Policy.from_env({variable: text, "PATH": "/bin"}) == Policy(**fields) != Policy()
    assert len(ENVIRONMENT) == len(Policy.model_fields)


@pytest.mark.parametrize("variable", [*ENVIRONMENT, "CUSTOMERIO_POLICY"])
@pytest.mark.parametrize("text", ["", "  ", "hunter2!"])
def test_a_wrong_or_blank_variable_is_named_and_its_value_is_not(variable: str, text: str) -> None:
    if variable == "CUSTOMERIO_HIDDEN_ATTRIBUTES" and text.strip():
        return  # any name may be an attribute's
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.from_env({variable: text})
    assert [problem.path for problem in caught.value.fields] == [variable]
    assert "hunter2" not in json.dumps(caught.value.as_result())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("enabled", "track_events"),
        ("enabled", 7),
        ("enabled", [["track_event"]]),
        ("enabled", '["track_event"'),
        ("read_only", "perhaps"),
        ("read_only", 1),
        ("read_only", []),
        ("dry_run", ""),
        ("allowed_recipients", ""),
        ("allowed_recipients", ","),
        ("allowed_recipients", ["example"]),
        ("allowed_recipients", ["*@example.com"]),
        ("allowed_recipients", ["*.example.com"]),
        ("allowed_recipients", ["Eve <eve@evil.example>"]),
        ("allowed_recipients", ["<eve@evil.example>"]),
        ("allowed_recipients", ["eve@evil.example", " "]),
        ("send_budget", True),
        ("send_budget", -1),
        ("send_budget", 1.5),
        ("send_budget", "five"),
        ("hidden_attributes", [1]),
        ("confirm", "always"),
        ("confirm", True),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(field: str, value: Any) -> None:
    assert list(problems_of({field: value})) == [f"policy.{field}"]
    with pytest.raises(ConnectionInvalid) as caught:
        CustomerIoTool({**SAVED, "policy": {field: value}})
    assert "evil" not in json.dumps(caught.value.as_result())


def test_every_wrong_field_is_told_at_once_with_what_would_be_right() -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        Policy.load({"read_onyl": True, "confirm": "x", "send_budget": "x", "preset": "strict"})
    told = {problem.path: problem.fix for problem in caught.value.fields}
    assert told.keys() == {"policy", "policy.read_onyl", "policy.confirm", "policy.send_budget"}
    assert told["policy.read_onyl"] == "did you mean 'read_only'?"
    assert all(word in told["policy"] for word in PRESETS)


@pytest.mark.parametrize("given", ["{", '{"confirm": "human", "confirm": "never"}', "[]", 7, []])
def test_what_is_no_policy_at_all_is_refused(given: Any) -> None:
    assert list(problems_of(given)) == ["policy"]


def test_a_pasted_key_in_place_of_a_field_is_not_shown() -> None:
    assert list(problems_of({"app-77d3e8f6": "x"})) == ["policy.an unknown field"]


@given(
    st.dictionaries(
        st.sampled_from([*Policy.model_fields, "preset", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    )
)
def test_whatever_is_configured_is_a_policy_or_an_error_that_names_fields(given: Any) -> None:
    found: list[object]
    try:
        found = [Policy.load(given)]
    except ConnectionInvalid as error:
        found = list(error.fields)
    assert found


def test_a_policy_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Policy().read_only = True  # type: ignore[misc]  # that is what is tested


def test_a_saved_connection_may_bring_its_policy(net: responses.RequestsMock) -> None:
    with CustomerIoTool({**SAVED, "policy": {"preset": "careful", "read_only": "true"}}) as tool:
        assert tool.subtools() == READS
    with CustomerIoTool({**SAVED, "policy": None}) as tool:
        assert len(tool.subtools()) == 24


def test_two_policies_are_one_too_many() -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        CustomerIoTool({**SAVED, "policy": "read_only"}, policy=Policy())
    assert [problem.path for problem in caught.value.fields] == ["policy"]


def test_a_tool_takes_what_load_takes() -> None:
    with CustomerIoTool(SAVED, policy="read_only") as tool:
        assert tool.subtools() == READS


# Read-only


@pytest.mark.parametrize("name", WRITES)
def test_read_only_refuses_every_write_before_its_arguments(
    net: responses.RequestsMock, name: str
) -> None:
    tool = tool_with(read_only=True)
    examples: list[Any] = [dict(example.arguments) for example in subtools()[name].examples]
    for arguments in [*examples, {}, "{", None]:
        result = tool.call(name, arguments)
        assert code_of(result) == "policy_refused"
        assert result["error"]["next_step"] == "give_up"
        assert result["error"]["took_effect"] == "no"
    assert len(net.calls) == 0


def test_nothing_undoes_read_only(net: responses.RequestsMock) -> None:
    tool = tool_with(read_only=True)
    tool.enable(*WRITES)
    tool.only("delete_customer", "get_segment")

    assert tool.subtools() == ["get_segment"]
    assert [definition["name"] for definition in tool.definitions()] == ["get_segment"]
    assert code_of(tool.call("delete_customer", {"customer_id": "u1"})) == "policy_refused"
    assert code_of(tool.handlers["delete_customer"]({"customer_id": "u1"})) == "policy_refused"
    assert code_of(tool.call("get_campaign", {"campaign_id": 1})) == "subtool_disabled"
    assert len(net.calls) == 0


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(WRITES),
    st.dictionaries(
        st.sampled_from(
            [*Policy.model_fields, "policy", "confirmed", "confirmation_token", "force", *ARGUMENTS]
        ),
        st.booleans() | st.sampled_from(["u1", "true", "human"]) | st.integers(0, 3) | st.none(),
    ),
)
def test_no_argument_passes_read_only(name: str, arguments: Any) -> None:
    with responses.RequestsMock() as net:
        for written in (arguments, json.dumps(arguments)):
            assert code_of(call(tool_with(read_only=True), name, written)) == "policy_refused"
        assert len(net.calls) == 0


def test_read_only_still_reads(sandbox: Sandbox) -> None:
    result = call(tool_with(sandbox.connection(), read_only=True), "list_segments", {})
    assert result["ok"]


# A dry run


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_dry_run_shows_the_request_and_sends_nothing(
    net: responses.RequestsMock, key: str
) -> None:
    name, example = EXAMPLES[key]
    tool = tool_with(dry_run=True)
    result = tool.call(name, dict(example.arguments))

    host = {"track": "https://track.customer.io", "app": "https://api.customer.io"}
    shown = result["request"]
    sends = example.sends
    assert result["ok"]
    assert "outcome" not in result
    assert result["summary"].startswith("Nothing was sent")
    assert shown["method"] == sends.method
    assert shown["url"] == host[subtools()[name].call.api.value] + sends.path
    assert shown.get("query", "") == sends.query
    assert ("body" in shown) is (sends.body is not None)
    assert shown["headers"] == {"Authorization": "***"}
    assert all(key not in json.dumps(result) for key in list(SAVED.values())[:3])
    Draft202012Validator(tool.definition(name)["output_schema"]).validate(result)
    assert len(net.calls) == 0


def test_a_dry_run_tells_the_body_and_the_event_id_as_they_would_go(
    net: responses.RequestsMock,
) -> None:
    result = call(tool_with(dry_run=True), "track_event", {**EVENT, "data": {"total": 1}})
    assert result["request"]["body"] == {
        "name": "paid",
        "id": result["event_id"],
        "timestamp": int(NOW),
        "data": {"total": 1},
    }


def test_a_dry_run_does_not_ask_for_the_region(net: responses.RequestsMock) -> None:
    saved = {name: value for name, value in SAVED.items() if name != "region"}
    result = call(tool_with(saved, dry_run=True), "list_segments", {})
    assert result["request"]["url"] == "/v1/segments"
    assert "no region" in result["summary"]
    assert len(net.calls) == 0


def test_a_dry_run_refuses_what_would_be_refused(net: responses.RequestsMock) -> None:
    tool = tool_with(dry_run=True, allowed_recipients=[])
    assert code_of(tool.call("send_transactional_email", EMAIL)) == "policy_refused"
    assert code_of(tool.call("track_event", {})) == "arguments_invalid"


def test_a_dry_run_of_a_large_body_stays_within_a_result(net: responses.RequestsMock) -> None:
    people = [f"person-{number}" for number in range(9000)]
    arguments = {"broadcast_id": 30, "audience": "customer_ids", "customer_ids": people, "data": {}}
    email = {**EMAIL, "body": "x" * 100_000}
    cut = call(tool_with(dry_run=True), "send_transactional_email", email)["request"]
    assert cut["truncated"]
    assert len(cut["body"]["body"]) < 3000
    assert call(tool_with(dry_run=True), "trigger_broadcast", arguments)["ok"]


# Recipients

ALLOWED = ["ada@example.com", "@example.org"]
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
    "a broadcast to a file": (
        "trigger_broadcast",
        {
            "broadcast_id": 30,
            "audience": "file",
            "data_file_url": "https://files.example.com/people.jsonl",
        },
        ["data_file_url"],
    ),
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
    "a recipient that a template fills in": (
        "track_event",
        {**EVENT, "data": {"recipient": "{{customer.email}}"}},
        ["data.recipient"],
    ),
    "a recipient under a name in other letters": (
        "track_event",
        {**EVENT, "data": {" Recipient": "eve@evil.example"}},
        ["data.recipient"],
    ),
    "a recipient that is a list": (
        "track_event",
        {**EVENT, "data": {"recipient": ["ada@example.com"]}},
        ["data.recipient"],
    ),
}
OPENED = {"allow_triggers": True, "event_overrides": True, "data_files": True}


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
    ],
)
def test_what_can_start_campaigns_needs_leave_under_an_allow_list(
    net: responses.RequestsMock, name: str
) -> None:
    arguments = dict(subtools()[name].examples[0].arguments)
    result = call(tool_with(allowed_recipients=ALLOWED), name, arguments)
    assert code_of(result) == "policy_refused"
    assert "campaigns" in result["summary"]
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
    tool = tool_with(sandbox.connection(), allowed_recipients=["example.com"])
    assert call(tool, "send_transactional_email", EMAIL)["ok"]
    before = len(sandbox.requests())
    refused = call(tool, "send_transactional_email", {**EMAIL, "bcc": "eve@evil.example"})
    assert code_of(refused) == "policy_refused"
    assert len(sandbox.requests()) == before


# The budget


def send(tool: CustomerIoTool, run: str | None, number: int = 0) -> dict[str, Any]:
    arguments = {**EMAIL, "message_data": {"number": number}}
    return tool.call("send_transactional_email", arguments, context=CallContext(run_id=run))


def test_a_run_ends_at_its_budget_and_another_has_its_own(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=2) as tool:
        assert [send(tool, "a", n)["ok"] for n in range(2)] == [True, True]
        refused = send(tool, "a", 2)
        assert code_of(refused) == "policy_refused"
        assert "2 sends" in refused["summary"]
        assert send(tool, "b", 3)["ok"]
    sent = [each for each in sandbox.requests() if each["method"] == "POST"]
    assert len(sent) == 3


def test_without_a_run_the_tool_is_one(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=1) as tool:
        assert send(tool, None, 0)["ok"]
        assert code_of(send(tool, None, 1)) == "policy_refused"
        assert tool.call("track_event", EVENT)["ok"], "only sends are counted"


def test_a_budget_of_nothing_sends_nothing(net: responses.RequestsMock) -> None:
    with tool_with(send_budget=0) as tool:
        assert "0 sends" in send(tool, "a")["summary"]
    assert len(net.calls) == 0


def test_a_call_that_is_refused_or_rehearsed_costs_nothing(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=1, allowed_recipients=ALLOWED) as tool:
        tool.call("send_transactional_email", {})
        tool.call("send_transactional_email", {**EMAIL, "to": "eve@evil.example"})
        tool.call("send_transactional_email", {**EMAIL, "transactional_message_id": "999"})
        assert send(tool, None)["ok"]
    with tool_with(sandbox.connection(), send_budget=1, dry_run=True) as tool:
        assert [send(tool, None)["ok"] for _ in range(3)] == [True] * 3


def test_a_send_whose_outcome_is_unknown_counts(net: responses.RequestsMock) -> None:
    net.post("https://api.customer.io/v1/send/email", status=500)
    net.assert_all_requests_are_fired = False
    with tool_with(send_budget=1) as tool:
        assert code_of(send(tool, "a")) == "outcome_unknown"
        assert code_of(send(tool, "a", 1)) == "policy_refused"
    assert len(net.calls) == 1


def test_threads_of_one_run_share_its_budget(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection(), send_budget=5) as tool, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: send(tool, "a", n), range(24)))
    assert sum(result["ok"] for result in results) == 5
    assert len([each for each in sandbox.requests() if each["method"] == "POST"]) == 5


def test_runs_without_number_do_not_fill_the_memory(sandbox: Sandbox) -> None:
    with tool_with(send_budget=0) as tool:
        for number in range(MAX_RUNS + 5):
            send(tool, f"run-{number}")
        assert len(tool._calls._budget._sent) == MAX_RUNS


# Attributes that are never returned

ADA = {"customer_id": "u1"}


def test_a_hidden_attribute_is_not_returned(sandbox: Sandbox) -> None:
    plain = call(tool_with(sandbox.connection()), "get_customer_attributes", ADA)
    secret = plain["customer"]["attributes"]["email"]
    assert "withheld" not in plain

    tool = tool_with(sandbox.connection(), hidden_attributes="EMAIL, plan")
    result = call(tool, "get_customer_attributes", ADA)
    assert result["withheld"] == ["email", "plan"]
    assert "plan" not in result["customer"]["attributes"]
    assert "email" not in result["customer"]["identifiers"]
    assert secret not in json.dumps(result)
    assert result["customer"]["identifiers"]["id"] == "u1"
    Draft202012Validator(tool.definition("get_customer_attributes")["output_schema"]).validate(
        result
    )


def test_asking_for_a_hidden_attribute_by_name_does_not_tell_whether_it_is_set(
    sandbox: Sandbox,
) -> None:
    tool = tool_with(sandbox.connection(), hidden_attributes=["email", "never_set"])
    asked = {**ADA, "attribute_names": ["Email", "never_set", "plan", "no_such"]}
    result = call(tool, "get_customer_attributes", asked)
    assert result["withheld"] == ["Email", "never_set"]
    assert result["not_set"] == ["no_such"]
    assert list(result["customer"]["attributes"]) == ["plan"]


def test_a_hidden_address_is_not_told_by_the_list_of_messages(sandbox: Sandbox) -> None:
    with tool_with(sandbox.connection()) as plain:
        messages = plain.call("list_messages", {})["messages"]
    assert any(message.get("recipient") for message in messages)

    tool = tool_with(sandbox.connection(), hidden_attributes=["email", "id"])
    result = call(tool, "list_messages", {})
    assert len(result["messages"]) == len(messages)
    for message in result["messages"]:
        assert "recipient" not in message
        assert "customer_id" not in message
        assert not message.get("customer_identifiers", {}).keys() & {"email", "id"}


# What else a policy closes


def test_an_event_may_not_redirect_its_message(net: responses.RequestsMock) -> None:
    for name in ("recipient", "from_address", "reply_to"):
        for spelt in (name, f" {name.title()}"):
            result = call(tool_with(), "track_event", {**EVENT, "data": {spelt: "x@example.com"}})
            assert code_of(result) == "arguments_invalid"
            assert paths_of(result) == [f"data.{name}"]
    assert len(net.calls) == 0


def test_a_broadcast_may_not_take_its_audience_from_a_file(net: responses.RequestsMock) -> None:
    _, arguments, paths = BEYOND["a broadcast to a file"]
    result = call(tool_with(), "trigger_broadcast", arguments)
    assert code_of(result) == "arguments_invalid"
    assert paths_of(result) == paths
    assert len(net.calls) == 0


def test_a_disabled_subtool_is_refused_before_its_arguments(net: responses.RequestsMock) -> None:
    with tool_with(enabled=["get_segment"]) as tool:
        assert tool.subtools() == ["get_segment"]
        assert code_of(tool.call("track_event", "{")) == "subtool_disabled"
        tool.enable("track_event")
        assert code_of(tool.call("track_event", "{")) == "arguments_invalid"
    assert len(net.calls) == 0
