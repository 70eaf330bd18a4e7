"""What hosts are given of a tool: handlers, methods, look-ups as methods, and types of hints."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool, SubtoolUnknown
from customerio_tool.backends import Backends
from customerio_tool.calls import hints
from customerio_tool.calls.function import Function
from customerio_tool.calls.methods import SubtoolMethods
from customerio_tool.calls.progress import numbered
from customerio_tool.definitions import definition_of, lookup_names
from tests.support.answers import session_with
from tests.support.clients import SAVED_US, AnyPace
from tests.support.telemetry import Recorder
from tests.support.whole import still

SEGMENT = {"segment": {"id": 7, "name": "Beta", "type": "manual"}}
BOTH = "^give the arguments as one mapping, or each by its name$"


@pytest.fixture
def told() -> Recorder:
    """Who is told of the calls of `tool`."""
    return Recorder()


@pytest.fixture
def tool(told: Recorder) -> Iterator[Any]:
    """A tool whose every request is answered with a segment; no type checker knows its methods."""
    backends = Backends(limiter=AnyPace(), telemetry=[told])
    with CustomerIoTool(
        SAVED_US, session=session_with(SEGMENT), backends=backends, clock=still()
    ) as made:
        yield made


@pytest.fixture
def with_lookups() -> Iterator[Any]:
    """A tool whose look-ups are on."""
    with CustomerIoTool(
        SAVED_US, policy={"lookups": True}, session=session_with({"customers": []}), clock=still()
    ) as made:
        yield made


def test_a_handler_takes_a_mapping_text_or_names_and_hands_on_the_context(
    tool: Any, told: Recorder
) -> None:
    handler, context = tool.handlers["get_segment"], CallContext(run_id="r7", door="ours")
    answer = tool.call("get_segment", {"segment_id": 7})
    assert answer["segment"]["name"] == "Beta"
    for given in ({"segment_id": 7}, '{"segment_id": 7}', b'{"segment_id": 7}'):
        assert handler(given) == handler(given, context=context) == answer
    assert handler(segment_id=7) == handler(segment_id=7, context=context) == answer
    assert [(each.run_id, each.door) for each in told.calls[-2:]] == [
        (None, "python"),
        ("r7", "ours"),
    ]
    assert handler() == tool.call("get_segment") == tool.call("get_segment", {})
    with pytest.raises(TypeError, match=BOTH):
        handler({"segment_id": 7}, segment_id=7)
    with pytest.raises(TypeError, match=BOTH):
        handler({}, segment_id=7)
    assert (handler.__name__, handler.__qualname__) == ("get_segment", "get_segment")
    assert repr(handler) == "<subtool get_segment>"


def test_a_method_takes_a_mapping_text_or_names(tool: Any) -> None:
    answer = tool.call("get_segment", {"segment_id": 7})
    for given in ({"segment_id": 7}, '{"segment_id": 7}', b'{"segment_id": 7}'):
        assert tool.get_segment(given) == answer
    assert tool.get_segment(segment_id=7) == answer
    assert tool.get_segment() == tool.call("get_segment")
    for given in ({"segment_id": 7}, {}):
        with pytest.raises(TypeError, match=BOTH):
            tool.get_segment(given, segment_id=7)


DOCUMENTED = """Lists all segments in the workspace. Use to see which lists, groups or audiences \
exist, and to find a number by name. People can be added to manual ones only.

Args:
    type: Only of this kind. One of: dynamic, manual.
    name_contains: In any case.
    limit: Default 50.
    offset: How many to skip.
    full: True returns every field.

Returns:
    The result envelope: `ok`, `summary` and what Customer.io answered.
"""


def test_a_method_is_documented_and_typed_for_whoever_reads_it() -> None:
    listed: Any = CustomerIoTool.list_segments  # type: ignore[attr-defined]  # made when asked for
    assert listed.__doc__ == DOCUMENTED
    assert (listed.__name__, listed.__qualname__) == (
        "list_segments",
        "CustomerIoTool.list_segments",
    )
    assert str(inspect.signature(listed)) == (
        "(self, *, type: str = None, name_contains: str = None, limit: int = None, "
        "offset: int = None, full: bool = None) -> dict"
    )
    deleted: Any = CustomerIoTool.delete_segment  # type: ignore[attr-defined]
    assert str(inspect.signature(deleted)) == "(self, *, segment_id: int, name: str = None) -> dict"
    first, *_ = inspect.signature(deleted).parameters.values()
    assert first.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert typing.get_type_hints(deleted) == {"segment_id": int, "name": str, "return": dict}
    triggered: Any = CustomerIoTool.trigger_broadcast  # type: ignore[attr-defined]
    types = typing.get_type_hints(triggered)
    assert (types["emails"], types["per_user_data"], types["filter"]) == (
        list[str],
        list[dict],  # type: ignore[type-arg]  # plain types alone
        dict,
    )


def test_a_subtool_without_arguments_has_no_list_of_them() -> None:
    for name in lookup_names():
        definition = definition_of(name)
        with CustomerIoTool(SAVED_US, policy={"lookups": True}) as made:
            doc = getattr(made, name).__doc__
        properties = definition["input_schema"]["properties"]
        assert doc.startswith(definition["description"] + "\n\n")
        assert ("Args:\n" in doc) is bool(properties)
        assert "\n\n\n" not in doc


def test_a_look_up_is_a_method_where_the_look_ups_are_on(with_lookups: Any, tool: Any) -> None:
    assert lookup_names()
    for name in lookup_names():
        method = getattr(with_lookups, name)
        assert method.__name__ == name
        assert method(no_such=1) == with_lookups.call(name, {"no_such": 1})
        assert getattr(type(with_lookups), name, None) is None
        with pytest.raises(AttributeError) as missing:
            getattr(tool, name)
        assert str(missing.value) == f"'CustomerIoTool' object has no attribute {name!r}"
    for name in ("find_nobody", "_find_customers", "__find__"):
        for each in (with_lookups, tool):
            with pytest.raises(AttributeError) as missing:
                getattr(each, name)
            assert str(missing.value) == f"'CustomerIoTool' object has no attribute {name!r}"


def test_a_tool_that_is_not_made_yet_has_no_attribute() -> None:
    unmade: Any = CustomerIoTool.__new__(CustomerIoTool)
    with pytest.raises(AttributeError, match="no attribute '_policy'"):
        unmade._policy  # noqa: B018  # what `copy` and `pickle` ask for too


def test_the_functions_are_those_of_the_definitions(with_lookups: Any) -> None:
    functions = with_lookups.functions
    assert list(functions) == [each["name"] for each in with_lookups.definitions()]
    assert set(lookup_names()) <= functions.keys()
    for each in with_lookups.definitions():
        name = each["name"]
        function = functions[name]
        assert function == Function(
            name, each["description"], each["input_schema"], getattr(with_lookups, name)
        )
        assert function.to_dict() == {
            "name": name,
            "description": each["description"],
            "parameters": each["input_schema"],
        }


class Attributes:
    """A base class with an attribute of the name of a subtool."""

    get_segment = None


def test_no_tool_may_have_an_attribute_of_its_own_under_the_name_of_a_subtool() -> None:
    refused = "^rename the subtool get_segment: every tool has that attribute$"
    for bases in ((SubtoolMethods, Attributes), (Attributes, SubtoolMethods)):
        with pytest.raises(TypeError, match=refused):
            type("Tool", bases, {})
    with pytest.raises(TypeError, match="rename the subtool add_device: every"):
        type("Tool", (SubtoolMethods, Attributes), {"add_device": None, "track_event": None})
    type("Tool", (SubtoolMethods,), {"find": None})
    heirs = type("Heir", (CustomerIoTool,), {"get_segment": None})
    assert issubclass(heirs, SubtoolMethods)
    with pytest.raises(TypeError):
        type("Tool", (SubtoolMethods,), {}, unknown=1)


def test_each_type_in_the_hints_is_that_of_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in hints.__all__:
        monkeypatch.delitem(vars(hints), name, raising=False)  # as in a process that has not asked
        found = getattr(hints, name)
        assert found.__name__ == name
        assert found is getattr(import_module(found.__module__), name) is getattr(hints, name)
    with pytest.raises(AttributeError) as missing:
        getattr(hints, "Nothing")  # noqa: B009  # a type checker knows that there is none
    assert str(missing.value) == ("module 'customerio_tool.calls.hints' has no attribute 'Nothing'")
    told = typing.get_type_hints(CustomerIoTool.acall)
    assert told["context"] == CallContext | None


def test_sentences_are_numbered_from_one() -> None:
    told: list[tuple[int, str]] = []
    report = numbered(lambda number, sentence: told.append((number, sentence)))
    for sentence in ("a", "b", "c"):
        report(sentence)
    assert told == [(1, "a"), (2, "b"), (3, "c")]


def test_a_subtool_is_defined_by_its_own_name_in_each_dialect(tool: Any, with_lookups: Any) -> None:
    name = lookup_names()[0]
    assert with_lookups.definition(name) == with_lookups.definition(name, "plain", "full")
    assert with_lookups.definition(name)["name"] == with_lookups.describe(name)["name"] == name
    for each in (tool.definition, tool.describe, CustomerIoTool.definition):
        with pytest.raises(SubtoolUnknown):
            each(name)
