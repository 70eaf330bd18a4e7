"""Every subtool's examples: valid, sent as declared, accepted by the local Customer.io."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from customerio_tool import CustomerIoTool
from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Request
from customerio_tool.deadline import Clock as ToolClock
from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Api, Effect, Example, Invocation, Subtool
from tests.support.vendor_spec import TrackSpecification

NOW = 1_795_435_200  # 2026-11-23 12:00 UTC
AT = Invocation(now=NOW + 0.5, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")

BEFOREHAND = {"unsuppress_customer": "suppress_customer"}
"""Subtools whose call means something only after a call of another with the same arguments."""


@dataclass(frozen=True)
class Case:
    """One example and the subtool it belongs to."""

    key: str
    subtool: Subtool[Any]
    example: Example

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.example.arguments)

    @property
    def text(self) -> str:
        return json.dumps(self.arguments)

    @property
    def also_read(self) -> list[str]:
        """The path of the second read, where the example asks for it."""
        second = self.subtool.second_read
        if second is None or not second.when(self.subtool.parse(self.arguments)):
            return []
        return [second.endpoint.path.format(**self.arguments)]

    def request(self, arguments: Any) -> Request:
        return request_for(Call(self.subtool, self.subtool.parse(arguments), AT))


CASES = {
    f"{name}-{number}": Case(f"{name}-{number}", subtool, example)
    for name, subtool in subtools().items()
    for number, example in enumerate(subtool.examples, start=1)
}
TRACK_CASES = {name: case for name, case in CASES.items() if case.subtool.endpoint.api is Api.TRACK}

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as running:
        yield running


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    with CustomerIoTool(
        sandbox.connection(), clock=ToolClock(now=lambda: AT.now, entropy=bytes)
    ) as ready:
        yield ready


def filled(declared: Any, ulid: str) -> Any:
    """Return a declared body with the second and the id of the call in place."""
    if isinstance(declared, dict):
        return {name: filled(value, ulid) for name, value in declared.items()}
    if isinstance(declared, list):
        return [filled(value, ulid) for value in declared]
    placeholders = {"$now": AT.now_seconds, "$ulid": ulid}
    return placeholders.get(declared, declared) if isinstance(declared, str) else declared


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def with_nulls(case: Case) -> dict[str, Any]:
    """Return the arguments as strict-mode models send them: what is not given is null."""
    return {name: case.arguments.get(name) for name in case.subtool.argument_names}


@each_case
def test_arguments_keep_to_the_published_schema(case: Case) -> None:
    schema = case.subtool.input_schema()
    Draft202012Validator.check_schema(schema)
    assert problems(schema, case.arguments) == []


@each_case
def test_a_call_sends_the_request_that_its_example_declares(case: Case) -> None:
    sent = case.request(case.arguments)
    declared = case.example.sends
    assert (sent.method, sent.path, sent.query) == (declared.method, declared.path, declared.query)
    body = None if sent.body is None else json.loads(sent.body)
    assert body == filled(declared.body, AT.ulid)


@each_case
def test_json_text_sends_the_same_bytes_as_a_mapping(case: Case) -> None:
    assert case.request(case.text) == case.request(case.arguments)
    assert case.request(case.text.encode()) == case.request(case.arguments)


@each_case
def test_optional_arguments_given_as_null_change_nothing(case: Case) -> None:
    given = with_nulls(case)
    sent = case.request(case.arguments)
    plain, strict = (case.subtool.parse(arguments) for arguments in (case.arguments, given))
    assert strict.model_dump() == plain.model_dump()
    assert case.request(given) == sent
    assert case.request(json.dumps(given)) == sent


@each_case
def test_a_call_succeeds_on_the_local_customer_io(
    case: Case, tool: CustomerIoTool, sandbox: Sandbox
) -> None:
    name = case.subtool.name
    if name in BEFOREHAND:
        assert tool.call(BEFOREHAND[name], case.arguments)["ok"]
    seen = len(sandbox.requests())
    result = tool.call(name, case.arguments)
    assert result["ok"], result
    assert problems(case.subtool.output_schema(), result) == []
    assert_sent(case, sandbox.requests(after=seen))
    assert sandbox.state()["activity"] == [], "accepted, yet without its whole effect"


def assert_sent(case: Case, arrived: list[dict[str, Any]]) -> None:
    """Check that what arrived is the declared request, and the second read where there is one.

    What erases is read first.
    """
    declared = case.example.sends
    erases = case.subtool.effect is Effect.ERASE
    first, *others = [each for each in arrived if not erases or each["method"] != "GET"]
    assert (first["method"], first["path"]) == (declared.method, declared.path)
    assert first["query"] == dict(parse_qsl(declared.query))
    ulid = (first["json"] or {}).get("id", "") if "$ulid" in str(declared.body) else ""
    assert first["json"] == filled(declared.body, ulid)
    assert [each["path"] for each in others] == case.also_read


@pytest.mark.parametrize("case", TRACK_CASES.values(), ids=TRACK_CASES.keys())
def test_a_track_request_keeps_to_the_vendors_specification(
    case: Case, vendor_track: TrackSpecification
) -> None:
    sent = case.request(case.arguments)
    body = None if sent.body is None else json.loads(sent.body)
    query = dict(parse_qsl(sent.query))
    assert vendor_track.problems(sent.method, sent.path, query, body) == []
