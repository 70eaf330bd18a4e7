"""A broadcast's file is fetched from this machine, within bounds, and while others are served."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import requests

from customerio_tool.sandbox.rules import audience_file
from tests.sandbox.test_switches import switched
from tests.support.loopback import Loopback, Script, answer, says
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

PEOPLE = b'{"id":"u3"}\n{"id":"u1"}\n'
POINTER = "/data/attributes/data_file_url"
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def trigger(api: Api, url: Any) -> requests.Response:
    return api.app("POST", "/v1/campaigns/30/triggers", {"data_file_url": url})


def errors_of(api: Api, refused: requests.Response) -> list[str]:
    """What the list of errors says of a trigger that was refused."""
    assert (refused.status_code, refused.json()["errors"][0]["source"]["pointer"]) == (422, POINTER)
    number = api.get("/v1/broadcasts/30/triggers")["triggers"][0]["id"]
    found: list[str] = api.get(f"/v1/campaigns/30/triggers/{number}/errors")["errors"]
    return found


class Slow:
    """Answers only when it is told to."""

    def __init__(self, *pieces: bytes) -> None:
        self.asked, self.released = Event(), Event()
        self.pieces = pieces

    def __call__(self, peer: socket.socket) -> None:
        peer.sendall(self.pieces[0])
        self.asked.set()
        self.released.wait(PATIENCE)
        for piece in self.pieces[1:]:
            peer.sendall(piece)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as found:
        yield found


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200", b" OK\r\nConnection: close\r\n\r\n" + PEOPLE),
        (HEAD + b"\r\n" + PEOPLE[:5], PEOPLE[5:]),
    ],
    ids=["head", "body"],
)
@pytest.mark.parametrize("call", ["track", "app", "control"])
def test_others_are_served_while_a_file_drips(
    api: Api, pool: ThreadPoolExecutor, pieces: tuple[bytes, bytes], call: str
) -> None:
    slow = Slow(*pieces)
    with Loopback([slow]) as server:
        triggered = pool.submit(trigger, api, f"{server.url}/people.jsonl")
        assert slow.asked.wait(PATIENCE)
        if call == "track":
            api.identify("u6", plan="free")
        elif call == "app":
            api.get("/v1/segments")
        else:
            assert api.sandbox.state()["triggers"]
        assert not triggered.done()
        slow.released.set()
        assert triggered.result(PATIENCE).status_code == 200
    sent = [d["customer_id"] for d in api.sandbox.state()["deliveries"] if d["trigger_id"] == 2]
    assert sent == ["u3", "u1"]


def dripping(first: bytes) -> Script:
    """Send a byte at a time without an end, so that no single read takes long."""

    def script(peer: socket.socket) -> None:
        peer.sendall(first)
        while True:  # the client hangs up: that ends it
            peer.sendall(b" ")

    return script


@switched(file_timeout=0.2)
@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD + b"\r\n" + PEOPLE],
    ids=["nothing", "head", "body"],
)
def test_a_file_that_drips_for_ever_is_given_up(api_with: Api, first: bytes) -> None:
    with Loopback([dripping(first)]) as server:
        refused = trigger(api_with, f"{server.url}/people.jsonl")
    assert refused.status_code == 422
    assert api_with.get("/v1/segments")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b" " * 50_000_001, "data_file_url: the file is too large"),
        (b"1\n" * 1001, "data_file_url must have 1 to 1000 items"),
        (PEOPLE + b"x" * (2 * 1024**2 + 1), "line 3: larger than 2 MB"),
        (b"\n" * 1001, "data_file_url must have 1 to 1000 items"),
        (PEOPLE + b"{", "line 3: not JSON"),
    ],
    ids=["bytes", "lines", "line", "empty", "no JSON"],
)
def test_a_file_beyond_its_bounds_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, content: bytes, problem: str
) -> None:
    monkeypatch.setattr(audience_file, "MOST_LINES", 1000)
    with Loopback([says(answer(content))]) as server:
        refused = trigger(api, f"{server.url}/people.jsonl")
    assert errors_of(api, refused) == [problem]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_file_elsewhere_is_not_fetched(api: Api, status: int) -> None:
    with Loopback([says(answer(PEOPLE))]) as other:
        location = b"Location: %s/people.jsonl" % other.url.encode()
        with Loopback([says(answer(b"", location, status=b"%d Found" % status))]) as server:
            refused = trigger(api, f"{server.url}/people.jsonl")
        assert any(str(status) in each for each in errors_of(api, refused))
        assert other.requests == []


def test_the_errors_of_a_trigger_say_what_the_file_was_answered_with(api: Api) -> None:
    with Loopback([says(answer(b"", status=b"403 Forbidden"))]) as server:
        refused = trigger(api, f"{server.url}/people.jsonl")
    words = "failed to download data file, server responded with code 403 Forbidden"
    assert errors_of(api, refused) == [words]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/hosts",
        "https://example.com/x",
        "http://127.0.0.1.example.com/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:nothing/x",
        "http://[::1/x",
        "http://127.0.0.1:1/x",
        "//127.0.0.1/x",
        "http:///x",
        "",
        5,
        ["http://127.0.0.1/x"],
    ],
)
def test_an_address_that_cannot_be_is_refused(api: Api, url: Any) -> None:
    assert errors_of(api, trigger(api, url))


@pytest.mark.parametrize(
    "line", [b'{"id":"u3","data":{"n":1e999}}', b'{"id":"u3","data":{"n":NaN}}']
)
def test_a_line_with_a_number_that_is_none_is_refused(api: Api, line: bytes) -> None:
    with Loopback([says(answer(PEOPLE + line))]) as server:
        refused = trigger(api, f"{server.url}/people.jsonl")
    assert errors_of(api, refused) == ["line 3: not JSON"]


def test_a_trigger_that_is_refused_anyway_fetches_nothing(api: Api) -> None:
    with Loopback([says(answer(PEOPLE))]) as server:
        url = f"{server.url}/people.jsonl"
        body = {"data_file_url": url}
        wrong_key = {"Authorization": "Bearer wrong"}
        told = [
            api.session.post(f"{api.sandbox.app_url}{path}", json=body, headers=headers, timeout=10)
            for path, headers in (
                ("/v1/campaigns/30/triggers", wrong_key),
                ("/v1/campaigns/999/triggers", {"Authorization": "Bearer sandbox-app-key"}),
                ("/v1/campaigns/31/triggers", {"Authorization": "Bearer sandbox-app-key"}),
            )
        ]
        assert [each.status_code for each in told] == [401, 404, 422]
        assert server.requests == []


def test_a_file_is_fetched_once(api: Api) -> None:
    with Loopback([says(answer(PEOPLE))] * 2) as server:
        assert trigger(api, f"{server.url}/people.jsonl?a=%20b").status_code == 200
        assert [each.split()[1] for each in server.requests] == [b"/people.jsonl?a=%20b"]
