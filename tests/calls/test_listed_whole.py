"""What a tool tells of its subtools: those that may run, in the form that is asked for."""

from __future__ import annotations

from inspect import getattr_static
from typing import Any

import pytest

from customerio_tool import CustomerIoTool, SubtoolUnknown
from customerio_tool.definitions import lookup_names, names
from customerio_tool.dialects import form_of
from customerio_tool.subtools import find
from tests.support.clients import SAVED_US

NO_DIALECT = "is no dialect; choose from 'plain', 'openai'"
NO_DETAIL = "is no detail; choose from 'full', 'compact', 'basic'"


def test_look_ups_are_listed_disabled_and_enabled_like_any_subtool() -> None:
    everything = [*names(), *lookup_names()]
    with CustomerIoTool(SAVED_US, policy={"lookups": True}) as tool:
        assert tool.subtools() == everything
        tool.disable("track_event", "find_customers")
        left = [each for each in everything if each not in ("track_event", "find_customers")]
        assert tool.subtools() == left
        tool.enable("find_customers")
        assert tool.subtools() == [each for each in everything if each != "track_event"]
        tool.only("find_customers", "get_segment")
        assert tool.subtools() == ["get_segment", "find_customers"]
        assert [each["name"] for each in tool.definitions()] == ["get_segment", "find_customers"]
    with CustomerIoTool(SAVED_US) as tool:
        tool.disable("track_event")
        assert tool.subtools() == [each for each in names() if each != "track_event"]
        for change in (tool.enable, tool.disable, tool.only, tool.definition, tool.describe):
            with pytest.raises(SubtoolUnknown):
                change("find_customers")
    assert CustomerIoTool.subtools() == list(names())


def test_a_set_stands_for_its_subtools_wherever_names_are_given() -> None:
    readers = [each["name"] for each in CustomerIoTool.definitions("reader")]
    assert "get_segment" in readers
    assert "track_event" not in readers
    with CustomerIoTool(SAVED_US) as tool:
        assert [each["name"] for each in tool.definitions(["reader"])] == readers
        tool.disable("reader")
        assert tool.subtools() == [each for each in names() if each not in readers]
        assert tool.definitions("reader") == []
        tool.only("reader", "track_event")
        assert tool.subtools() == [n for n in names() if n in readers or n == "track_event"]
        assert tool.policy.enabled == frozenset([*readers, "track_event"])


def test_a_definition_comes_in_the_dialect_and_the_detail_that_are_asked_for() -> None:
    whole = CustomerIoTool.definition("get_segment")
    assert whole == CustomerIoTool.definition("get_segment", "plain", "full")
    assert whole == find("get_segment").definition()
    basic = CustomerIoTool.definition("get_segment", "anthropic", "basic")
    assert basic == {
        "name": "get_segment",
        "description": "Retrieves a single segment by ID. Use to see one list or group: name, "
        "type, state.",
        "input_schema": {
            "type": "object",
            "properties": {"segment_id": {"type": "integer"}, "include_count": {"type": "boolean"}},
            "required": ["segment_id"],
        },
    }
    examples = [each.arguments for each in find("get_segment").examples]
    full = CustomerIoTool.definition("get_segment", "anthropic")
    assert full == form_of("anthropic")(whole, examples)
    assert full["input_examples"] == examples
    assert "input_examples" not in CustomerIoTool.definition("get_segment", "anthropic", "compact")
    with CustomerIoTool(SAVED_US, policy="open") as tool:
        assert tool.definition("get_segment", "anthropic", "basic") == basic
        assert tool.definitions("get_segment", "anthropic", "basic") == [basic]
        assert tool.definitions(["get_segment"], "anthropic") == [full]
        assert tool.describe("get_segment") == CustomerIoTool.describe("get_segment")
        assert tool.describe("get_segment") == find("get_segment").describe()
    for ask in (CustomerIoTool.definition, CustomerIoTool.definitions):
        given: Any = "get_segment"
        with pytest.raises(ValueError, match=NO_DIALECT):
            ask(given, "klingon")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=NO_DETAIL):
            ask(given, "plain", "none")  # type: ignore[arg-type]
    none: list[Any] = [[], None]
    for nothing in none:
        with pytest.raises(ValueError, match=NO_DIALECT):
            CustomerIoTool.definitions(nothing, "klingon")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=NO_DETAIL):
            CustomerIoTool.definitions(nothing, "plain", "none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=NO_DIALECT):
        CustomerIoTool.definition("no_such", "klingon")  # type: ignore[arg-type]


def test_a_definition_has_what_a_confirmation_needs_where_one_may_be_needed() -> None:
    def members(confirm: Any, name: str) -> tuple[bool, bool]:
        with CustomerIoTool(SAVED_US, policy={"confirm": confirm}) as tool:
            (definition,) = tool.definitions([name])
            assert definition == tool.definition(name)
        given, returned = definition["input_schema"], definition["output_schema"]
        return (
            "confirmation_token" in given["properties"],
            bool({"confirmation_token", "confirmation_id"} & returned["properties"].keys()),
        )

    assert members("never", "delete_customer") == (False, False)
    assert members("human", "delete_customer") == (False, True)
    assert members("repeat", "delete_customer") == (True, True)
    with CustomerIoTool(SAVED_US, policy={"confirm": "repeat"}) as tool:
        assert tool.definition("delete_customer")["name"] == "delete_customer"
        assert CustomerIoTool.definition("delete_customer") != tool.definition("delete_customer")


def test_what_is_listed_by_class_and_tool_is_documented_as_one_method() -> None:
    for name in ("subtools", "definition", "definitions", "describe"):
        listed = getattr_static(CustomerIoTool, name)
        assert listed.__doc__ == getattr(CustomerIoTool, name).__doc__
        assert listed.__doc__.startswith("Return ")
