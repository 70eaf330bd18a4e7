"""The look-ups are off until somebody turns them on, and nothing shows them while they are off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import ConnectionInvalid, CustomerIoTool, Policy, SubtoolUnknown
from customerio_tool.calls.methods import SubtoolMethods
from customerio_tool.policy.narrowing import narrowed
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import lookups, subtools
from customerio_tool.subtools.declare import Effect
from customerio_tool.subtools.parts.invented import _LOOKED_UP
from tests.support.clients import SAVED_US, code_of
from tests.support.policies import tool_with

NAMES = list(lookups())
ON: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the argument": (SAVED_US, {"lookups": True}),
    "the saved connection": ({**SAVED_US, "lookups": True}, {}),
    "the saved connection as text": ({**SAVED_US, "lookups": "true"}, {}),
    "the policy": (SAVED_US, {"policy": {"lookups": True}}),
    "the policy of a preset": (SAVED_US, {"policy": "careful", "lookups": True}),
}
OFF: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nobody": (SAVED_US, {}),
    "the argument": ({**SAVED_US, "lookups": True}, {"lookups": False}),
    "a policy that keeps them off": (SAVED_US, {"policy": {"lookups": False}, "lookups": True}),
    "a policy that names one": (SAVED_US, {"policy": {"enabled": NAMES[:1]}}),
}


@pytest.mark.parametrize(("saved", "keywords"), ON.values(), ids=ON.keys())
def test_they_are_on_where_somebody_says_so(
    saved: dict[str, Any], keywords: dict[str, Any]
) -> None:
    with CustomerIoTool(saved, **keywords) as tool:
        assert tool.subtools() == [*subtools(), *NAMES]
        assert list(tool.handlers) == tool.subtools() == list(tool.functions)
        assert [each["name"] for each in tool.definitions()] == tool.subtools()


@pytest.mark.parametrize(("saved", "keywords"), OFF.values(), ids=OFF.keys())
def test_they_are_off_where_nobody_does(saved: dict[str, Any], keywords: dict[str, Any]) -> None:
    with CustomerIoTool(saved, **keywords) as tool:
        assert not set(tool.subtools()) & set(NAMES)
        assert set(tool.handlers) == set(subtools())
        assert [name for name in NAMES if hasattr(tool, name)] == []


def test_a_tool_without_them_defines_its_subtools_to_the_byte_as_one_with_them() -> None:
    with CustomerIoTool(SAVED_US) as off, CustomerIoTool(SAVED_US, lookups=True) as on:
        whole = json.dumps(on.definitions()[: len(subtools())])
        assert json.dumps(off.definitions()) == whole


def test_a_tool_without_them_knows_no_name_of_theirs(sandbox: Sandbox) -> None:
    with CustomerIoTool(sandbox.connection()) as tool:
        for name in NAMES:
            assert code_of(tool.call(name, {})) == "subtool_unknown"
            with pytest.raises(SubtoolUnknown):
                tool.definition(name)
            with pytest.raises(SubtoolUnknown):
                tool.enable(name)
    assert sandbox.requests() == []


def test_some_of_them_can_be_enabled() -> None:
    with CustomerIoTool(SAVED_US, lookups=True) as tool:
        tool.only("list_segments", "find_customers")
        assert tool.subtools() == ["list_segments", "find_customers"]
        tool.disable("find_customers")
        assert tool.subtools() == ["list_segments"]


def test_they_run_under_a_read_only_policy() -> None:
    assert {each.effect for each in lookups().values()} == {Effect.READ}
    with tool_with(lookups=True, read_only=True) as tool:
        assert set(NAMES) <= set(tool.subtools())


def test_a_switch_that_is_no_boolean_is_refused_by_its_name() -> None:
    with pytest.raises(ConnectionInvalid, match="lookups is neither true nor false"):
        CustomerIoTool({**SAVED_US, "lookups": "perhaps"})


def test_of_two_policies_the_one_that_keeps_them_off_prevails() -> None:
    off, silent, on = (Policy(lookups=each) for each in (False, None, True))
    assert narrowed(on, off).lookups is False
    assert narrowed(silent, on).lookups is True
    assert narrowed(silent, silent).lookups is None


def test_the_environment_turns_them_on() -> None:
    environment = {f"CUSTOMERIO_{name.upper()}": str(each) for name, each in SAVED_US.items()}
    with CustomerIoTool.from_env({**environment, "CUSTOMERIO_LOOKUPS": "on"}) as tool:
        assert set(NAMES) <= set(tool.subtools())


def test_no_look_up_has_the_name_of_an_attribute_of_the_tool() -> None:
    assert [name for name in NAMES if hasattr(CustomerIoTool, name)] == []
    assert not set(NAMES) & set(vars(SubtoolMethods))


@pytest.fixture
def on() -> Iterator[CustomerIoTool]:
    with CustomerIoTool.sandbox(lookups=True) as tool:
        yield tool


def test_a_look_up_is_a_method_too(on: CustomerIoTool) -> None:
    found = on.find_customers(email="ada+test@example.com")
    assert found["customers"] == [{"id": "u1", "email": "ada+test@example.com"}]


@pytest.mark.parametrize(
    ("invented", "with_them", "without"),
    [
        ("search_customers", "find_customers", "get_customer_attributes"),
        ("get_events", "list_customer_activities", "track_event"),
        ("get_template", "get_transactional_message", ""),
        ("get_message", "", "list_messages"),
    ],
)
def test_an_invented_name_leads_to_a_look_up_where_they_are_on(
    invented: str, with_them: str, without: str
) -> None:
    with CustomerIoTool(SAVED_US) as off, CustomerIoTool(SAVED_US, lookups=True) as on:
        assert without in off.call(invented, {})["summary"]
        assert not any(name in off.call(invented, {})["summary"] for name in NAMES)
        assert with_them in on.call(invented, {})["summary"]


def test_every_invented_name_of_a_look_up_leads_to_one() -> None:
    assert set(_LOOKED_UP.values()) <= set(NAMES)
    assert not _LOOKED_UP.keys() & {*subtools(), *NAMES}


MISSED: dict[str, tuple[dict[str, Any], str]] = {
    "trigger_broadcast": ({"broadcast_id": 999, "audience": "default"}, "list_broadcasts"),
    "get_customer_attributes": ({"customer_id": "nobody"}, "find_customers"),
    "list_messages": ({"customer_id": "nobody"}, "find_customers"),
}


@pytest.mark.parametrize("name", MISSED)
def test_an_error_names_the_look_up_that_finds_the_id_where_it_may_run(name: str) -> None:
    arguments, lookup = MISSED[name]
    with CustomerIoTool.sandbox(lookups=True) as tool:
        assert lookup in tool.call(name, arguments)["summary"]
        tool.disable(lookup)
        assert lookup not in tool.call(name, arguments)["summary"]
    with CustomerIoTool.sandbox() as tool:
        assert lookup not in tool.call(name, arguments)["summary"]


@pytest.mark.parametrize("argument", ["broadcast_id", "broadcast_name"])
def test_a_name_in_the_place_of_a_number_is_looked_up(argument: str) -> None:
    asked = {argument: "Product news", "audience": "default"}
    looked = {"name_contains": "Product news"}
    with CustomerIoTool.sandbox(lookups=True) as tool:
        error = tool.call("trigger_broadcast", asked)["error"]
        assert error["look"] == {"subtool": "list_broadcasts", "arguments": looked}
        found = tool.call("list_broadcasts", looked)["broadcasts"]
    assert [each["id"] for each in found] == [30]
    with CustomerIoTool.sandbox() as tool:
        assert "look" not in tool.call("trigger_broadcast", asked)["error"]


ANYBODY = {"not": {"attribute": {"field": "plan", "operator": "eq", "value": "none"}}}
PAGED: dict[str, tuple[str, dict[str, Any]]] = {
    "find_customers": ("customers", {"filter": ANYBODY}),
    "list_customer_activities": ("activities", {"customer_id": "u1"}),
    "list_segment_members": ("members", {"segment_id": 3}),
    "list_broadcasts": ("broadcasts", {}),
    "list_transactional_messages": ("messages", {}),
}


@pytest.mark.parametrize("name", PAGED)
def test_a_list_that_goes_on_is_read_to_its_end(name: str, on: CustomerIoTool) -> None:
    items, arguments = PAGED[name]
    whole = on.call(name, {**arguments, "limit": 100})[items]
    pages: list[dict[str, Any]] = []
    further: dict[str, Any] = {}
    while not pages or further:
        page = on.call(name, {**arguments, "limit": 1, **further})
        pages += page[items]
        places = {"cursor": page.get("next_cursor"), "offset": page.get("next_offset")}
        further = {place: each for place, each in places.items() if each is not None}
        assert ("Go on with " in page["summary"]) is bool(further)
    assert pages == whole
    assert len(whole) > 1
