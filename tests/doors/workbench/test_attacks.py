"""What strangers, other pages and a stolen link can do to the workbench: nothing."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable, Iterator
from itertools import cycle, product
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from customerio_tool.doors.workbench import app
from customerio_tool.doors.workbench.admission import Admission
from customerio_tool.doors.workbench.app import all_pages
from customerio_tool.doors.workbench.visit import Visit
from customerio_tool.sandbox import Clock, Sandbox
from tests.support.http_door import TOKEN, served
from tests.support.sandbox_api import NOW
from tests.support.shell import environment
from tests.support.timeouts import PATIENCE
from tests.support.workbench import Bench, workbench

KEYS = {"track_api_key": "key-of-track-0123", "app_api_key": "key-of-app-0123456"}
FILLED = {
    "subtool": "track_event",
    "key": "local",
    "id": "c-1",
    "number": "1",
    "call_id": "c",
    "delivery": "d",
    "word": "phinite",
    "confirmation_id": "1-0123456789abcdef",
}
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def filled(path: str) -> str:
    """Return a path with a value in each of its slots."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda slot: FILLED[slot[1]], path)


PATHS = sorted({filled(each.path) for each in all_pages()})
SHOWN = sorted({filled(each.path) for each in all_pages() if each.method == "GET"})
TAKEN = sorted({filled(each.path) for each in all_pages() if each.method == "POST"})


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A workbench for all these tests: none of them changes anything."""
    frozen = Clock(frozen_at=NOW)
    with Sandbox(options=KEYS, clock=frozen) as sandbox, workbench(sandbox, environ={}) as bench:
        yield bench


def asked(bench: Bench, method: str, path: str, **more: Any) -> requests.Response:
    """Send a request without a cookie, unless one is given."""
    where = bench.url + path
    return requests.request(method, where, timeout=PATIENCE, allow_redirects=False, **more)


def has_changed(bench: Bench, before: object) -> bool:
    return before != footprint(bench)


def footprint(bench: Bench) -> object:
    """What an attack could have changed."""
    chosen = [(each.key, each.title, each.policy) for each in bench.workspaces.all]
    return bench.local.state(), len(bench.local.requests()), chosen, bench.workspaces.current.key


# The link


@pytest.mark.parametrize(("path", "method"), list(product(PATHS, ["GET", "POST", "HEAD"])))
def test_a_browser_that_was_not_let_in_sees_no_page(bench: Bench, path: str, method: str) -> None:
    cookies = {bench.session.cookies.keys()[0]: "guessed"}
    for answer in (asked(bench, method, path), asked(bench, method, path, cookies=cookies)):
        assert answer.status_code == 401
        assert "Local Customer.io" not in answer.text
        assert "Set-Cookie" not in answer.headers


def test_a_stolen_link_lets_nobody_in_a_second_time(bench: Bench) -> None:
    used = bench.tokens[-1]
    assert asked(bench, "GET", f"/?token={used}").status_code == 200
    for stolen in bench.tokens[:-1]:
        again = asked(bench, "GET", f"/?token={stolen}")
        assert (again.status_code, again.headers.get("Set-Cookie")) == (403, None)
    assert bench.tokens[-1] != used, "the terminal shows a new one, so its person learns of it"


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_a_link_that_is_opened_ahead_is_not_used(bench: Bench, purpose: str) -> None:
    announced = len(bench.tokens)
    path = f"/?token={bench.tokens[-1]}"
    assert asked(bench, "GET", path, headers={"Sec-Purpose": purpose}).status_code == 403
    assert asked(bench, "HEAD", path).status_code in (401, 403)
    assert len(bench.tokens) == announced


@given(st.text(), st.text())
def test_no_guess_is_a_link_or_a_cookie(token: str, cookie: str) -> None:
    admission = Admission(lambda _: None)
    assert admission.enter(token) is None, "before there is a link"
    admission.invite()
    assert admission.enter(token) is None
    assert admission.form_key(cookie) is None


def test_the_first_browsers_are_out_when_very_many_came() -> None:
    tokens: list[str] = []
    admission = Admission(tokens.append)
    admission.invite()
    cookies = [admission.enter(tokens[-1]) or "" for _ in range(100)]
    known = [bool(admission.form_key(cookie)) for cookie in cookies]
    assert known[-1]
    assert sum(known) <= 20


def test_the_cookie_is_for_this_server_alone_and_no_script(bench: Bench) -> None:
    entered = asked(bench, "GET", f"/?token={bench.tokens[-1]}")
    [cookie] = [each.strip().lower() for each in [entered.headers["Set-Cookie"]]]
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "path=/", "samesite=strict"}
    assert bench.url.rpartition(":")[2] in cookie.partition("=")[0], "ports share their cookies"


def test_the_token_of_calls_opens_no_page_and_a_cookie_makes_no_call(sandbox: Sandbox) -> None:
    with served(env=environment(sandbox.connection())) as server:
        own = {"Authorization": f"Bearer {TOKEN}"}
        assert server.get("/", own).status_code == 401
        with requests.Session() as browser:
            entered = browser.get(server.ready["workbench"], timeout=PATIENCE)
            assert entered.status_code == 200
            assert browser.get(server.ready["url"], timeout=PATIENCE).status_code == 200
            called = browser.post(f"{server.ready['api']}/list_segments", json={}, timeout=PATIENCE)
            assert called.status_code == 401


TARGETS = ("*", "api/list_segments", "//api/list_segments", "/assets/../api/list_segments", "", ";")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_target_that_is_odd_comes_past_the_doors_or_breaks_them(
    bench: Bench, method: str, target: str
) -> None:
    host = bench.url.removeprefix("http://")
    with socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), PATIENCE) as odd:
        odd.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert odd.recv(12).removeprefix(b"HTTP/1.1 ") in (b"400", b"401", b"404")


# Other sites, and other pages of this machine


@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_leads_here_by_rebinding_is_refused(bench: Bench, path: str) -> None:
    before = footprint(bench)
    for method in ("GET", "POST"):
        answer = bench.session.request(
            method, bench.url + path, headers={"Host": "evil.example"}, timeout=PATIENCE
        )
        assert answer.status_code == 421
    assert not has_changed(bench, before)


FOREIGN = {
    "another site": {"Origin": "https://evil.example"},
    "no origin that is told": {"Origin": "null"},
    "another port of this machine": {"Origin": "http://127.0.0.1:9"},
    "a form of another site": {"Sec-Fetch-Site": "cross-site"},
    "a form of another port": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize(("path", "headers"), list(product(TAKEN, FOREIGN.values())))
def test_a_form_of_another_page_is_refused_even_with_cookie_and_key(
    bench: Bench, path: str, headers: dict[str, str]
) -> None:
    before = footprint(bench)
    form = {"form_key": bench.form_key, "workspace": "local"}
    answer = bench.session.post(
        bench.url + path, form, headers=headers, timeout=PATIENCE, allow_redirects=False
    )
    assert answer.status_code == 403
    assert not has_changed(bench, before)


@pytest.mark.parametrize("path", TAKEN)
def test_a_form_without_the_key_of_its_own_browser_is_refused(bench: Bench, path: str) -> None:
    before = footprint(bench)
    other = bench.admission.enter(bench.tokens[-1]) or ""
    for key in ("", "guessed", bench.admission.form_key(other)):
        form = {"form_key": key, "workspace": "local"}
        answer = bench.session.post(bench.url + path, form, timeout=PATIENCE, allow_redirects=False)
        assert answer.status_code == 403
    assert not has_changed(bench, before)


@pytest.mark.parametrize("path", TAKEN)
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "multipart/form-data", ""])
def test_what_is_no_form_is_refused(bench: Bench, path: str, kind: str) -> None:
    before = footprint(bench)
    answer = bench.session.post(
        bench.url + path,
        f"form_key={bench.form_key}",
        headers={"Content-Type": kind},
        timeout=PATIENCE,
    )
    assert answer.status_code == 415
    assert not has_changed(bench, before)


def test_a_form_that_never_comes_whole_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_FORM_SECONDS", 0.05)
    host = bench.url.removeprefix("http://")
    [(name, value)] = bench.session.cookies.items()
    with socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), PATIENCE) as half:
        head = f"POST /choose HTTP/1.1\r\nHost: {host}\r\nCookie: {name}={value}\r\n"
        half.sendall(f"{head}Content-Length: 9\r\n\r\nform".encode())
        assert half.recv(12) == b"HTTP/1.1 408"


def test_a_very_large_form_is_refused(bench: Bench) -> None:
    large = {"form_key": bench.form_key, "workspace": "x" * 3_000_001}
    assert bench.sent("/choose", large).status_code == 413
    many = {f"f{number}": "1" for number in range(1000)}
    assert bench.sent("/choose", many).status_code == 400


OF_THEIR_OWN = ("/choose", "/connections/", "/agent/script")
"""Forms that are not about the workspace that is chosen."""


@pytest.mark.parametrize("path", [each for each in TAKEN if not each.startswith(OF_THEIR_OWN)])
def test_a_form_that_was_made_for_another_workspace_does_nothing(bench: Bench, path: str) -> None:
    before = footprint(bench)
    form = {"preset": "open", "enabled": "delete_customer", "choice": "approve", "action": "call"}
    answer = bench.post(path, {**form, "workspace": "another", "ticket": "another", "draft": "1"})
    assert "Nothing was" in answer.words
    assert not has_changed(bench, before)


def test_a_visit_stays_about_one_workspace_while_another_is_chosen(bench: Bench) -> None:
    first = bench.workspace
    visit = Visit(Request({"type": "http"}), bench.workspaces, "key", b"", {})
    assert visit.workspace is first
    bench.workspaces.add_connection("Another", first.ground, first.bound, key="another")
    try:
        assert visit.workspace is first, "half of a page would be about the one, half of the other"
    finally:
        bench.workspaces.remove("another")
        bench.workspaces.choose(first.key)


@pytest.mark.parametrize("path", SHOWN)
def test_to_look_changes_nothing(bench: Bench, path: str) -> None:
    before = footprint(bench)
    shown = bench.session.get(bench.url + path, timeout=PATIENCE, allow_redirects=False)
    assert shown.status_code < 500
    assert not has_changed(bench, before)


# What a page shows, and where it may be shown


@pytest.mark.parametrize("path", [*SHOWN, "/?token=used"])
def test_no_page_is_kept_framed_or_given_a_script_of_others(bench: Bench, path: str) -> None:
    headers = bench.session.get(bench.url + path, timeout=PATIENCE).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("path", SHOWN)
def test_no_page_holds_a_key_and_each_shows_a_title_as_text(bench: Bench, path: str) -> None:
    bench.workspace.title = ATTACK
    try:
        page = bench.get(path)
    finally:
        bench.workspace.title = "Local Customer.io"
    for key in KEYS.values():
        assert key not in page.response.text
    is_page = page.status != 404 and "Content-Disposition" not in page.response.headers
    assert ATTACK in page.words or not is_page, "what is not there is in no workspace"
    assert not page.script
    assert not any(name.startswith("on") for _, each in page.elements for name in each)


SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda key: key,
    lambda key: base64.b64encode(f"site:{key}".encode()).decode(),
    lambda key: "".join(f"%{ord(each):02x}" for each in key),
    lambda key: f"{key[:5]} {key[5:]}",
    lambda key: f"{key[:5]}\u200b{key[5:]}",
)
FIELDS_OF_FORMS = ("title", "words", "run_id", "json", "arg.name", "hidden_attributes", "enabled")


@pytest.mark.parametrize("path", TAKEN)
def test_a_key_that_is_typed_where_none_belongs_is_taken_nowhere(bench: Bench, path: str) -> None:
    before = footprint(bench)
    for field, spelled in zip(FIELDS_OF_FORMS, cycle(SPELLINGS), strict=False):
        key = spelled(KEYS["app_api_key"])
        for fields in ({field: key}, {key: field}):
            answer = bench.post(path, {"workspace": "local", "action": "call", **fields})
            assert (answer.status, "a key of a connection" in answer.words) == (400, True)
            assert key not in answer.response.text
    assert not has_changed(bench, before)


@pytest.mark.parametrize("path", SHOWN)
def test_a_key_in_an_address_is_not_repeated(bench: Bench, path: str) -> None:
    key = KEYS["track_api_key"]
    page = bench.get(f"{path}?q={key}&run={key}&done={key}&as={key}&draft={key}")
    assert page.status == 400
    assert key not in page.response.text


OTHER_KEY = "key-of-another-workspace"


@pytest.mark.parametrize("field", ["title", "site_id", "workspace_id", "ca_file", "app_url"])
@pytest.mark.parametrize("way", ["app_api_key", "track_api_key", "pasted"])
def test_a_key_beside_its_field_is_not_shown(bench: Bench, field: str, way: str) -> None:
    before = footprint(bench)
    key = f'{{"app_api_key": "{OTHER_KEY}"}}' if way == "pasted" else OTHER_KEY
    page = bench.post("/connections/new", {way: key, field: f"My {OTHER_KEY.upper()}"})
    assert page.status == 422
    assert "It holds a key" in page.words
    assert OTHER_KEY not in page.response.text.lower()
    assert not has_changed(bench, before)


@pytest.mark.parametrize("path", SHOWN)
def test_a_title_that_no_encoding_holds_breaks_no_page(bench: Bench, path: str) -> None:
    bench.workspace.title = "half \ud800"
    try:
        assert bench.get(path).status in (200, 404)
    finally:
        bench.workspace.title = "Local Customer.io"


@pytest.mark.parametrize(
    "path",
    [
        *("/assets/../app.py", "/assets/%2e%2e/app.py", "/assets/..%2f..%2fapp.py"),
        *("/assets//etc/passwd", "/assets/%00", "/assets/", "/static/workbench.css"),
    ],
)
def test_no_path_leads_to_another_file(bench: Bench, path: str) -> None:
    prepared = requests.Request("GET", bench.url).prepare()
    prepared.url = bench.url + path
    answer = bench.session.send(prepared, timeout=PATIENCE)
    assert answer.status_code in (401, 404)
    assert "import" not in answer.text
