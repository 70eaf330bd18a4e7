"""A subtool is a method, and a reader of signatures learns of it what its schema says."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, create_model

from customerio_tool import CustomerIoTool
from customerio_tool.calls.methods import SubtoolMethods
from customerio_tool.subtools import subtools
from tests.support.clients import SAVED_US

NAMES = list(subtools())
every_subtool = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    """A tool on the sandbox, whose methods no type checker knows."""
    with CustomerIoTool.sandbox() as running:
        yield running


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = subtools()[name].definition()["input_schema"]
    return schema


def test_the_class_has_a_method_for_every_subtool() -> None:
    assert set(NAMES) <= set(dir(CustomerIoTool))
    assert [name for name in NAMES if not inspect.isfunction(getattr(CustomerIoTool, name))] == []


def test_a_method_makes_the_call_that_its_arguments_name(local: Any) -> None:
    result = local.track_event(customer_id="u1", name="order_paid", data={"total": 7})
    assert result["outcome"] == "accepted"
    request = local.local.requests()[-1]
    assert request["path"] == "/api/v1/customers/u1/events"
    assert (request["json"]["name"], request["json"]["data"]) == ("order_paid", {"total": 7})


@every_subtool
def test_a_method_answers_as_call_does(local: Any, name: str) -> None:
    wrong = {"no_such_argument": 1}
    assert getattr(local, name)(**wrong) == local.call(name, wrong)


def test_a_misspelt_name_gets_the_tools_own_advice_and_no_type_error(local: Any) -> None:
    result = local.track_event(customer_id="u1", event_name="paid")
    assert result["error"]["try"] == {"customer_id": "u1", "name": "paid"}


def test_a_method_takes_one_mapping_or_text_too(local: Any) -> None:
    assert local.get_segment({"segment_id": 1}) == local.get_segment('{"segment_id": "1"}')
    with pytest.raises(TypeError, match="as one mapping, or each by its name"):
        local.get_segment({"segment_id": 1}, segment_id=1)


@every_subtool
def test_the_signature_has_the_arguments_of_the_schema_in_its_order(name: str) -> None:
    with CustomerIoTool(SAVED_US) as tool:
        parameters = inspect.signature(getattr(tool, name)).parameters
    required = [key for key, each in parameters.items() if each.default is inspect.Parameter.empty]
    assert list(parameters) == list(schema_of(name)["properties"])
    assert set(required) == set(schema_of(name).get("required", ()))
    assert {each.default for key, each in parameters.items() if key not in required} <= {None}
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


@every_subtool
def test_the_types_make_the_types_of_the_schema(name: str) -> None:
    hints = typing.get_type_hints(getattr(CustomerIoTool, name))
    assert hints.pop("return") is dict
    for argument, declared in schema_of(name)["properties"].items():
        schema = TypeAdapter(hints[argument]).json_schema()
        assert schema["type"] == declared["type"], argument
        assert schema.get("additionalProperties", True) is True, "an object stays open"
        if declared["type"] == "array":
            assert schema["items"]["type"] == declared["items"]["type"], argument


@every_subtool
def test_a_model_made_of_the_signature_requires_what_the_schema_requires(name: str) -> None:
    parameters = inspect.signature(getattr(CustomerIoTool, name)).parameters
    fields: dict[str, Any] = {
        key: (each.annotation, ... if each.default is inspect.Parameter.empty else each.default)
        for key, each in parameters.items()
        if key != "self"
    }
    made: Any = create_model("Arguments", **fields)
    assert set(made.model_json_schema().get("required", ())) == set(
        schema_of(name).get("required", ())
    )


@every_subtool
def test_the_docstring_describes_the_subtool_and_each_argument_on_one_line(name: str) -> None:
    told = inspect.getdoc(getattr(CustomerIoTool, name)) or ""
    assert told.startswith(subtools()[name].description)
    lines = [line.strip() for line in told.splitlines()]
    for argument, declared in schema_of(name)["properties"].items():
        (line,) = (line for line in lines if line.startswith(f"{argument}: "))
        assert " ".join(declared["description"].split()) in line
        assert [str(each) for each in declared.get("enum", ()) if str(each) not in line] == []


def test_the_policy_holds_for_methods(net: Any) -> None:
    with CustomerIoTool(SAVED_US, policy="read_only") as tool:
        told: Any = tool
        assert told.delete_customer(customer_id="u1")["error"]["code"] == "policy_refused"


def test_functions_are_the_subtools_that_may_run() -> None:
    with CustomerIoTool(SAVED_US, policy="read_only") as tool:
        assert list(tool.functions) == tool.subtools()
        for definition in tool.definitions():
            function = tool.functions[definition["name"]]
            assert function.to_dict() == {
                "name": definition["name"],
                "description": definition["description"],
                "parameters": definition["input_schema"],
            }


def test_a_function_is_called_by_its_entrypoint(local: Any) -> None:
    found = local.functions["get_customer_attributes"].entrypoint(customer_id="u1")
    assert found["customer"]["id"] == "u1"


def test_the_token_that_a_policy_demands_can_be_given_by_name(local: Any) -> None:
    with CustomerIoTool(local.local.connection(), policy={"confirm": "repeat"}) as tool:
        function = tool.functions["delete_segment"]
        assert "confirmation_token" in function.parameters["properties"]
        asked = function.entrypoint(segment_id=10**6)
        token = asked["confirmation_token"]
        again = function.entrypoint(segment_id=10**6, confirmation_token=token)
    assert asked["error"]["code"] == "confirmation_required"
    assert again.get("error", {}).get("code") != "confirmation_required"


def test_a_tool_with_an_attribute_under_the_name_of_a_subtool_is_refused() -> None:
    with pytest.raises(TypeError, match="rename the subtool track_event"):
        type("Tool", (SubtoolMethods,), {"track_event": None})


def test_a_subclass_may_replace_a_method() -> None:
    class Quiet(CustomerIoTool):
        def track_event(self, **named: Any) -> dict[str, Any]:
            return {"ok": True, "summary": f"{len(named)} arguments"}

    tool = Quiet(SAVED_US)
    with tool:
        assert tool.track_event(customer_id="u1")["summary"] == "1 arguments"
