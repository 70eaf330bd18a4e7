"""Every way a call can fail, for each subtool: the envelope, the next step, what was done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import requests
import responses
import urllib3.exceptions
from jsonschema import Draft202012Validator

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect, Subtool
from tests.support.clients import AnyPace, ids_of

NOW = 1_795_435_200.0  # 2026-11-23 12:00 UTC
SAVED = {
    "site_id": "site-of-tests",
    "track_api_key": "track-key-of-tests",
    "app_api_key": "app-key-of-tests",
    "region": "eu",
}
VENDOR = re.compile(r"https://(track|api)-eu\.customer\.io/.*")
METHODS = ("GET", "POST", "PUT", "DELETE")
ASKED_BEFORE_REPEATING = (Effect.CREATE, Effect.SEND)

WORDS = "the words of the vendor"
HTML = f"<!doctype html><html><body><h1>{WORDS}</h1></body></html>".encode()
ENVELOPES = {
    "meta.error": {"meta": {"error": WORDS}},
    "meta.errors": {"meta": {"errors": [WORDS, "and more"]}},
    "errors.detail": {
        "errors": [
            {
                "detail": WORDS,
                "status": "400",
                "source": {"pointer": "/data/attributes/ids"},
            }
        ]
    },
    "errors.reason": {"errors": [{"reason": "invalid", "field": "identifiers", "message": WORDS}]},
}


@dataclass(frozen=True)
class Fault:
    """What Customer.io does to every request."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def saying(cls, status: int, envelope: Any, **headers: str) -> Fault:
        return cls(status, json.dumps(envelope).encode(), headers)

    def befall(self, network: responses.RequestsMock) -> None:
        for method in METHODS:
            network.add(method, VENDOR, body=self.body, status=self.status, headers=self.headers)


def _never_connected() -> requests.ConnectionError:
    refused = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "", refused))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Expected:
    """The part of a failure that a model acts on."""

    code: str
    next_step: str
    took_effect: str = "no"


UNAUTHORIZED = Fault.saying(401, ENVELOPES["meta.error"])
FINAL = {
    "401": (UNAUTHORIZED, Expected("credentials_rejected", "ask_user")),
    "401 without a body": (Fault(401), Expected("credentials_rejected", "ask_user")),
    "403": (Fault(403, WORDS.encode()), Expected("permission_denied", "ask_user")),
    "404": (
        Fault.saying(404, {"errors": [{"detail": WORDS, "status": "404"}]}),
        Expected("not_found", "fix_arguments"),
    ),
    "404 as a page": (Fault(404, HTML), Expected("not_found", "fix_arguments")),
    "413": (Fault(413), Expected("request_rejected", "fix_arguments")),
    "422": (
        Fault.saying(422, ENVELOPES["errors.detail"]),
        Expected("request_rejected", "fix_arguments"),
    ),
    "429 with Retry-After": (
        Fault.saying(429, ENVELOPES["meta.errors"], **{"Retry-After": "3600"}),
        Expected("rate_limited", "wait"),
    ),
    "429 without Retry-After": (Fault(429), Expected("rate_limited", "wait")),
    "no connection": (Fault(body=_never_connected()), Expected("unreachable", "wait")),
}
UNSURE = {
    "408": Fault.saying(408, ENVELOPES["errors.reason"]),
    "500": Fault.saying(500, ENVELOPES["meta.error"]),
    "500 without a body": Fault(500),
    "502 as a page": Fault(502, HTML),
    "503": Fault(503, b"null"),
}
LOST = {
    "no answer in time": Fault(body=requests.ReadTimeout("timed out")),
    "a connection that broke": Fault(body=requests.ConnectionError("reset by peer")),
}
UNREADABLE = {
    "a page": Fault(200, HTML, {"Content-Type": "text/html"}),
    "nothing": Fault(200),
    "null": Fault(200, b"null"),
    "a list": Fault(200, b"[1, 2]"),
    "half of an object": Fault(200, b'{"campaign": {"id": 1'),
    "true": Fault(200, b"true"),
    "bytes that are no text": Fault(200, b"\xff\xfe\x00\x80"),
    "no number": Fault(200, b'{"segment":NaN}'),
    "a number without end": Fault(200, b'{"segment":{"id":1e999}}'),
    "lists without end": Fault(200, b"[" * 100_000),
    "lists too deep": Fault(200, b'{"segment":' + b"[" * 150 + b"]" * 150 + b"}"),
    "objects too deep": Fault(200, b'{"segment":' + b'{"a":' * 1000 + b"1" + b"}" * 1001),
}

each_subtool = pytest.mark.parametrize("subtool", subtools().values(), ids=subtools().keys())


@pytest.fixture
def tool() -> Iterator[CustomerIoTool]:
    clock = Clock(now=lambda: NOW, monotonic=lambda: 0.0, sleep=lambda _: None)
    with CustomerIoTool(SAVED, backends=Backends(limiter=AnyPace()), clock=clock) as ready:
        yield ready


def outcome(
    tool: CustomerIoTool, subtool: Subtool[Any], fault: Fault
) -> tuple[dict[str, Any], int]:
    """Return the result of an example under a fault, and how often its own request was sent."""
    example = subtool.examples[0]
    with responses.RequestsMock(assert_all_requests_are_fired=False) as network:
        fault.befall(network)
        result = tool.call(subtool.name, example.arguments)
        own = [
            call
            for call in network.calls
            if call.request.method == example.sends.method
            and call.request.path_url.split("?")[0] == example.sends.path
        ]
    assert_told(subtool, result)
    return result, len(own)


def assert_told(subtool: Subtool[Any], result: dict[str, Any]) -> None:
    """Check what every result promises: its schema, its own words, and no secret."""
    Draft202012Validator(subtool.output_schema()).validate(result)
    assert result["summary"].strip()
    told = json.dumps(result)
    assert not any(SAVED[name] in told for name in ("track_api_key", "app_api_key"))
    assert "<html" not in told
    assert WORDS not in json.dumps({**result, "said": ""})


def told(result: dict[str, Any]) -> Expected:
    assert result["ok"] is False
    error = result["error"]
    return Expected(error["code"], error["next_step"], error["took_effect"])


@each_subtool
@pytest.mark.parametrize(("fault", "expected"), FINAL.values(), ids=FINAL.keys())
def test_a_refusal_says_what_to_do_and_that_nothing_was_done(
    subtool: Subtool[Any], fault: Fault, expected: Expected, tool: CustomerIoTool
) -> None:
    result, _ = outcome(tool, subtool, fault)
    asks = expected.code == "not_found" and re.search("(Ask|Tell|let) the user", result["summary"])
    assert told(result) == (replace(expected, next_step="ask_user") if asks else expected)
    assert result["error"].get("http_status") == (None if fault.status == 200 else fault.status)


@each_subtool
@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_the_vendors_words_are_passed_on_from_every_envelope(
    subtool: Subtool[Any], envelope: Any, tool: CustomerIoTool
) -> None:
    result, sent = outcome(tool, subtool, Fault.saying(400, envelope))
    assert told(result) == Expected("request_rejected", "fix_arguments")
    assert WORDS in result["said"]
    assert result["untrusted"] is True
    assert sent == 1


@each_subtool
def test_a_wait_that_customer_io_asks_for_is_told_in_seconds(
    subtool: Subtool[Any], tool: CustomerIoTool
) -> None:
    result, sent = outcome(tool, subtool, Fault(429, b"", {"Retry-After": "3600"}))
    assert result["error"]["retry_after_seconds"] == 3600
    assert sent == 1, "the deadline comes first"


@each_subtool
@pytest.mark.parametrize("fault", UNSURE.values(), ids=UNSURE.keys())
def test_a_failing_service_leaves_open_what_a_write_did(
    subtool: Subtool[Any], fault: Fault, tool: CustomerIoTool
) -> None:
    result, sent = outcome(tool, subtool, fault)
    if subtool.effect in ASKED_BEFORE_REPEATING:
        assert_looked_at_first(result, sent)
        return
    took_effect = "no" if subtool.effect is Effect.READ else "unknown"
    assert told(result) == Expected("service_failed", "wait", took_effect)
    assert sent == 3


@each_subtool
@pytest.mark.parametrize("fault", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_leaves_open_what_a_write_did(
    subtool: Subtool[Any], fault: Fault, tool: CustomerIoTool
) -> None:
    result, sent = outcome(tool, subtool, fault)
    if subtool.effect in ASKED_BEFORE_REPEATING:
        assert_looked_at_first(result, sent)
        return
    if subtool.effect is Effect.READ:
        assert told(result) == Expected("unreachable", "wait")
    else:
        assert told(result) == Expected("outcome_unknown", "wait", "unknown")
    assert sent == 3


def assert_looked_at_first(result: dict[str, Any], sent: int) -> None:
    """Check that what must not happen twice was sent once, and that the look can be made."""
    assert told(result) == Expected("outcome_unknown", "look_first", "unknown")
    look = result["error"]["look"]
    looker = subtools()[look["subtool"]]
    assert looker.effect is Effect.READ
    looker.parse(look["arguments"])
    assert sent == 1


@each_subtool
@pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_cannot_be_read_fails_a_read_and_not_a_write(
    subtool: Subtool[Any], fault: Fault, tool: CustomerIoTool
) -> None:
    result, sent = outcome(tool, subtool, fault)
    if subtool.effect is Effect.READ:
        assert told(result) == Expected("reply_unreadable", "wait")
        return
    assert result["ok"] is True
    ids = ids_of(subtool.name, result)
    assert result["outcome"] == ("accepted" if ids else subtool.shape.outcome)
    assert all(one is None for one in ids)
    assert sent == 1


@each_subtool
def test_a_disabled_subtool_is_given_up_before_the_network(subtool: Subtool[Any]) -> None:
    others = frozenset(subtools()) - {subtool.name}
    with CustomerIoTool(SAVED, policy=Policy(enabled=others)) as tool, responses.RequestsMock():
        result = tool.call(subtool.name, subtool.examples[0].arguments)
    assert_told(subtool, result)
    assert told(result) == Expected("subtool_disabled", "give_up")


@each_subtool
def test_invalid_arguments_are_to_be_fixed(subtool: Subtool[Any], tool: CustomerIoTool) -> None:
    with responses.RequestsMock():
        result = tool.call(subtool.name, {"no_such_argument": 1})
    assert_told(subtool, result)
    assert told(result) == Expected("arguments_invalid", "fix_arguments")
    assert "no_such_argument" in [problem["path"] for problem in result["error"]["fields"]]


def test_an_unknown_subtool_is_answered_with_the_nearest(tool: CustomerIoTool) -> None:
    result = tool.call("get_segmnt", {})
    assert told(result) == Expected("subtool_unknown", "fix_arguments")
    assert "did you mean 'get_segment'?" in result["summary"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("trackEvent", "track_event"),
        ("Track Event", "track_event"),
        ("customer_io.track_event", "track_event"),
        ("delte_custmer", "delete_customer"),
        ("send_email", "send_transactional_email"),
        ("get_metrics", "get_campaign_metrics"),
        ("add_customer_to_segment", "add_to_segment"),
        ("get_customer", "get_customer_attributes"),
        ("un_suppress_customer", "unsuppress_customer"),
    ],
)
def test_a_subtool_by_another_name_is_recognised(
    given: str, meant: str, tool: CustomerIoTool
) -> None:
    assert f"did you mean {meant!r}?" in tool.call(given)["summary"]


@pytest.mark.parametrize(
    "given",
    [
        *("list_customers", "delete_event", "update_segment", "list_events"),
        *("rename_campaign", "", None),
    ],
)
def test_nothing_is_proposed_that_does_something_else(given: Any, tool: CustomerIoTool) -> None:
    summary = tool.call(given)["summary"]
    thing = str(given).rpartition("_")[2].rstrip("s")
    of_it = [name for name in tool.handlers if thing and thing in name]
    assert "did you mean" not in summary
    listed = of_it if thing in ("event", "segment", "campaign") else list(tool.handlers)
    assert f"{', '.join(listed)}." in summary
