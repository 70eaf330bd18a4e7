"""The thin tool needs nothing but a server, and tells what the loss of an answer means."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from customerio_tool import CustomerIoTool, errors
from customerio_tool.doors.studio import thin
from customerio_tool.subtools import subtools
from tests.doors.studio.fresh import run
from tests.support.loopback import Loopback, Script, answer, nobody_listening, says
from tests.support.shell import invoke

TOKEN = "a-token"
NAME = "track_event"
EVENT = {"customer_id": "u1", "name": "order_paid", "data": '{"total": 7}'}


def text_of(name: str) -> str:
    printed = invoke("studio", "tool", name, "--thin")
    assert printed.exit_code == 0
    return printed.stdout


def call(
    name: str, inputs: Any, url: str, token: str = TOKEN, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Call in a process that has the standard library alone."""
    variables = {"CUSTOMERIO_TOOL_URL": url, "CUSTOMERIO_TOOL_TOKEN": token}
    (returned,), modules = run(text_of(name), [inputs], variables, env=env)
    assert not {"customerio_tool", "pydantic", "requests"} & set(modules)
    return returned


@contextmanager
def serving(tool: CustomerIoTool) -> Iterator[str]:
    """Serve the subtools of a tool as `POST /api/SUBTOOL`, for the bearer of the token."""

    class Subtools(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            result = tool.call(self.path.removeprefix("/api/"), body) if is_known else {}
            self.send_response(401 if not is_known else 200 if result["ok"] else 422)
            self.end_headers()
            self.wfile.write(json.dumps(result).encode())

        def log_message(self, *given: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Subtools) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def behind() -> Iterator[CustomerIoTool]:
    """The tool on the sandbox that the server runs."""
    with CustomerIoTool.sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def server(behind: CustomerIoTool) -> Iterator[str]:
    """The address of the server."""
    with serving(behind) as url:
        yield url


def test_it_declares_its_variables_in_its_first_line() -> None:
    first = text_of(NAME).splitlines()[0]
    assert first == '# ENV_VARS: ["CUSTOMERIO_TOOL_URL", "CUSTOMERIO_TOOL_TOKEN"]'


def test_thin_is_the_default() -> None:
    assert invoke("studio", "tool", NAME).stdout == text_of(NAME)


@pytest.mark.parametrize("name", subtools())
def test_it_can_be_printed_for_every_subtool(name: str) -> None:
    compile(text_of(name), "pasted.py", "exec", dont_inherit=True)


@pytest.mark.parametrize(
    "inputs",
    [
        EVENT,
        {"arguments": EVENT, "email": "x@example.com"},
        {f"customer_io.{NAME}.{key}": value for key, value in EVENT.items()},
    ],
    ids=["flat", "nested", "dotted"],
)
def test_it_makes_the_call_on_the_server(inputs: Any, behind: CustomerIoTool, server: str) -> None:
    returned = call(NAME, inputs, f"{server}/")
    assert returned["output"]["outcome"] == "accepted"
    assert returned["captured_variables"]["customer_io_event_id"] == returned["output"]["event_id"]
    assert returned["captured_variables"] == returned["capture_variables"]
    assert behind.local is not None
    request = behind.local.requests()[-1]
    assert (request["json"]["name"], request["json"]["data"]) == ("order_paid", {"total": 7})


def test_it_names_the_run_of_the_studio() -> None:
    with Loopback([says(answer(b'{"ok": true, "summary": ""}'))]) as server:
        assert call(NAME, {**EVENT, "workflow_id": "rün 7"}, server.url)["output"]["ok"]
        (request,) = server.requests
    assert b"\r\nx-run-id: r%c3%bcn%207\r\n" in request.lower()


def test_a_failure_of_the_call_is_the_servers_result(server: str) -> None:
    output = call("get_segment", {"segment_id": 10**6}, server)["output"]
    assert output["error"]["code"] == "not_found"


def test_a_wrong_token_is_told(server: str) -> None:
    output = call(NAME, EVENT, server, token="another")["output"]
    assert "refused CUSTOMERIO_TOOL_TOKEN" in output["summary"]
    assert output["error"]["took_effect"] == "no"


@pytest.mark.parametrize(
    "url",
    ["", "http://example.com", "ftp://127.0.0.1", "https://", "https://user:pw@example.com", "x"],
)
def test_the_token_goes_only_to_https_or_this_machine(url: str) -> None:
    output = call(NAME, EVENT, url)["output"]
    assert output["error"]["code"] == "connection_invalid"
    assert "CUSTOMERIO_TOOL_URL" in output["summary"]


@pytest.mark.parametrize("token", ["", "ab\ncd", "ä"])
def test_what_is_no_token_is_told_without_it(token: str) -> None:
    output = call(NAME, EVENT, "http://127.0.0.1:1", token)["output"]
    assert "CUSTOMERIO_TOOL_TOKEN" in output["summary"]
    assert not token or token not in output["summary"]


def test_the_token_follows_no_redirect() -> None:
    with Loopback([says(answer())]) as other:
        moved = answer(b"", b"Location: " + other.url.encode(), status=b"302 Found")
        with Loopback([says(moved)]) as first:
            output = call(NAME, EVENT, first.url)["output"]
        assert output["error"]["code"] == "connection_invalid"
        assert other.requests == []
        call(NAME, EVENT, other.url)  # it plays its script, so that it ends


def test_the_token_passes_no_proxy_on_its_way_to_this_machine() -> None:
    with Loopback([says(answer(b'{"ok": true, "summary": ""}'))]) as proxy:
        env = {"http_proxy": proxy.url, "HTTP_PROXY": proxy.url}
        with Loopback([says(answer(b'{"ok": true, "summary": ""}'))]) as server:
            output = call(NAME, EVENT, server.url, env=env)["output"]
            assert (output["ok"], len(server.requests)) == (True, 1)
        assert proxy.requests == []
        call(NAME, EVENT, proxy.url)  # it plays its script, so that it ends


def test_a_server_that_is_not_there_received_nothing() -> None:
    with nobody_listening() as url:
        output = call(NAME, EVENT, url)["output"]
    assert (output["error"]["code"], output["error"]["took_effect"]) == ("unreachable", "no")


LOST = {
    "reset": says(),
    "502": says(answer(b"oops", status=b"502 Bad Gateway")),
    "502 that is cut": says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 99\r\n\r\n{"),
    "no HTTP": says(b"SSH-2.0-x\r\n\r\n"),
    "no result": says(answer(b"[1]")),
    "another's failure": says(answer(b'{"ok": false, "summary": "", "error": "boom"}')),
    "a failure without a word": says(answer(b'{"ok": false, "summary": ""}')),
    "too deep": says(answer(b"[" * 100_000, status=b"500 Oops")),
    "cut": says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
}


@pytest.mark.parametrize("script", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_leaves_the_outcome_open_unless_it_is_a_reads(script: Script) -> None:
    for name, inputs, took_effect in ((NAME, EVENT, "unknown"), ("list_segments", {}, "no")):
        with Loopback([script]) as server:
            output = call(name, inputs, server.url)["output"]
        assert output["error"]["took_effect"] == took_effect


@pytest.mark.parametrize("error", ["boom", ["boom"], 7])
def test_the_success_of_another_server_is_no_traceback(error: Any) -> None:
    body = json.dumps({"ok": True, "summary": "", "error": error}).encode()
    with Loopback([says(answer(body))]) as server:
        returned = call(NAME, EVENT, server.url)
    assert returned["captured_variables"]["customer_io_ok"] is True


@pytest.mark.parametrize(
    "inputs", ["[" * 100_000, "[1]", 7, {"arguments": "{"}, {"arguments": '{"a": 1'}]
)
def test_nonsense_is_a_result(inputs: Any) -> None:
    output = call(NAME, inputs, "http://127.0.0.1:1")["output"]
    assert output["error"]["code"] == "arguments_invalid"


def test_its_codes_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        value.code: (value.next_step, value.took_effect)
        for value in vars(errors).values()
        if getattr(value, "code", None) is not None
    }
    told = [thin.refusal(401), thin.refusal(404), thin.refusal(500), thin.lost("failed")]
    monkeypatch.setattr(thin, "READS", True)
    for error in (each["error"] for each in [*told, thin.lost("failed")]):
        assert known[error["code"]] == (error["next_step"], error["took_effect"])
