"""Calls that give the arguments which no example of a subtool gives, derived from its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools.declare import Invocation, Subtool

NOW = 1_795_435_200  # 2026-11-23 12:00 UTC
AT = Invocation(now=NOW, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")

_TEXTS = (
    *("a", "2026-11-23T12:01:00Z", "2026-11-22T12:00:00Z", "pt-BR", "b@example.com"),
    *("https://example.com/a.jsonl", "app://orders/17"),
)


def further_calls(subtool: Subtool[Any]) -> list[dict[str, Any]]:
    """Return calls of examples, each with all further arguments that go with it.

    An argument for which no value of its type is taken is in none of them.
    """
    made: list[dict[str, Any]] = []
    for example in subtool.examples:
        call = dict(example.arguments)
        for name in not_given(subtool, made):
            _add(subtool, call, name)
        if call != example.arguments:
            made.append(call)
    return made


def not_given(subtool: Subtool[Any], calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the arguments of a subtool that neither an example nor one of these calls gives."""
    given = {name for example in subtool.examples for name in example.arguments}
    given |= {name for call in calls for name in call}
    return [name for name in subtool.argument_names if name not in given]


def _add(subtool: Subtool[Any], call: dict[str, Any], name: str) -> None:
    """Give the argument in a call, if any value can be meant."""
    for value in _values(subtool.input_schema()["properties"][name]):
        try:
            request_for(Call(subtool, subtool.parse({**call, name: value}), AT))
        except ArgumentsInvalid:
            continue
        call[name] = value
        return


def _values(schema: Mapping[str, Any]) -> Iterator[Any]:
    if "enum" in schema:
        yield from schema["enum"]
    elif schema["type"] == "array":
        yield from ([item] for item in _values(schema.get("items") or {"type": "object"}))
    elif schema["type"] == "object":
        members = schema.get("properties", {})
        yield {"a": 1}
        whole = {name: next(_values(member)) for name, member in members.items()}
        yield whole
        for one in members:  # where a choice is, all members together are none
            yield {name: value for name, value in whole.items() if name != one}
    else:
        least = schema.get("minimum", 1)
        yield from {"boolean": (True, False), "integer": (least,), "number": (least,)}.get(
            schema["type"], _TEXTS
        )
