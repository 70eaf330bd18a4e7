"""JSON calls over HTTP: the same envelopes as everywhere, for hosts that take OpenAPI."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from customerio_tool import CustomerIoTool
from customerio_tool.doors.web.calls import MAX_BODY_BYTES
from customerio_tool.doors.web.openapi import openapi
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.http_door import TOKEN, Served, served
from tests.support.shell import environment
from tests.support.timeouts import PATIENCE

OWN = [f"e{number}" for number in range(500)]


@pytest.fixture(scope="module")
def workspace() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def api(workspace: Sandbox, audit: Path) -> Iterator[Served]:
    env = {**environment(workspace.connection()), "CUSTOMERIO_AUDIT_FILE": str(audit)}
    with served(env=env) as server:
        yield server


def raw(server: Served, head: str, body: bytes = b"") -> socket.socket:
    """Send a request by hand, and leave the connection open."""
    parts = urlsplit(server.ready["url"])
    assert parts.hostname
    connection = socket.create_connection((parts.hostname, parts.port or 80), PATIENCE)
    lines = (head, f"Host: 127.0.0.1:{parts.port}", f"Authorization: Bearer {TOKEN}")
    text = "\r\n".join((*lines, "Content-Type: application/json"))
    connection.sendall(text.encode() + b"\r\n" + body)
    return connection


# --- Calls


def test_a_call_answers_with_its_envelope(api: Served) -> None:
    answer = api.post("get_segment", {"segment_id": "1"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["segment"]["name"] == "Beta testers"


@pytest.mark.parametrize("body", ["{", "[1]", {"segment": 1}, {"segment_id": 999}])
def test_a_failed_call_keeps_status_200_so_that_the_model_reads_what_to_do(
    api: Served, body: Any
) -> None:
    answer = api.post("get_segment", body)
    result = answer.json()
    assert (answer.status_code, result["ok"]) == (200, False)
    assert {"code", "next_step", "took_effect"} <= result["error"].keys()


def test_a_call_without_a_body_has_no_arguments(api: Served) -> None:
    assert api.post("list_segments", None, {"Content-Type": ""}).json()["total"] == 3


def test_an_unknown_subtool_is_no_path_and_says_what_there_is(api: Served) -> None:
    answer = api.post("get_segmnt", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "subtool_unknown")
    assert "get_segment" in answer.json()["summary"]


def test_the_run_of_the_header_is_that_of_the_call(api: Served, audit: Path) -> None:
    api.post("list_segments", {"name_contains": "x"}, {"X-Run-Id": "gr%C3%B6%C3%9Fe"})
    line = json.loads(audit.read_text(encoding="utf-8").splitlines()[-1])
    assert (line["door"], line["run_id"]) == ("api", "größe")


def test_a_call_that_must_be_confirmed_is_refused_where_nobody_could_decide(
    sandbox: Sandbox,
) -> None:
    env = environment(sandbox.connection())
    # Beyond loopback there is no workbench.
    with served("--host", "0.0.0.0", "--allowed-host", "0.0.0.0", env=env) as server:
        result = server.post("delete_customer", {"customer_id": "u1"}).json()
    assert result["error"]["code"] == "policy_refused"
    assert "nobody could give it" in result["summary"]
    assert any(each["id"] == "u1" for each in sandbox.state()["people"])


def test_with_a_shared_store_it_waits_for_a_person_elsewhere(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    env = environment(sandbox.connection())
    env["CUSTOMERIO_LEDGER_FILE"] = str(tmp_path / "sends.sqlite")
    with served(env=env) as server, CustomerIoTool.from_env(env) as person:
        waiting = server.post("delete_customer", {"customer_id": "u1"}).json()
        assert waiting["error"]["code"] == "confirmation_required"
        assert person.approve(waiting["confirmation_id"])["ok"]


def test_many_calls_at_once_are_each_answered_with_their_own_result(sandbox: Sandbox) -> None:
    with served(env=environment(sandbox.connection())) as server:

        def is_its_own(number: int) -> bool:
            event = {"customer_id": f"p{number}", "name": f"e{number}"}
            result = server.post("track_event", event).json()
            return bool(result["ok"]) and f"p{number} " in result["summary"]

        with ThreadPoolExecutor(50) as clients:
            assert all(clients.map(is_its_own, range(500)))
    recorded = [e["name"] for each in sandbox.state()["people"] for e in each["events"]]
    assert sorted(name for name in recorded if name in OWN) == sorted(OWN)


# --- What makes no call


def test_a_body_over_the_limit_is_refused_before_it_is_read_whole(api: Served) -> None:
    answer = api.post("track_event", b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert "Nothing was sent" in answer.json()["summary"]


def test_a_body_that_is_not_declared_as_json_is_refused(api: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.post("list_segments", "{}", form).status_code == 415


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer ä"])
def test_without_the_token_nothing_is_called(api: Served, audit: Path, token: str) -> None:
    before = audit.read_text(encoding="utf-8") if audit.exists() else ""
    for path in ("list_segments", "nonsense", ""):
        answer = api.post(path, {}, {"Authorization": token.encode("latin-1").decode("latin-1")})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert before == (audit.read_text(encoding="utf-8") if audit.exists() else "")


@pytest.mark.parametrize("path", ["/api", "/api/openapi.json", "/api/list_segments", "/mcp"])
@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "", "[", "a@127.0.0.1.x", "localhost."),
        *("evil.example@localhost", "localhost#.evil.example", "localhost/.evil.example"),
        *("localhost?.evil.example", "localhost:80@evil.example", "localhost:x", "localhost, x"),
    ],
)
def test_a_foreign_host_is_refused_everywhere(api: Served, path: str, host: str) -> None:
    assert api.get(path, {"Host": host}).status_code in (400, 421)


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "http://127.0.0.1.evil.example", "//localhost"),
        *("http://evil.example\\@localhost", "http://evil.example@localhost", "file://localhost"),
        *("http://localhost#.evil.example", "http://localhost http://evil.example"),
    ],
)
def test_a_page_of_another_site_is_refused_even_with_the_token(api: Served, origin: str) -> None:
    assert api.post("list_segments", {}, {"Origin": origin}).status_code == 403
    assert api.post("list_segments", {}, {"Origin": api.ready["url"]}).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/api/list_segments", 405)])
def test_nothing_but_the_page_and_the_document_is_open(api: Served, path: str, status: int) -> None:
    assert api.get(path).status_code == 401
    known = api.get(path, {"Authorization": f"Bearer {TOKEN}"})
    assert known.status_code == status
    assert known.headers.get("Allow") == ("POST" if status == 405 else None)


# --- A client that leaves


def test_a_client_that_leaves_cancels_its_call(sandbox: Sandbox, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    env = {**environment(sandbox.connection()), "CUSTOMERIO_AUDIT_FILE": str(audit)}
    sandbox.fault(operation="list_segments", delay=20.0)
    with served(env=env) as server:
        connection = raw(server, "POST /api/list_segments HTTP/1.1", b"Content-Length: 2\r\n\r\n{}")
        _until(lambda: any(r["operation"] == "list_segments" for r in sandbox.requests()))
        connection.close()
        _until(lambda: audit.exists() and audit.read_text(encoding="utf-8").endswith("\n"))
    assert json.loads(audit.read_text(encoding="utf-8"))["outcome"] == "cancelled"


def _until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- The document and the page


def test_the_document_is_valid_openapi_and_has_every_subtool(api: Served) -> None:
    document = api.get("/api/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    posts = {path: each["post"] for path, each in document["paths"].items()}
    assert list(posts) == [f"/api/{name}" for name in subtools()]
    assert [each["operationId"] for each in posts.values()] == list(subtools())
    assert document["servers"] == [{"url": api.ready["url"]}]


def test_the_document_has_as_much_as_the_server_was_told(workspace: Sandbox) -> None:
    with CustomerIoTool(workspace.connection()) as tool:
        document = openapi(tool, "https://tools.example.com", "basic")
        basic = tool.definitions(detail="basic")
    OpenAPIV31SpecValidator(document).validate()
    bodies = [each["post"]["requestBody"]["content"] for each in document["paths"].values()]
    schemas = [each["application/json"]["schema"] for each in bodies]
    assert schemas == [each["input_schema"] for each in basic]


def test_a_schema_of_the_document_is_that_of_the_definition(
    api: Served, workspace: Sandbox
) -> None:
    paths = api.get("/api/openapi.json").json()["paths"]
    with CustomerIoTool(workspace.connection(), policy="careful") as tool:
        for each in tool.definitions():
            operation = paths[f"/api/{each['name']}"]["post"]
            content = operation["requestBody"]["content"]["application/json"]
            assert content["schema"] == each["input_schema"]
            answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert answer == each["output_schema"]


def test_every_example_of_the_document_is_a_call_that_the_subtool_takes(api: Served) -> None:
    for path, each in api.get("/api/openapi.json").json()["paths"].items():
        name = path.rpartition("/")[2]
        content = each["post"]["requestBody"]["content"]["application/json"]
        for example in content["examples"].values():
            subtools()[name].parse(example["value"])


def test_the_page_names_every_call_and_loads_nothing(api: Served) -> None:
    page = api.get("/api")
    assert "text/html" in page.headers["Content-Type"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert all(f"/api/{name}<" in page.text for name in subtools())
    assert "src=" not in page.text
    assert TOKEN not in page.text


def test_only_what_is_offered_is_in_the_document_and_runs(sandbox: Sandbox) -> None:
    env = environment(sandbox.connection())
    with served("--only", "get_segment,delete_segment", "--read-only", env=env) as server:
        document = server.get("/api/openapi.json").json()
        assert list(document["paths"]) == ["/api/get_segment"]
        refused = server.post("delete_segment", {"segment_id": 1}).json()
        assert refused["error"]["code"] == "policy_refused"
        assert requests.get(f"{server.ready['url']}/api", timeout=PATIENCE).ok
