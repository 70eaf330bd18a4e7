"""Control is open to loopback and to nobody who comes by way of a web page."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.control import control
from tests.support.sandbox_api import NOW, Api

CHANGES = [
    ("POST", "reset"),
    ("POST", "seed"),
    ("PUT", "snapshots/a"),
    ("DELETE", "snapshots/a"),
    ("POST", "snapshots/a/restore"),
    ("POST", "clock"),
    ("PATCH", "options"),
    ("PUT", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
]


def test_every_control_route_that_changes_something_is_among_those_tried(api: Api) -> None:
    routes = [r for r in api.sandbox.application.router.routes if r.api == "control"]
    found = {(r.method, "/".join(r.segments[1:])) for r in routes if r.method != "GET"}
    assert found == {(m, p.replace("snapshots/a", "snapshots/{name}")) for m, p in CHANGES}


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_change_without_a_json_type_is_refused(
    api: Api, method: str, path: str, kind: str | None
) -> None:
    """A form on any web page can post the other types to loopback."""
    before = api.sandbox.state()
    headers = {"Content-Type": kind} if kind else {}
    for body in (b"", b'{"to":"empty"}'):
        status, answer = api.raw(method, f"/_sandbox/{path}", body, headers)
        assert (status, b"application/json" in answer) == (400, True)
    assert api.sandbox.state() == before


@pytest.mark.parametrize("name", ["Host", "Origin"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", ""])
def test_control_is_closed_to_other_hosts_and_sites(api: Api, name: str, host: str) -> None:
    value = f"http://{host}" if name == "Origin" else host
    status, answer = api.raw("GET", "/_sandbox/state", headers={name: value})
    assert (status, name.encode() in answer) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:1", "LOCALHOST"])
def test_control_is_open_to_loopback(api: Api, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert api.raw("GET", "/_sandbox/health", headers=headers)[0] == 200


def test_no_web_page_may_read_what_control_answers(api: Api) -> None:
    assert "Access-Control-Allow-Origin" not in control(api, "GET", "state").headers


def test_what_control_answers_is_json_to_the_last_character(api: Api) -> None:
    assert json.loads(control(api, "GET", "state").content)["time"] == NOW
