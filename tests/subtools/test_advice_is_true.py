"""What an error advises can be done, and teaches no model to guess whom it means."""

from __future__ import annotations

import re
from typing import Any

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.connection.client import MAX_REPLY_BYTES
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools import subtools
from tests.support.clients import SAVED_US, example_of
from tests.support.policies import READS

INTEGERS = [
    (name, argument)
    for name, subtool in subtools().items()
    for argument, schema in subtool.definition()["input_schema"]["properties"].items()
    if schema["type"] == "integer" and argument.endswith("id")
]


def fix_of(name: str, argument: str, value: Any) -> str:
    subtool = subtools()[name]
    with pytest.raises(ArgumentsInvalid) as raised:
        subtool.parse({**subtool.examples[0].arguments, argument: value})
    found = [each for each in raised.value.fields if each.path == argument]
    return found[0].fix if found else ""


@pytest.mark.parametrize(("name", "argument"), INTEGERS)
@pytest.mark.parametrize("value", ["VIP", [1], {"id": 1}, True, 1.5, None])
def test_a_name_given_as_a_number_is_looked_up_and_not_guessed(
    name: str, argument: str, value: Any
) -> None:
    required = subtools()[name].definition()["input_schema"].get("required", [])
    if value is None and argument not in required:
        return
    fix = fix_of(name, argument, value)
    assert "no guess" in fix
    assert not any(letter.isdigit() for letter in fix)


def test_a_segment_in_a_filter_is_looked_up_too() -> None:
    with pytest.raises(ArgumentsInvalid) as raised:
        subtools()["trigger_broadcast"].parse(
            {
                "broadcast_id": 30,
                "audience": "filter",
                "filter": {"not": {"segment": {"id": "VIP"}}},
            }
        )
    assert [each.path for each in raised.value.fields] == ["filter.not.segment.id"]
    assert "no guess" in raised.value.fields[0].fix


@pytest.mark.parametrize("name", subtools())
def test_nobody_is_told_to_leave_out_what_is_required(name: str) -> None:
    schema = subtools()[name].definition()["input_schema"]
    for argument in schema.get("required", []):
        values: tuple[Any, ...] = ("", " ", [], {}, "null", "\t")
        for value in values:
            try:
                fix = fix_of(name, argument, value)
            except pytest.fail.Exception:
                continue
            assert "leave" not in fix, (argument, value)


@pytest.mark.parametrize("name", READS)
def test_nobody_waits_for_an_answer_that_stays_too_long(
    net: responses.RequestsMock, name: str
) -> None:
    net.get(re.compile("https://api.customer.io/.*"), body=b"[" + b" " * MAX_REPLY_BYTES)
    with CustomerIoTool(SAVED_US) as tool:
        result = tool.call(name, example_of(name))
    assert result["error"]["code"] == "reply_unreadable"
    assert result["error"]["next_step"] == "ask_user"
    assert "too long to be read" in result["summary"]
