"""Agno's own reader of functions learns from a method of the tool what its schema says."""

from __future__ import annotations

from typing import Any

import pytest
from agno.tools import Function, Toolkit

from customerio_tool import CustomerIoTool
from customerio_tool.subtools import subtools
from tests.support.clients import SAVED_US


def parameters_of(function: Function) -> dict[str, Any]:
    function.process_entrypoint()
    read: dict[str, Any] = function.parameters
    return read


@pytest.mark.parametrize("name", subtools())
def test_the_arguments_that_are_read_are_those_of_the_schema(name: str) -> None:
    with CustomerIoTool(SAVED_US) as tool:
        read = parameters_of(Function.from_callable(getattr(tool, name)))
        declared = tool.definition(name)["input_schema"]
    assert list(read["properties"]) == list(declared["properties"])
    assert set(read.get("required", ())) == set(declared.get("required", ()))
    for argument, schema in declared["properties"].items():
        mine = read["properties"][argument]
        assert mine["type"] == schema["type"], argument
        assert mine["description"].startswith(schema["description"]), argument
        assert mine.get("additionalProperties", True) is True, "an object stays open"


def test_a_toolkit_of_the_methods_makes_the_call() -> None:
    with CustomerIoTool.sandbox() as tool:
        toolkit = Toolkit("customer_io", tools=[getattr(tool, name) for name in tool.subtools()])
        assert list(toolkit.functions) == tool.subtools()
        function = toolkit.functions["get_customer_attributes"]
        function.process_entrypoint()
        assert function.entrypoint is not None
        assert function.entrypoint(customer_id="u1")["customer"]["id"] == "u1"
