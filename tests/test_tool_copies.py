"""What a tool hands out is the caller's own: no change of it reaches a later call."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.calls.confirmation import with_confirmation
from customerio_tool.subtools import subtools
from tests.support.answers import session_with
from tests.support.clients import SAVED_US, example_of

NAMES = list(subtools())
POLICIES: list[dict[str, Any]] = [{}, {"confirm": "human"}, {"confirm": "repeat"}]

HANDED_OUT: dict[str, Callable[[CustomerIoTool, str], Any]] = {
    "definition": lambda tool, name: tool.definition(name),
    "definitions": lambda tool, name: tool.definitions([name])[0],
    "the subtool's definition": lambda _, name: subtools()[name].definition(),
    "its input schema": lambda _, name: subtools()[name].input_schema(),
    "its output schema": lambda _, name: subtools()[name].output_schema(),
    "with_confirmation": lambda _, name: with_confirmation(subtools()[name].definition(), "repeat"),
}


def spoil(value: Any) -> None:
    """Change a value wherever it can be changed."""
    if isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value.clear()
        value["spoilt"] = True


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("what", HANDED_OUT)
def test_a_change_of_what_was_handed_out_changes_nothing_else(
    what: str, policy: dict[str, Any]
) -> None:
    with CustomerIoTool(SAVED_US, policy=policy, session=session_with({})) as tool:
        before = {name: copy.deepcopy(tool.definition(name)) for name in NAMES}
        results = {name: tool.call(name, {"no_such": 1}) for name in NAMES}

        for name in NAMES:
            spoil(HANDED_OUT[what](tool, name))

        assert {name: tool.definition(name) for name in NAMES} == before
        assert {name: tool.call(name, {"no_such": 1}) for name in NAMES} == results


def test_with_confirmation_leaves_the_given_definition_as_it_is() -> None:
    given = subtools()["delete_customer"].definition()
    before = copy.deepcopy(given)

    spoil(with_confirmation(given, "human"))

    assert given == before


def test_a_change_of_the_handlers_changes_no_later_ones() -> None:
    with CustomerIoTool(SAVED_US, session=session_with({})) as tool:
        handlers = tool.handlers
        handlers["get_segment"].__name__ = "delete_segment"
        handlers.clear()

        assert list(tool.handlers) == NAMES
        assert tool.handlers["get_segment"].__name__ == "get_segment"


def test_a_change_of_a_result_changes_no_later_one() -> None:
    with CustomerIoTool(SAVED_US, policy={"dry_run": True}, session=session_with({})) as tool:
        before = {name: tool.call(name, example_of(name)).keys() for name in NAMES}
        for name in NAMES:
            spoil(tool.call(name, example_of(name)))

        assert {name: tool.call(name, example_of(name)).keys() for name in NAMES} == before
