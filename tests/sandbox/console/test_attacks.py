"""The attacks on the console: each shows nothing and changes nothing."""

from __future__ import annotations

import email
import email.policy
import re
import socket
from contextlib import ExitStack
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.console import listeners
from tests.sandbox.console.browser import (
    ATTACK,
    FORMS,
    fill,
    get,
    pages,
    send,
    settings,
    token,
    visit,
)
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

FORM_TYPE = "application/x-www-form-urlencoded"
INJECTED = "a@example.com\r\nX-Injected: yes\r\n\r\n<p>Injected</p>"

FOREIGN_NAMES = {
    "another name": "evil.example",
    "another name with a port": "evil.example:80",
    "our address before another name": "127.0.0.1.evil.example",
    "our name before another": "localhost.evil.example",
    "our name as a user": "localhost@evil.example",
    "all addresses": "0.0.0.0",
    "an address in another form": "[::ffff:192.0.2.1]",
    "no name": "",
    "what is no name": "[",
}

FORGERIES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "no token": ({"token": ""}, {}),
    "a made-up token": ({"token": "x" * 43}, {}),
    "a token in another alphabet": ({"token": "é"}, {}),
    "another site's page": ({}, {"Origin": "http://evil.example"}),
    "a page without an origin": ({}, {"Origin": "null"}),
    "another program on this machine": ({}, {"Origin": "http://localhost:1"}),
    "another name that leads here": ({}, {"Host": "evil.example"}),
    "another site, as the browser says": ({}, {"Sec-Fetch-Site": "cross-site"}),
    "another name of this site": ({}, {"Sec-Fetch-Site": "same-site"}),
}

PATHS = (
    *("/console/../_sandbox/state", "/console/%2e%2e/_sandbox/state", "/console//people"),
    *(
        "/console/console.css/../../site.py",
        "/console/console.css%00.html",
        "/console/console.css/",
    ),
    *(
        "/console/people/..%2f..%2f..%2fetc%2fpasswd",
        "/console/people/a/b",
        "/console/people/a%2Fb",
    ),
    *("/console/deliveries/..%2f/html", "/console/deliveries/../people/eml", "/console/%00"),
    *("/console/..%5c..%5csite.py", "/console/static/console.css", "/console/%252e%252e/site.py"),
)


@pytest.mark.parametrize("name", FOREIGN_NAMES.values(), ids=FOREIGN_NAMES)
def test_rebinding_a_page_is_shown_under_no_foreign_name(api: Api, name: str) -> None:
    fill(api, "Something secret")
    for path in (*pages(api).values(), "/console/requests/stream"):
        status, body = api.raw("GET", path, headers={"Host": name})
        assert (status, b"Host header" in body) == (403, True), path
        assert b"secret" not in body


@pytest.mark.parametrize("path", ["/", "/console/people", "/console/requests/stream"])
def test_rebinding_no_page_answers_the_script_of_another_site(api: Api, path: str) -> None:
    status, body = api.raw("GET", path, headers={"Origin": "http://evil.example"})
    assert (status, b"Origin header" in body) == (403, True)
    assert b"sandbox-site" not in body


def test_rebinding_own_keys_open_the_console_to_no_other_name() -> None:
    own = {"track_api_key": "own-track-key", "app_api_key": "own-app-key"}
    with Sandbox(options=own) as sandbox:
        assert Api(sandbox).raw("GET", "/", headers={"Host": "customerio.test"})[0] == 403


@pytest.mark.parametrize(("path", "fields"), FORMS)
@pytest.mark.parametrize(("more", "headers"), FORGERIES.values(), ids=FORGERIES)
def test_forgery_a_form_of_another_site_changes_nothing(
    kept: Api, path: str, fields: dict[str, str], more: dict[str, str], headers: dict[str, str]
) -> None:
    before = settings(kept)
    assert send(kept, path, {**fields, **more}, headers).status_code == 403
    assert settings(kept) == before


def test_forgery_the_token_of_an_earlier_start_changes_nothing(kept: Api) -> None:
    with Sandbox() as earlier:
        old = token(Api(earlier))
    before = settings(kept)
    answer = send(kept, "/console/reset", {"to": "empty", "token": old})
    assert answer.status_code == 403
    assert "load its page again" in answer.text
    assert settings(kept) == before


@pytest.mark.parametrize(("path", "fields"), FORMS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_forgery_a_form_is_sent_by_post_and_by_nothing_else(
    kept: Api, method: str, path: str, fields: dict[str, str]
) -> None:
    before = settings(kept)
    answer = kept.session.request(
        method,
        kept.sandbox.track_url + path,
        params={"token": token(kept), **fields},
        headers={"X-HTTP-Method-Override": "POST"},
        timeout=PATIENCE,
    )
    assert answer.status_code in (404, 405)
    assert settings(kept) == before


def test_forgery_to_look_at_a_page_changes_nothing(api: Api) -> None:
    fill(api, "kept")
    fields = {name: value for _, form in FORMS for name, value in form.items()}
    query = {**fields, "token": token(api), "_method": "POST"}
    before = settings(api)
    for path in pages(api).values():
        assert get(api, path, params=query).status_code == 200
    assert settings(api) == before


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
def test_forgery_a_form_of_another_type_changes_nothing(kept: Api, kind: str) -> None:
    before = settings(kept)
    body = f"token={token(kept)}&to=empty".encode()
    assert kept.raw("POST", "/console/reset", body, {"Content-Type": kind})[0] == 400
    assert settings(kept) == before


@pytest.mark.parametrize("body", [b"a" * 70_000, b"&".join([b"a=b"] * 60), b"token=\xff"])
def test_a_form_that_is_too_large_or_broken_changes_nothing(kept: Api, body: bytes) -> None:
    before = settings(kept)
    status, _ = kept.raw("POST", "/console/reset", body, {"Content-Type": FORM_TYPE})
    assert status in (400, 403, 413)
    assert settings(kept) == before


@pytest.mark.parametrize("field", ["operation", "method", "path", "url", "body", "nth", "status"])
def test_scripts_what_a_form_refused_comes_back_as_text(api: Api, field: str) -> None:
    answer = send(api, "/console/faults/add", {"status": "99", field: ATTACK})
    assert answer.status_code == 400
    assert "<img src=x" not in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_to_nothing_but_pages(api: Api, path: str) -> None:
    status, body = api.raw("GET", path)
    assert status == 404
    assert b"There is no" in body
    assert not any(word in body for word in (b"root:", b"import annotations", b"{%", b"generation"))


def test_frames_no_page_and_no_refusal_may_be_framed(api: Api) -> None:
    fill(api)
    answers = [get(api, path) for path in (*pages(api).values(), "/console/none")]
    answers += [send(api, path, {"token": "x"}) for path, _ in FORMS]
    answers.append(send(api, "/console/clock", {"move": "advance", "seconds": "-1"}))
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert "frame-ancestors 'none'" in policy, answer.url


@pytest.mark.parametrize("field", ["subject", "from", "to", "cc", "bcc", "reply_to", "headers"])
def test_headers_no_field_of_a_message_adds_one_to_its_file(api: Api, field: str) -> None:
    mail: dict[str, Any] = {
        "to": "u@example.com",
        "from": "shop@example.com",
        "subject": "Hello",
        "body": "<p>Hello</p>",
        "identifiers": {"id": "u1"},
    }
    mail[field] = {"X-Own": INJECTED} if field == "headers" else INJECTED
    sent = api.app("POST", "/v1/send/email", mail)
    if sent.status_code != 200:
        assert sent.status_code in (400, 422), "it is refused already"
        return
    answer = get(api, f"/console/deliveries/{sent.json()['delivery_id']}/eml")
    file: Any = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert file["X-Injected"] is None
    assert file.get_body(("html",)).get_content().strip() == "<p>Hello</p>"
    disposition = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="[A-Za-z0-9]+\.eml"', disposition)


@pytest.mark.parametrize("name", ["q", "term", "operation", "done", "person"])
def test_headers_no_query_adds_one_to_an_answer(api: Api, name: str) -> None:
    for path in ("/", "/console/people", "/console/requests", "/console/deliveries"):
        answer = get(api, path, params={name: "a\r\nX-Injected: yes\r\n\r\n<p>Injected</p>"})
        assert "X-Injected" not in answer.headers
        assert "<p>Injected" not in answer.text


def deaf(api: Api) -> socket.socket:
    """A listener that reads nothing, and has no room for what comes."""
    where = urlsplit(api.sandbox.track_url)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sock.connect((where.hostname, where.port))
    sock.sendall(b"GET /console/requests/stream?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert sock.recv(15) == b"HTTP/1.1 200 OK"
    return sock


def status_of_a_listener(api: Api) -> int:
    url = f"{api.sandbox.track_url}/console/requests/stream"
    with api.session.get(url, stream=True, timeout=PATIENCE) as answer:
        return answer.status_code


def test_listeners_that_never_read_hold_up_nobody_and_lose_their_places() -> None:
    with Sandbox(seed=False, options={"idle_timeout": 0.5}) as sandbox, ExitStack() as stack:
        api = Api(sandbox)
        sandbox._running().socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for _ in range(listeners.MOST):
            stack.enter_context(deaf(api))
        assert status_of_a_listener(api) == 429
        for number in range(15):  # more would have the listeners begin anew
            api.raw("GET", f"/v1/{number}{'W' * 2000}", headers=api.basic())
        assert visit(api, "/console/requests").status == 200
        began = monotonic()
        while (status := status_of_a_listener(api)) != 200 and monotonic() < began + PATIENCE:
            assert status == 429
        assert status == 200
