from __future__ import annotations

import ast
import base64
import json
import socket
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests

import customerio_tool.sandbox
from customerio_tool.sandbox import Options, Sandbox
from customerio_tool.sandbox.serving.application import TABLES
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

BASIC = base64.b64encode(b"sandbox-site:sandbox-track-key").decode()


@pytest.mark.parametrize(
    ("segment", "identifier"),
    [
        ("team%2F99", "team/99"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("first.last", "first.last"),
        ("..", ".."),
        ("%2E%2E", ".."),
        ("%E7%94%A8%E6%88%B7", "用户"),
        ("a%20b", "a b"),
        ("100%25", "100%"),
        ("double%252F", "double%2F"),
        ("odd%zz", "odd%zz"),
        ("q%3Fx%23y", "q?x#y"),
    ],
)
def test_a_path_is_split_before_its_segments_are_decoded(
    api: Api, segment: str, identifier: str
) -> None:
    """Split the raw path on / first, then decode, + stays +."""
    status, _ = api.raw("PUT", f"/api/v1/customers/{segment}", b'{"plan":"x"}', api.basic())
    assert status == 200
    assert api.known(identifier)["attributes"] == {"plan": "x"}
    bearer = {"Authorization": "Bearer sandbox-app-key"}
    _, body = api.raw("GET", f"/v1/customers/{segment}/attributes", headers=bearer)
    assert json.loads(body)["customer"]["attributes"]["id"] == identifier
    assert api.sandbox.requests()[0]["path"] == f"/api/v1/customers/{segment}"


def test_an_encoded_plus_address_is_that_email(api: Api) -> None:
    """The example of T."""
    api.accept("PUT", "/api/v1/customers/ada%2Btest%40example.com", {"plan": "gold"})
    assert api.known("u1")["attributes"]["plan"] == "gold"


@pytest.mark.parametrize("header", [None, "Basic !!!", "Basic eDp5", "Bearer sandbox-app-key"])
def test_track_needs_its_own_credential(api: Api, header: str | None) -> None:
    """401 with meta.error."""
    headers = {"Authorization": header} if header else {}
    status, body = api.raw("PUT", "/api/v1/customers/x", b"{}", headers)
    assert (status, json.loads(body)) == (401, {"meta": {"error": "Unauthorized request"}})
    assert api.person("x") is None


@pytest.mark.parametrize("header", [None, f"Basic {BASIC}", "Bearer wrong", "Bearer "])
def test_app_needs_its_own_credential(api: Api, header: str | None) -> None:
    """BE: 401 with an errors list."""
    headers = {"Authorization": header} if header else {}
    status, body = api.raw("GET", "/v1/segments", headers=headers)
    assert status == 401
    assert json.loads(body) == {"errors": [{"detail": "unauthorized", "status": "401"}]}


def test_a_restricted_app_key_answers_403(api: Api) -> None:
    """A scope that is too narrow is 403, its body UNVERIFIED."""
    headers = {"Authorization": "Bearer sandbox-restricted-app-key"}
    status, body = api.raw("GET", "/v1/segments", headers=headers)
    assert status == 403
    assert "scope" in json.loads(body)["errors"][0]["detail"]


def test_a_url_safe_basic_credential_is_taken() -> None:
    """The Go client sends URL-safe base64."""
    key = "k??>>~~ÿ"
    with Sandbox(options=Options(track_api_key=key)) as sandbox:
        token = base64.urlsafe_b64encode(f"sandbox-site:{key}".encode()).decode()
        assert {"-", "_"} & set(token)
        headers = {"Authorization": f"Basic {token}"}
        url = f"{sandbox.track_url}/api/v1/accounts/region"
        assert requests.get(url, headers=headers, timeout=PATIENCE).status_code == 200


def test_region_names_the_workspace(api: Api) -> None:
    answer = api.track("GET", "/api/v1/accounts/region").json()
    assert answer == {"url": "https://track.customer.io", "region": "us", "environment_id": 4001}


def test_an_unserved_path_is_501_and_a_wrong_method_405(api: Api) -> None:
    """Unserved is told apart from not found."""
    response = api.app("GET", "/v1/newsletters")
    assert response.status_code == 501
    assert "GET /v1/newsletters" in response.text
    assert api.app("PATCH", "/v1/segments").status_code == 405


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/push/events"),  # Ruby: without /api/v1
        ("PUT", "/api/v1/customers/team/42"),  # async-customerio: a bare slash in an id
        ("DELETE", "/api/v1/customers/victim/"),  # a device called .. , resolved by the client
        ("POST", "/api/v1/suppress"),  # a person called .. , likewise
    ],
)
def test_a_path_that_a_client_gets_wrong_is_501_and_changes_nobody(
    api: Api, method: str, target: str
) -> None:
    """The ways of the clients are not repaired, and nothing crashes."""
    api.identify("victim", plan="x")
    before = api.sandbox.state()["people"]
    status, body = api.raw(method, target, b"{}", api.basic())
    assert status == 501
    assert f"{method} {target} is not served" in body.decode()
    assert api.sandbox.state()["people"] == before


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"a":NaN}', b"\xff", b"[" * 100_000])
def test_a_malformed_body_is_400(api: Api, body: bytes) -> None:
    status, answer = api.raw("PUT", "/api/v1/customers/x", body, api.basic())
    assert status == 400
    assert json.loads(answer)["meta"]["errors"]


def test_a_lone_surrogate_is_stored_as_the_replacement_character(api: Api) -> None:
    """RFC 8259 section 8.2: such text has no UTF-8 form; the server must not fall over."""
    status, _ = api.raw("PUT", "/api/v1/customers/x", b'{"name":"a\\ud800b"}', api.basic())
    assert status == 200
    assert api.attributes("x")["name"] == "a\ufffdb"


def receive(sock: socket.socket, answers: int) -> bytes:
    data = b""
    while data.count(b"HTTP/1.1 ") < answers or not data.endswith(b"{}\n"):
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def connect(sandbox: Sandbox) -> socket.socket:
    where = urlsplit(sandbox.track_url)
    return socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE)


def test_bodies_nobody_reads_do_not_spoil_the_next_request(api: Api) -> None:
    """The Python client sends DELETE with a body on a kept-alive connection."""
    head = f"Host: localhost\r\nAuthorization: Basic {BASIC}\r\n"
    delete = f"DELETE /api/v1/customers/u3 HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}"
    refused = "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    with connect(api.sandbox) as sock:
        sock.sendall(f"{delete}{refused}{delete}".encode())
        data = receive(sock, 3)
    statuses = [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"501", b"200"]


def test_a_chunked_body_is_read(api: Api) -> None:
    """RFC 9112 section 7.1."""
    api.track("PUT", "/api/v1/customers/chunky", data=iter([b'{"plan":', b'"x"}']))
    assert api.known("chunky")["attributes"] == {"plan": "x"}


def test_an_empty_body_with_a_json_type_is_taken(api: Api) -> None:
    """As async-customerio does."""
    headers = {**api.basic(), "Content-Type": "application/json"}
    for verb in ("suppress", "unsuppress"):
        assert api.raw("POST", f"/api/v1/customers/u3/{verb}", headers=headers)[0] == 200


@pytest.mark.parametrize("api_with", [{"max_body": 1000}], indirect=True)
def test_a_body_over_the_cap_is_413(api_with: Api) -> None:
    status, _ = api_with.raw("PUT", "/api/v1/customers/x", b"x" * 1001, api_with.basic())
    assert status == 413


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_false_length_is_400_and_hangs_up(api: Api, length: str) -> None:
    """RFC 9112 section 6.3."""
    with connect(api.sandbox) as sock:
        sock.sendall(f"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    assert data.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in data


def test_track_answers_carry_the_recorded_headers(api: Api) -> None:
    response = api.track("PUT", "/api/v1/customers/x", {})
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate, max-age=0"


def test_the_request_log_tells_what_came_and_no_credential(api: Api) -> None:
    """X-Retry-Count is of the Node client."""
    headers = {"X-Retry-Count": "2", "User-Agent": "a client"}
    api.track("PUT", "/api/v1/customers/x?a=b", {"plan": "y"}, headers=headers)
    response = api.app("GET", "/_sandbox/requests")
    [entry] = response.json()["requests"]
    assert entry["n"] == 1
    assert (entry["api"], entry["operation"], entry["method"]) == ("track", "identify", "PUT")
    assert (entry["query"], entry["json"], entry["status"]) == ({"a": "b"}, {"plan": "y"}, 200)
    assert (entry["retry_count"], entry["user_agent"]) == ("2", "a client")
    assert (entry["applied"], entry["reason"]) == (True, None)
    pair = api.basic()["Authorization"].removeprefix("Basic ")
    for secret in (pair, "sandbox-track-key", "sandbox-app-key"):
        assert secret not in response.text


def test_reset_brings_the_demo_back_or_nothing(api: Api) -> None:
    first = api.sandbox.state()
    api.identify("x", plan="y")
    assert api.app("POST", "/_sandbox/reset", {}).json() == {"reset": "seed"}
    assert api.sandbox.state() == first
    assert api.sandbox.requests() == []
    api.app("POST", "/_sandbox/reset", {"to": "empty"})
    assert api.sandbox.state()["people"] == []
    assert api.app("POST", "/_sandbox/reset", {"to": "x"}).status_code == 400
    assert api.app("GET", "/_sandbox/health").json()["status"] == "ok"
    assert api.app("GET", "/_sandbox/state").json() == api.sandbox.state()


def test_control_is_closed_to_other_hosts_and_forms(api: Api) -> None:
    """Against DNS rebinding and cross-site forms."""
    assert api.raw("GET", "/_sandbox/state", headers={"Host": "evil.example"})[0] == 403
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.raw("POST", "/_sandbox/reset", b"a=b", form)[0] == 400


def test_every_served_route_names_its_source_and_its_own_operation() -> None:
    """What is served can be looked up."""
    routes = [route for table in TABLES for route in table.table]
    assert all(route.source.startswith(("https://docs.customer.io/", "docs/")) for route in routes)
    assert len({route.operation for route in routes}) == len(routes)


def test_an_error_inside_is_500_and_is_recorded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing kills the connection's thread, and the half-made write is rolled back."""
    monkeypatch.setattr("customerio_tool.sandbox.rules.identify._set_attributes", lambda *_: 1 / 0)
    response = api.track("PUT", "/api/v1/customers/x", {"plan": "y"})
    assert response.status_code == 500
    assert api.person("x") is None
    assert api.sandbox.requests()[0]["reason"] == "internal error"


def test_many_connections_lose_nothing(api: Api) -> None:
    """Threads: 400 writes on 16 connections."""

    def work(worker: int) -> list[int]:
        with requests.Session() as session:
            session.auth = (api.sandbox.site_id, api.sandbox.track_api_key)
            url = f"{api.sandbox.track_url}/api/v1/customers/shared"
            return [
                session.put(url, json={f"a{worker}": n}, timeout=PATIENCE).status_code
                for n in range(25)
            ]

    with ThreadPoolExecutor(16) as pool:
        statuses = [status for found in pool.map(work, range(16)) for status in found]
    assert statuses == [200] * 400
    assert api.known("shared")["attributes"] == {f"a{n}": 24 for n in range(16)}
    assert len(api.sandbox.requests()) == 400


def test_tls_serves_what_the_ca_file_vouches_for() -> None:
    """The official Python client speaks https only."""
    with Sandbox(tls=True) as sandbox:
        assert sandbox.ca_file is not None
        for host in ("127.0.0.1", "localhost"):
            url = sandbox.track_url.replace("127.0.0.1", host) + "/api/v1/accounts/region"
            credential = (sandbox.site_id, sandbox.track_api_key)
            answer = requests.get(url, auth=credential, verify=sandbox.ca_file, timeout=PATIENCE)
            assert answer.status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(sandbox.track_url, timeout=PATIENCE)
        with connect(sandbox):  # a client that never shakes hands holds nobody up
            answer = requests.get(url, auth=credential, verify=sandbox.ca_file, timeout=PATIENCE)
            assert answer.status_code == 200
        assert sandbox.connection()["ca_file"] == sandbox.ca_file
    assert not Path(sandbox.ca_file).exists()


def test_a_file_keeps_the_workspace(tmp_path: Path) -> None:
    """``db``: kept across runs, seeded once; commits precede answers, read from outside."""
    path = tmp_path / "kept.db"
    with Sandbox(db=path) as sandbox:
        url = f"{sandbox.track_url}/api/v1/customers/{quote('kept', safe='')}"
        credential = (sandbox.site_id, sandbox.track_api_key)
        requests.put(url, json={"plan": "x"}, auth=credential, timeout=PATIENCE)
        other = sqlite3.connect(path)
        assert other.execute("SELECT count(*) FROM people WHERE id='kept'").fetchone() == (1,)
        other.close()
        count = len(sandbox.state()["people"])
    with Sandbox(db=path) as sandbox:
        assert len(sandbox.state()["people"]) == count


def test_ready_and_connection_hold_what_others_need(api: Api) -> None:
    """The ready file's keys, and a saved connection's."""
    ready = api.sandbox.ready()
    assert list(ready) == [
        "track_url",
        "app_url",
        "console_url",
        "site_id",
        "track_api_key",
        "app_api_key",
        "ca_file",
    ]
    connection = api.sandbox.connection()
    assert (connection["region"], "ca_file" in connection) == ("us", False)


def test_closing_cuts_live_connections_and_repeats_harmlessly() -> None:
    """A clean stop."""
    sandbox = Sandbox(seed=False).start()
    assert sandbox.state()["people"] == []
    with connect(sandbox) as sock:
        sock.sendall(b"GET /_sandbox/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
        sandbox.close()
        assert sock.recv(1) == b""
    sandbox.close()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.track_url


_SERVE = """
import sys, threading
from customerio_tool.sandbox import Sandbox
with Sandbox(db=sys.argv[1]) as sandbox:
    print(sandbox.track_url, flush=True)
    threading.Event().wait()
"""


def test_a_killed_sandbox_loses_no_acknowledged_write(tmp_path: Path) -> None:
    """A write that was answered is committed: SIGKILL cannot take it back."""
    path = tmp_path / "kept.db"
    command = [sys.executable, "-c", _SERVE, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with requests.Session() as session:
                session.auth = ("sandbox-site", "sandbox-track-key")
                for number in range(50):
                    person = f"{url}/api/v1/customers/k{number}"
                    answer = session.put(person, json={"n": number}, timeout=PATIENCE)
                    assert answer.status_code == 200
        finally:
            process.kill()
    with Sandbox(db=path) as sandbox:
        found = {person["id"] for person in sandbox.state()["people"]}
        assert {f"k{number}" for number in range(50)} <= found


SANDBOX = Path(customerio_tool.sandbox.__file__).parent


def imported(path: Path) -> set[str]:
    """What a file imports, by top name; ``.`` stands for the sandbox, ``..`` for a stranger."""
    folders = len(path.relative_to(SANDBOX).parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            relative = "." if node.level <= folders else ".."
            found.add(relative if node.level else (node.module or "").split(".")[0])
    return found


ISLAND = {".", "babel", "jinja2", "liquid", "markupsafe", "trustme"}


def test_the_sandbox_is_an_island() -> None:
    """Stdlib, itself, and what its extra brings: nothing is shared with the tool."""
    names = set[str]().union(*map(imported, SANDBOX.rglob("*.py")))
    assert names - set(sys.stdlib_module_names) == ISLAND
