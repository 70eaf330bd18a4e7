"""No argument becomes a header, a private address to fetch, or more JSON than can be read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.attacks.reached import NAMES, logged
from tests.support.clients import EMAIL, example_of

# Lines that would become headers

BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\ud800"]
ONE_LINE = ["to", "cc", "bcc", "reply_to", "from_address", "subject", "customer_id"]


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize("argument", ONE_LINE)
def test_a_line_of_an_email_cannot_begin_another(
    sandbox: Sandbox, tool: CustomerIoTool, argument: str, line_break: str
) -> None:
    told = f"ada@example.com{line_break}Bcc: spy@evil.example"
    result, seen = logged(
        sandbox, tool, "send_transactional_email", {**EMAIL, argument: told, "body": "x"}
    )

    assert result["error"]["code"] == "arguments_invalid"
    assert seen == []


@pytest.mark.parametrize(
    "headers",
    [
        *({"X-Order": f"17{each}Bcc: spy@evil.example"} for each in BREAKS),
        *({f"X-Order{each}Bcc": "spy@evil.example"} for each in BREAKS),
        {"X-Order: 1": "2"},
        {"Bcc": "spy@evil.example"},
        {"bCC": "spy@evil.example"},
        {"From": "spy@evil.example"},
        {"Content-Type": "text/html"},
        {"": "x"},
        {"X": "é"},
        {"X": ["a"]},
    ],
)
def test_a_header_of_an_email_is_one_line_and_not_one_of_the_vendors(
    sandbox: Sandbox, tool: CustomerIoTool, headers: Any
) -> None:
    result, seen = logged(sandbox, tool, "send_transactional_email", {**EMAIL, "headers": headers})

    assert result["error"]["code"] == "arguments_invalid"
    assert seen == []


@pytest.mark.parametrize("half", ["\ud800", "a\udfffb"])
@pytest.mark.parametrize("name", NAMES)
def test_half_a_character_is_refused_wherever_it_stands(
    sandbox: Sandbox, tool: CustomerIoTool, name: str, half: str
) -> None:
    good = example_of(name)
    for argument in subtools()[name].argument_names:
        for value in (half, [half], {"x": half}, {half: "x"}):
            result, seen = logged(sandbox, tool, name, {**good, argument: value})
            assert result["error"]["code"] == "arguments_invalid"
            assert seen == []


# Files that Customer.io would fetch

PRIVATE = [
    "http://files.example.com/a",
    "ftp://files.example.com/a",
    "file:///etc/passwd",
    "//files.example.com/a",
    "https://localhost/a",
    "https://LOCALHOST/a",
    "https://localhost./a",
    "https://a.localhost/a",
    "https://printer.local/a",
    "https://metadata.google.internal/a",
    "https://intranet/a",
    "https://127.0.0.1/a",
    "https://127.1/a",
    "https://2130706433/a",
    "https://0x7f000001/a",
    "https://0x7f.1/a",
    "https://0177.0.0.1/a",
    "https://127.0.0.1./a",
    "https://10.0.0.1/a",
    "https://192.168.1.1/a",
    "https://172.16.0.1/a",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/a",
    "https://0.0.0.0/a",
    "https://8.8.8.8/a",
    "https://[::1]/a",
    "https://[::ffff:127.0.0.1]/a",
    "https://[fd00::1]/a",
    "https://ada:pass@files.example.com/a",
    "https://files.example.com@127.0.0.1/a",
    "https://files.example.com\\@127.0.0.1/a",
    "https://127.0.0.1#@files.example.com/a",
    "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/a",  # circled: localhost
    "https://127\u30020\u30020\u30021/a",  # ideographic full stops
    "https://files.example.com\r\n.evil.example/a",
    "https:///a",
    "https://",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_a_file_on_a_private_host_is_refused(
    sandbox: Sandbox, tool: CustomerIoTool, url: str
) -> None:
    arguments = {"broadcast_id": 30, "audience": "file", "data_file_url": url}
    result, seen = logged(sandbox, tool, "trigger_broadcast", arguments)

    assert [field["path"] for field in result["error"]["fields"]] == ["data_file_url"]
    assert seen == []


# Large and deep JSON


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


HUGE = [
    nested(64),
    nested(5000),
    {"a": "x" * 100_001},
    {"a": 10**400},
    {"a": float("nan")},
    {"a": float("inf")},
    {"a": {1, 2}},
    {1: "a"},
    {"a": b"x"},
    '{"a":' * 100_000 + "1" + "}" * 100_000,
    '{"a":1,"a":2}',
    '{"a":NaN}',
    '{"a":1e999}',
    "{",
]


@pytest.mark.parametrize("data", HUGE, ids=[str(number) for number in range(len(HUGE))])
def test_data_that_is_too_large_too_deep_or_no_json_is_refused(
    sandbox: Sandbox, tool: CustomerIoTool, data: Any
) -> None:
    arguments = {"customer_id": "u1", "name": "paid", "data": data}
    result, seen = logged(sandbox, tool, "track_event", arguments)

    assert result["error"]["code"] == "arguments_invalid"
    assert seen == []


@pytest.mark.parametrize("text", ["[" * 100_000, '{"data":' * 100_000, '"' + "x" * 1_000_000])
def test_arguments_that_are_no_json_are_refused(
    sandbox: Sandbox, tool: CustomerIoTool, text: str
) -> None:
    result, seen = logged(sandbox, tool, "track_event", text)

    assert result["error"]["code"] == "arguments_invalid"
    assert seen == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=4))
def test_data_arrives_as_it_is_or_is_refused(
    sandbox: Sandbox, tool: CustomerIoTool, data: dict[str, Any]
) -> None:
    arguments = {"customer_id": "u1", "name": "paid", "data": data}
    result, seen = logged(sandbox, tool, "track_event", arguments)

    if result["ok"]:
        (request,) = seen
        assert request["json"].get("data", {}) == data
        assert set(request["json"]) <= {"name", "id", "timestamp", "data"}
    else:
        assert result["error"]["code"] == "arguments_invalid"
        assert seen == []
