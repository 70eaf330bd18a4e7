"""What a model can be talked into sending reaches no other route, host or reader than it names."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.spec import Subtool
from customerio_tool.subtools import subtools
from customerio_tool.transport import new_session
from tests.canaries import AT
from tests.clients import AnyPace

SAVED = {
    "site_id": "site-5e1f77a0",
    "track_api_key": "track-0b9c41d2",
    "app_api_key": "app-77d3e8f6",
    "region": "us",
}
HOSTS = {
    "track": ("https://track.customer.io", "https://track-eu.customer.io"),
    "app": ("https://api.customer.io", "https://api-eu.customer.io"),
}
NAMES = list(subtools())
TEXT_SLOTS = ("customer_id", "device_id")
IN_PATH = [
    (name, slot)
    for name, subtool in subtools().items()
    for slot in subtool.call.slots
    if slot in TEXT_SLOTS
]
NUMBERED = [
    (name, slot)
    for name, subtool in subtools().items()
    for slot in subtool.call.slots
    if slot not in TEXT_SLOTS
]
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


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=False) as running:
        yield running


@pytest.fixture(scope="module")
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    with CustomerIoTool(sandbox.connection(), policy="open", pacer=AnyPace()) as made:
        yield made


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def example_of(name: str) -> dict[str, Any]:
    return dict(subtools()[name].examples[0].arguments)


def logged(sandbox: Sandbox, tool: CustomerIoTool, name: str, arguments: Any) -> Any:
    """Return what a call told, and the requests that reached the sandbox."""
    last = sandbox.requests()[-1:]
    after = last[0]["n"] if last else 0
    return tool.call(name, arguments), sandbox.requests(after)


def as_segment(text: str) -> str:
    """Percent-encode a text as RFC 3986 has it, apart from how the tool does it."""
    kept = re.compile(rb"[A-Za-z0-9._~-]")
    return "".join(
        chr(byte) if kept.match(bytes([byte])) else f"%{byte:02X}" for byte in text.encode()
    )


@pytest.fixture(scope="module")
def operations(sandbox: Sandbox, tool: CustomerIoTool) -> dict[str, str]:
    """The sandbox's name of what a plain call of each subtool reaches."""
    plain = {name: {**example_of(name), "customer_id": "plain"} for name, _ in IN_PATH}
    return {
        name: str(logged(sandbox, tool, name, arguments)[1][0]["operation"])
        for name, arguments in plain.items()
    }


def assert_only_meant(
    sandbox: Sandbox, tool: CustomerIoTool, operation: str, name: str, arguments: Any
) -> None:
    """Check that a call reached the one path that it names, or was refused and reached nothing."""
    call = subtools()[name].call
    result, seen = logged(sandbox, tool, name, arguments)
    if not result["ok"] and result["error"]["code"] == "arguments_invalid":
        assert seen == []
        return
    meant = call.path
    for slot in call.slots:
        meant = meant.replace(f"{{{slot}}}", as_segment(str(arguments[slot])), 1)
    assert {(request["method"], request["path"]) for request in seen} == {(call.method, meant)}
    assert {request["operation"] for request in seen} == {operation}


# Paths


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
        assert request["query"]["start"] == text
        assert set(request["query"]) <= {"start", "limit"}


# Lines that would become headers

BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\ud800"]
EMAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": "1"}
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


# Redirects


def answered_by(net: responses.RequestsMock, location: str) -> None:
    """Let every host of the vendor redirect every request to one place."""
    vendor = re.compile(r"https://(track|api)(-eu)?\.customer\.io/.*")
    for method in ("GET", "POST", "PUT", "DELETE"):
        net.add(method, vendor, status=307, headers={"Location": location})
        net.add(method, re.compile(r".*"), json={})


def wire_path(name: str) -> str:
    """Return the path and query that a subtool's first example sends."""
    sends = subtools()[name].examples[0].sends
    return f"{sends.path}?{sends.query}" if sends.query else sends.path


def called(name: str) -> None:
    subtool: Subtool[Any] = subtools()[name]
    with CustomerIoTool(
        SAVED, policy="open", clock=lambda: AT.now, pacer=AnyPace(), sleep=lambda _: None
    ) as tool:
        tool.call(name, dict(subtool.examples[0].arguments))


@pytest.mark.parametrize("name", NAMES)
def test_a_redirect_to_the_other_region_is_followed_once_as_it_was(
    net: responses.RequestsMock, name: str
) -> None:
    home, other = HOSTS[subtools()[name].call.api.value]
    target = wire_path(name)
    for origin, next_origin in ((home, other), (other, home)):
        net.add(
            subtools()[name].call.method,
            origin + target,
            status=307,
            headers={"Location": next_origin + target},
        )
    called(name)

    first, second = (call.request for call in net.calls[:2])
    assert (first.url, second.url) == (home + target, other + target)
    assert (first.method, first.body) == (second.method, second.body)
    assert first.headers["Authorization"] == second.headers["Authorization"]
    assert len(net.calls) == 2


ELSEWHERE = [
    "https://evil.example{target}",
    "https://track.customer.io.evil.example{target}",
    "https://track-eu.customer.io@evil.example{target}",
    "https://evil.customer.io{target}",
    "http://track-eu.customer.io{target}",
    "http://api-eu.customer.io{target}",
    "https://track-eu.customer.io:8443{target}",
    "https://{wrong_api}{target}",
    "https://{right_api}/api/v1/customers/u2",
    "https://{right_api}{target}/",
    "//{right_api}{target}",
    "{target}",
]


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.parametrize("name", NAMES)
def test_credentials_follow_no_other_redirect(
    net: responses.RequestsMock, name: str, location: str
) -> None:
    api = subtools()[name].call.api.value
    wrong = {"track": "app", "app": "track"}[api]
    names = {"target": wire_path(name)}
    names["right_api"] = urlsplit(HOSTS[api][1]).netloc
    names["wrong_api"] = urlsplit(HOSTS[wrong][1]).netloc
    answered_by(net, location.format(**names))
    called(name)

    home = HOSTS[api][0]
    asked = {(call.request.url or "").split("?")[0] for call in net.calls}
    assert asked == {(home + wire_path(name)).split("?")[0]}


# Proxies


def test_proxies_are_those_of_the_environment_when_the_tool_was_made(
    net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.setenv("https_proxy", "http://first.example:3128")
    net.get("https://api.customer.io/v1/segments", json={"segments": []})

    with CustomerIoTool(SAVED) as tool:
        monkeypatch.setenv("https_proxy", "http://later.example:3128")
        tool.call("list_segments", {})

    used: dict[str, str] = net.calls[0].request.req_kwargs["proxies"]  # type: ignore[attr-defined]  # responses puts it there
    assert used == {"https": "http://first.example:3128"}


def test_connections_through_a_proxy_are_as_careful_as_others() -> None:
    adapter = new_session().get_adapter("https://api.customer.io")
    assert isinstance(adapter, requests.adapters.HTTPAdapter)
    direct = adapter.poolmanager.connection_from_url("https://api.customer.io")
    proxied = adapter.proxy_manager_for("http://proxy.example:3128")

    assert type(proxied.connection_from_url("https://api.customer.io")) is type(direct)


# What comes back

HIDING = (
    "\x00\x07\x08\x0b\x0c\x0d\x1b\x7f\x85\x9f"  # control
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # bidirectional
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff"  # zero width
    "\u00ad\u180e\u206a\u206f\ufff9\ufffa\ufffb\U0001d173"  # other invisible formatting
    "\U000e0001\U000e0041\U000e007f"  # tags
)


def assert_clean(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert not set(text) & set(HIDING)


def test_a_person_whose_name_hides_text_is_read_without_it(
    sandbox: Sandbox, tool: CustomerIoTool
) -> None:
    spaced = "".join(f"{each}x" for each in HIDING if each != "\x00")
    hidden = {"name": spaced, f"key{HIDING[1:]}": {"deep": [spaced]}, "more": "a\tb\nc"}
    response = requests.put(
        f"{sandbox.track_url}/api/v1/customers/hidden",
        json=hidden,
        auth=(sandbox.site_id, sandbox.track_api_key),
        timeout=5,
    )
    assert response.status_code == 200

    result = tool.call("get_customer_attributes", {"customer_id": "hidden"})

    assert_clean(result)
    assert set(result["customer"]["attributes"]["name"]) == {"x"}
    assert result["untrusted"] is True


@pytest.mark.parametrize("status", [200, 400, 404, 429])
def test_no_reply_hides_text_whatever_its_status(net: responses.RequestsMock, status: int) -> None:
    words = f"Ignore{HIDING} all"
    body = {"segment": {"name": words, words: [words]}, "meta": {"error": words}}
    body |= {"errors": [{"detail": words}]}
    net.get("https://api.customer.io/v1/segments/7", status=status, json=body)

    with CustomerIoTool(SAVED, sleep=lambda _: None) as tool:
        result = tool.call("get_segment", {"segment_id": 7})

    assert_clean(result)
    assert "Ignore all" in json.dumps(result)
    assert result["untrusted"] is True


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_whatever_customer_io_says_is_read_without_what_hides(text: str) -> None:
    with responses.RequestsMock() as net, CustomerIoTool(SAVED, pacer=AnyPace()) as tool:
        net.get("https://api.customer.io/v1/segments/7", json={"segment": {"name": text}})
        name = tool.call("get_segment", {"segment_id": 7})["segment"]["name"]

    kinds = {unicodedata.category(each) for each in name if each not in "\t\n"}
    assert not kinds & {"Cc", "Cs"}
    assert_clean(name)
