"""A success status with an error in its body is a doubt, told with the vendor's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Effect
from tests.support.clients import APP_US, SAVED_US, AnyPace, code_of, example_of

NAMES = list(subtools())
READS = [name for name in NAMES if subtools()[name].effect is Effect.READ]
ONCE = [name for name in NAMES if subtools()[name].effect in (Effect.CREATE, Effect.SEND)]
AGAIN = [name for name in NAMES if name not in READS and name not in ONCE]
VENDOR = re.compile(r"https://(track|api)\.customer\.io/.*")

WORDS = "the database is asleep"
ERRORS: dict[str, Any] = {
    "meta.error": {"meta": {"error": WORDS}},
    "meta.errors": {"meta": {"errors": [WORDS]}},
    "errors.detail": {"errors": [{"detail": WORDS, "status": "503"}]},
    "errors of texts": {"errors": [WORDS]},
    "errors by field": {"errors": {"name": [WORDS]}},
    "error": {"error": WORDS},
    "error.message": {"error": {"code": 7, "message": WORDS}},
    "Error": {"Error": WORDS},
    "errorMessage": {"errorMessage": WORDS, "errorType": "Timeout"},
    "error_description": {"error": "server_error", "error_description": WORDS},
    "success": {"success": False, "message": WORDS},
    "ok": {"ok": False, "detail": WORDS},
    "status": {"status": "error", "message": WORDS},
    "success as text": {"success": "false", "message": WORDS},
    "code": {"code": 503, "message": WORDS},
    "statusCode": {"statusCode": "503", "message": WORDS},
    "status line": {"status": "503 Service Unavailable", "message": WORDS},
    "result": {"result": "failed", "detail": WORDS},
    "failures": {"failures": [{"id": "u1", "reason": WORDS}]},
    "failed": {"failed": True, "message": WORDS},
    "fault": {"fault": {"code": 7, "message": WORDS}},
    "exception": {"exception": WORDS},
    "problem": {"type": "about:blank", "title": "Oops", "status": 503, "detail": WORDS},
}
LISTS: dict[str, Any] = {
    "a list of problems": [{"detail": WORDS, "status": "503"}],
    "a list of errors": [{"error": WORDS}],
}
NO_ERRORS: list[Any] = [
    {"error": None, "errors": [], "meta": {}},
    {"meta": {"error": "", "errors": None, "total": 3}, "errors": {}},
    {"error": False, "errors": 0, "status": "ok", "success": True, "ok": True},
    {"errors": [None, "", {}], "status": 200, "message": "accepted"},
    {"failed": 0, "failures": [], "code": 200, "result": "ok", "success": "true"},
]


@pytest.fixture
def tool() -> Iterator[CustomerIoTool]:
    clock = Clock(now=lambda: 1_763_900_000.5, sleep=lambda _: None)
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(SAVED_US, policy="open", backends=backends, clock=clock) as made:
        yield made


def good(name: str) -> dict[str, Any]:
    """Return a reply that a read takes for an answer."""
    expects = subtools()[name].shape.expects
    if expects is None:
        return {}
    is_list = subtools()[name].shape.returns.get(expects, {}).get("type") == "array"
    return {expects: [] if is_list else {"series": {}} if expects == "metric" else {}}


def call_all(net: responses.RequestsMock, tool: CustomerIoTool, name: str, body: Any) -> Any:
    """Make a subtool's first example call, of which every request is answered 200 with a body."""
    for method in ("GET", "POST", "PUT", "DELETE"):
        net.add(method, VENDOR, json=body)
    return tool.call(name, example_of(name))


def own_requests(net: responses.RequestsMock, name: str) -> int:
    method = subtools()[name].endpoint.method
    return sum(call.request.method == method for call in net.calls)


def assert_words(result: dict[str, Any]) -> None:
    assert WORDS in result["said"]
    assert result["untrusted"] is True
    assert WORDS not in result["summary"]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("name", READS)
def test_a_read_that_is_answered_with_an_error_is_not_a_result(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, kind: str
) -> None:
    result = call_all(net, tool, name, {**good(name), **ERRORS[kind]})
    error = result["error"]
    assert (error["code"], error["took_effect"]) == ("reply_unreadable", "no")
    assert_words(result)


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("name", ONCE)
def test_what_must_not_happen_twice_is_in_doubt_after_an_error_under_200(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, kind: str
) -> None:
    results = [call_all(net, tool, name, ERRORS[kind])]
    if subtools()[name].effect is Effect.SEND:
        results.append(tool.call(name, example_of(name)))
    for result in results:
        error = result["error"]
        assert (error["code"], error["next_step"]) == ("outcome_unknown", "look_first")
        assert error["took_effect"] == "unknown"
        subtools()[error["look"]["subtool"]].parse(error["look"]["arguments"])
    assert_words(results[0])
    assert own_requests(net, name) == 1


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("name", AGAIN)
def test_any_other_write_is_neither_done_nor_undone_after_an_error_under_200(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, kind: str
) -> None:
    result = call_all(net, tool, name, ERRORS[kind])
    error = result["error"]
    assert (error["code"], error["took_effect"]) == ("outcome_unknown", "unknown")
    assert_words(result)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_list_of_errors_under_200_is_a_doubt_too(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, kind: str
) -> None:
    result = call_all(net, tool, name, LISTS[kind])
    assert code_of(result) == ("reply_unreadable" if name in READS else "outcome_unknown")
    assert_words(result)


@pytest.mark.parametrize("name", ["track_event", "track_anonymous_event", "track_page_view"])
def test_the_repeat_of_an_event_after_an_error_under_200_is_the_same_event(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str
) -> None:
    call_all(net, tool, name, ERRORS["error"])
    tool.call(name, example_of(name))
    sent = [json.loads(call.request.body or "")["id"] for call in net.calls]
    assert len(sent) == 2
    assert sent[0] == sent[1]


@pytest.mark.parametrize("body", NO_ERRORS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_members_that_tell_of_no_error_make_no_doubt(
    net: responses.RequestsMock, tool: CustomerIoTool, name: str, body: Any
) -> None:
    assert call_all(net, tool, name, {**body, **good(name)})["ok"]


@pytest.mark.parametrize("kind", ERRORS)
def test_a_count_that_is_answered_with_an_error_is_no_count(
    net: responses.RequestsMock, tool: CustomerIoTool, kind: str
) -> None:
    net.get(f"{APP_US}/v1/segments/1", json={"segment": {"id": 1}})
    net.get(f"{APP_US}/v1/segments/1/customer_count", json={"count": 0, **ERRORS[kind]})
    result = tool.call("get_segment", {"segment_id": 1, "include_count": True})
    assert code_of(result) == "reply_unreadable"
    assert_words(result)


@pytest.mark.parametrize("listed", [ERRORS["meta.error"], {"segments": [], "errors": [WORDS]}, {}])
def test_a_look_that_is_answered_with_an_error_does_not_show_that_nothing_is_there(
    sandbox: Sandbox, listed: Any
) -> None:
    sandbox.fault(operation="create_segment", action="reset_after_applying", times=1)
    sandbox.fault(operation="list_segments", body=listed)
    with CustomerIoTool(sandbox.connection(), clock=Clock(sleep=lambda _: None)) as tool:
        assert code_of(tool.call("create_manual_segment", {"name": "Launch"})) == "outcome_unknown"
    assert [each["name"] for each in sandbox.state()["segments"]].count("Launch") == 1
