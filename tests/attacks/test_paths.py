"""What a model puts into a path or a query reaches no other route than it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Endpoint
from tests.attacks.reached import logged, looks_before
from tests.support.clients import example_of

SLOTS = [
    (name, slot, subtool.input_schema()["properties"][slot]["type"])
    for name, subtool in subtools().items()
    for endpoint in subtool.endpoints
    for slot in endpoint.slots
]
IN_PATH = [(name, slot) for name, slot, kind in SLOTS if kind == "string"]
NUMBERED = [(name, slot) for name, slot, kind in SLOTS if kind == "integer"]
ESCAPES = [
    ".",
    "..",
    "%2e%2e",
    "%2E%2e",
    "%252e%252e",
    ".%2e",
    "../u2",
    "u1/../u2",
    "..%2fu2",
    "u1/events",
    "u1%2Fevents",
    "u1//events",
    "/u1",
    "u1/",
    "\\..\\u2",
    "u1?delete=1",
    "u1#x",
    "u1;x=1",
    "u1&x=1",
    "u1@evil.example",
    "//evil.example/u1",
    "https://evil.example/",
    "u1%",
    "u1%zz",
    "u1%00",
    "u1\x00",
    "u1\r\nX-Header: 1",
    "u1\n",
    "u1\t",
    "u1\x7f",
    "u1\u2028",
    "u1\ud800",
    "u1\u202e",
    "",
    " ",
    " u1",
    "ü" * 76,
    "{customer_id}",
    "{0}",
    "+",
    "%2B",
    "*",
]
PIECES = [".", "..", "/", "%2e", "%2F", "%25", "\\", "?", "#", ";", ":", "@", "\r\n", "\x00", "u"]


def meant_by(call: Endpoint, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return the method and the path of a call with these arguments."""
    path = call.path
    for slot in call.slots:
        path = path.replace(f"{{{slot}}}", as_segment(str(arguments[slot])), 1)
    return call.method, path


def as_segment(text: str) -> str:
    """Percent-encode a text as RFC 3986 has it, apart from how the tool does it."""
    kept = re.compile(rb"[A-Za-z0-9._~-]")
    return "".join(
        chr(byte) if kept.match(bytes([byte])) else f"%{byte:02X}" for byte in text.encode()
    )


@pytest.fixture(scope="module")
def operations(sandbox: Sandbox, tool: CustomerIoTool) -> dict[str, str]:
    """The sandbox's name of what a plain call of each subtool reaches."""
    plain = {name: {**example_of(name), slot: "plain"} for name, slot in IN_PATH}
    return {
        name: str(logged(sandbox, tool, name, arguments)[1][-1]["operation"])
        for name, arguments in plain.items()
    }


def assert_only_meant(
    sandbox: Sandbox, tool: CustomerIoTool, operation: str, name: str, arguments: Any
) -> None:
    """Check that a call reached the one path that it names, or was refused and reached nothing."""
    call = subtools()[name].endpoints[-1]
    result, seen = logged(sandbox, tool, name, arguments)
    if not result["ok"] and result["error"]["code"] == "arguments_invalid":
        assert seen == []
        return
    looks = looks_before(name, arguments)
    meant = {meant_by(call, arguments), *(meant_by(*look) for look in looks)}
    assert {(request["method"], request["path"]) for request in seen} == meant
    assert [request["operation"] for request in seen[len(looks) :]] == [operation]


@pytest.mark.parametrize("text", ESCAPES)
@pytest.mark.parametrize(("name", "slot"), IN_PATH)
def test_an_identifier_reaches_its_own_path_or_nothing(
    sandbox: Sandbox,
    tool: CustomerIoTool,
    operations: dict[str, str],
    name: str,
    slot: str,
    text: str,
) -> None:
    assert_only_meant(sandbox, tool, operations[name], name, {**example_of(name), slot: text})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(IN_PATH),
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40),
    ),
)
def test_whatever_an_identifier_holds_no_other_route_is_reached(
    sandbox: Sandbox,
    tool: CustomerIoTool,
    operations: dict[str, str],
    taker: tuple[str, str],
    text: str,
) -> None:
    name, slot = taker
    assert_only_meant(sandbox, tool, operations[name], name, {**example_of(name), slot: text})


@pytest.mark.parametrize("text", ["..", "1/../2", "1%2F2", "1;x", "1?x=1", "1#", "-1", "0", "1e3"])
@pytest.mark.parametrize(("name", "slot"), NUMBERED)
def test_a_number_in_a_path_is_a_number(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, slot: str, text: str
) -> None:
    result, seen = logged(sandbox, tool, name, {**example_of(name), slot: text})

    assert result["error"]["code"] == "arguments_invalid"
    assert seen == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40) | st.lists(st.sampled_from(["&", "=", "#", "?", "x"])).map("".join))
def test_a_value_of_a_query_stays_one_value(
    sandbox: Sandbox, tool: CustomerIoTool, text: str
) -> None:
    result, seen = logged(sandbox, tool, "list_messages", {"cursor": text})

    if not result["ok"] and result["error"]["code"] == "arguments_invalid":
        assert seen == []
    else:
        (request,) = seen
        assert request["path"] == "/v1/messages"
        given = text if text.strip() else None  # a blank cursor counts as not given
        assert request["query"].get("start") == given
        assert set(request["query"]) <= {"start", "limit"}
