"""A request filled from its parts is the one that `requests` would prepare, or it is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Request
from customerio_tool.connection.filled import FilledRequest, Preparer
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.subtools.declare import Api
from tests.support.clients import APP_US, PERSON, US, connected, soon
from tests.support.loopback import Loopback, answer, says

PREPARER = Preparer(connected())
TRICKY = st.text(st.sampled_from("/.%2eE?#&=;@:+ a~é\\\n[]\"'_-7fF\ud800"), max_size=12)
BODIES = st.none() | st.binary(max_size=20)


def filled(request: Request, origin: str = US) -> FilledRequest | None:
    with suppress(ArgumentsInvalid):
        return FilledRequest(request, origin, PREPARER.headers(request))
    return None


def prepared(request: Request, headers: Any) -> requests.PreparedRequest:
    """Return the request as `requests` prepares it."""
    given = {name: value for name, value in headers.items() if name != "Content-Length"}
    url = US + request.target
    return requests.Request(request.method, url, headers=given, data=request.body).prepare()


@given(TRICKY, TRICKY, st.sampled_from(["GET", "PUT", "POST", "DELETE"]), BODIES)
def test_what_is_not_refused_goes_out_as_requests_would_send_it(
    path: str, query: str, method: str, body: bytes | None
) -> None:
    request = Request(Api.TRACK, method, f"/api/v1/{path}", query, body)
    if ours := filled(request):
        theirs = prepared(request, ours.headers)
        assert (ours.method, ours.url, ours.body or None) == (
            theirs.method,
            theirs.url,
            theirs.body,
        )
        assert dict(ours.headers) == dict(theirs.headers)
        assert request.target == ours.path_url == HTTPAdapter().request_url(theirs, {})


@given(st.text(min_size=1, max_size=20) | TRICKY.filter(bool))
def test_any_value_in_one_segment_is_taken_unless_it_is_a_dot_segment(value: str) -> None:
    try:
        segment = quote(value, safe="")
    except UnicodeEncodeError:
        return
    request = Request(Api.APP, "GET", f"/v1/customers/{segment}/messages", f"start={segment}")
    assert (filled(request, APP_US) is None) == (value in (".", ".."))


CHANGED = (
    *(
        "//evil.example/v1",
        "/v1/../v2",
        "/v1/.",
        "/v1/%2e%2E/x",
        "/v1/%2E",
        "/v1//x",
        "v1",
        "",
        "/",
    ),
    *("/v1/a b", "/v1/é", "/v1/%41", "/v1/%zz", "/v1/%2f", "/v1/x#y", "/v1/x\r\nHost: y", "/v1/\\"),
)


@pytest.mark.parametrize("path", CHANGED)
def test_a_target_that_anything_could_change_is_refused(path: str) -> None:
    with pytest.raises(ArgumentsInvalid, match="changes on its way to the wire"):
        PREPARER.headers(Request(Api.TRACK, "GET", path))


SENT = {
    "a read": Request(Api.APP, "GET", "/v1/segments", "limit=2"),
    "a body": PERSON,
    "an empty body": Request(Api.TRACK, "POST", "/api/v1/customers/u1/suppress"),
    "a deletion": Request(Api.TRACK, "DELETE", "/api/v1/customers/u%2F1"),
}


@pytest.mark.parametrize("request_", SENT.values(), ids=SENT.keys())
def test_straight_or_through_requests_the_same_bytes_go_out(request_: Request) -> None:
    with Loopback([says(answer())] * 2) as server, requests.Session() as stock:
        saved = connected(track_url=server.url, app_url=server.url)
        for session in (None, stock):
            with Client(saved, session=session) as client:
                client.exchange(request_, soon())
    straight, by_requests = server.requests
    assert straight == by_requests


def test_a_double_that_sends_a_request_elsewhere_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = HTTPAdapter.send

    with Loopback([]) as never, Loopback([says(answer(b'{"a":1}'))]) as double:

        def redirected(self: HTTPAdapter, request: Any, *args: Any, **named: Any) -> Any:
            request.url = request.url.replace(never.url, double.url)
            return stock(self, request, *args, **named)

        monkeypatch.setattr(HTTPAdapter, "send", redirected)
        with Client(connected(track_url=never.url)) as client:
            assert client.exchange(PERSON, soon()).body == b'{"a":1}'
    assert len(double.requests) == 1


def test_a_key_shows_in_no_filled_request() -> None:
    request = filled(PERSON)
    assert "Basic" in str(request and request.headers["authorization"])
    assert "Basic" not in f"{request!r}{vars(PREPARER)}"
