"""What the console's forms change, and that nobody else can send them."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from tests.sandbox.console.browser import ATTACK, get, send, token, visit
from tests.support.sandbox_api import NOW, Api
from tests.support.timeouts import PATIENCE

FORMS: list[tuple[str, dict[str, str]]] = [
    ("/console/faults/add", {"operation": "identify", "status": "503"}),
    ("/console/faults/clear", {}),
    ("/console/clock", {"move": "advance", "seconds": "60"}),
    ("/console/snapshots/take", {"name": "new"}),
    ("/console/snapshots/restore", {"name": "kept"}),
    ("/console/snapshots/drop", {"name": "kept"}),
    ("/console/reset", {"to": "empty"}),
]
FORM_TYPE = "application/x-www-form-urlencoded"


def settings(api: Api) -> tuple[Any, ...]:
    """All that a form of the console may change."""
    application = api.sandbox.application
    return (
        api.sandbox.state(),
        application.faults.shown(),
        application.snapshots.names(),
        api.sandbox.clock.now(),
        api.sandbox.options,
    )


@pytest.fixture
def kept(api: Api) -> Api:
    api.sandbox.snapshot("kept")
    api.sandbox.fault(operation="track", status=500)
    api.identify("later")
    return api


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_each_form_with_its_token_changes_something(
    kept: Api, path: str, fields: dict[str, str]
) -> None:
    before = settings(kept)
    answer = send(kept, path, fields)
    assert answer.status_code == 303
    assert settings(kept) != before
    page = visit(kept, answer.headers["Location"])
    assert page.all("p", role="status"), "the page says what was done"


@pytest.mark.parametrize(("path", "fields"), FORMS)
@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "x" * 43}, {}),
        ({"token": "é"}, {}),
        ({}, {"Origin": "http://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Origin": "http://localhost:1"}),
        ({}, {"Host": "evil.example"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_form_of_another_site_changes_nothing(
    kept: Api, path: str, fields: dict[str, str], more: dict[str, str], headers: dict[str, str]
) -> None:
    before = settings(kept)
    assert send(kept, path, {**fields, **more}, headers).status_code == 403
    assert settings(kept) == before


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_a_change_is_no_get(kept: Api, path: str, fields: dict[str, str]) -> None:
    before = settings(kept)
    answer = get(kept, path, params={"token": token(kept), **fields})
    assert answer.status_code in (404, 405)
    assert settings(kept) == before


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
def test_a_form_of_another_type_changes_nothing(kept: Api, kind: str) -> None:
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


def test_the_token_is_another_in_another_sandbox(api: Api) -> None:
    with Sandbox() as other:
        assert token(Api(other)) != token(api)


def test_a_browser_of_this_machine_may_send_forms(api: Api) -> None:
    origin = api.sandbox.track_url
    answer = send(
        api, "/console/faults/clear", {}, {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 303


@pytest.mark.parametrize("header", ["Host", "Origin"])
@pytest.mark.parametrize("path", ["/", "/console/people", "/console/requests/stream"])
def test_no_page_answers_a_foreign_host_or_origin(api: Api, header: str, path: str) -> None:
    value = "evil.example" if header == "Host" else "http://evil.example"
    status, body = api.raw("GET", path, headers={header: value})
    assert (status, header.encode() in body) == (403, True)
    assert b"sandbox-site" not in body


def test_own_keys_open_the_console_to_no_other_name() -> None:
    own = {"track_api_key": "own-track-key", "app_api_key": "own-app-key"}
    with Sandbox(options=own) as sandbox:
        assert Api(sandbox).raw("GET", "/", headers={"Host": "customerio.test"})[0] == 403


def test_a_fault_form_makes_the_rule_that_it_says(api: Api) -> None:
    form = {
        "operation": "identify",
        "action": "answer",
        "status": "429",
        "retry_after": "1.5",
        "times": "2",
        "probability": "0.5",
        "delay": "",
        "api": "track",
    }
    send(api, "/console/faults/add", form)
    [shown] = api.sandbox.faults.shown()
    assert shown["rule"] == {
        "operation": "identify",
        "api": "track",
        "times": 2,
        "probability": 0.5,
        "status": 429,
        "retry_after": 1.5,
    }


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"status": "99"}, "status must lie between 200 and 599"),
        ({"nth": "x"}, "nth must be an integer"),
        ({"delay": "nan"}, "delay must be a number"),
        ({"operation": ATTACK}, "not one that is served"),
        ({"action": "redirect"}, "url belongs to action redirect"),
    ],
)
def test_a_fault_form_that_is_wrong_says_why_and_keeps_what_was_typed(
    api: Api, form: dict[str, str], words: str
) -> None:
    answer = send(api, "/console/faults/add", {**form, "path": ATTACK})
    assert answer.status_code == 400
    assert words in answer.text
    assert ATTACK not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert api.sandbox.faults.is_empty


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"move": "advance", "seconds": "3600"}, NOW + 3600),
        ({"move": "set", "time": "2027-01-16T08:00"}, NOW + 86400),
        ({"move": "set", "time": "2027-01-15T08:00:30"}, NOW + 30),
    ],
)
def test_the_clock_moves_as_the_form_says(api: Api, form: dict[str, str], expected: float) -> None:
    send(api, "/console/clock", form)
    assert api.sandbox.clock.now() == expected


def test_the_clock_runs_and_freezes_by_click(api: Api) -> None:
    send(api, "/console/clock", {"move": "resume"})
    assert not api.sandbox.clock.is_frozen
    send(api, "/console/clock", {"move": "freeze"})
    assert api.sandbox.clock.is_frozen


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/console/clock", {"move": "advance", "seconds": "-1"}),
        ("/console/clock", {"move": "advance", "seconds": ""}),
        ("/console/clock", {"move": "advance", "seconds": "nan"}),
        ("/console/clock", {"move": "set", "time": "soon"}),
        ("/console/clock", {"move": "set", "time": "0001-01-01T00:00"}),
        ("/console/clock", {"move": "x"}),
        ("/console/snapshots/take", {"name": ""}),
        ("/console/snapshots/take", {"name": "x" * 101}),
        ("/console/snapshots/drop", {"name": ATTACK}),
        ("/console/reset", {"to": "x"}),
        ("/console/reset", {}),
    ],
)
def test_a_form_that_is_wrong_changes_nothing_and_says_so(
    api: Api, path: str, form: dict[str, str]
) -> None:
    before = settings(api)
    answer = send(api, path, form)
    assert answer.status_code in (400, 404)
    assert ATTACK not in answer.text
    assert settings(api) == before


def test_a_restored_snapshot_is_shown_at_once(kept: Api) -> None:
    assert "later" in visit(kept, "/console/people").words
    send(kept, "/console/snapshots/restore", {"name": "kept"})
    assert "later" not in visit(kept, "/console/people").words


def test_the_form_of_a_hostile_snapshot_names_it_unchanged(api: Api) -> None:
    api.sandbox.snapshot(ATTACK)
    names = {
        each["value"]
        for each in visit(api, "/console/workspace").all("input", name="name")
        if "value" in each
    }
    assert names == {ATTACK}
    assert send(api, "/console/snapshots/drop", {"name": ATTACK}).status_code == 303
    assert api.sandbox.application.snapshots.names() == []


def test_a_form_is_answered_when_the_log_is_busy(api: Api) -> None:
    url = f"{api.sandbox.track_url}/console/requests/stream"
    with api.session.get(url, stream=True, timeout=PATIENCE):
        assert send(api, "/console/reset", {"to": "seed"}).status_code == 303
