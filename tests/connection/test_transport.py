"""Connections are kept for the next call, for a POST only a fresh one, and never after a fault."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import requests
import urllib3

from customerio_tool import CustomerIoTool
from customerio_tool.calls.recovery import SEND_SECONDS
from customerio_tool.connection.client import Client
from customerio_tool.connection.transport import new_session
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED, SEGMENTS, connected, example_of, sent, soon
from tests.support.loopback import Loopback, Script, says
from tests.support.retries import (
    LIST_CALL,
    MAIL_CALL,
    PERSON_CALL,
    SkippingClock,
    Tries,
    tool_on,
)
from tests.support.sessions import impatient_session
from tests.support.sockets import Sockets

TRACK_POST = ("track_event", {"customer_id": "u1", "name": "paid"})
NEW_SEGMENT = ("create_manual_segment", {"name": "New"})
LONG = 3_600.0


CALLS = {
    "reads": [LIST_CALL, ("get_campaign", {"campaign_id": 12}), ("list_messages", {})],
    "a write and reads": [PERSON_CALL, LIST_CALL, TRACK_POST, LIST_CALL],
    "an answer without a body": [("delete_segment", {"segment_id": 1}), LIST_CALL],
    "a refusal": [("get_campaign", {"campaign_id": 999}), LIST_CALL],
    "sends": [MAIL_CALL, LIST_CALL, TRACK_POST],
}


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS.keys())
def test_calls_after_each_other_share_one_connection(
    tool: CustomerIoTool, sockets: Sockets, calls: Any
) -> None:
    for call in calls:
        tool.call(*call)
    assert sockets.accepted == 1


@pytest.mark.parametrize(("idle", "connections"), [(1.0, 1), (6.0, 2)])
def test_connections_are_kept_over_tls_as_well(
    sockets: Sockets, clock: SkippingClock, tries: Tries, idle: float, connections: int
) -> None:
    with (
        Sandbox(tls=True) as sandbox,
        new_session(monotonic=clock.monotonic) as session,
        tool_on(clock, sandbox.connection(), tries, session=session) as tool,
    ):
        for call in (LIST_CALL, LIST_CALL, MAIL_CALL):
            clock.skip(idle)
            assert tool.call(*call)["ok"]
    assert sockets.accepted == connections


def kept_alive(*headers: bytes, body: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *headers, b"", body]
    return b"\r\n".join(lines)


LISTED = b'{"segments":[]}'
PACKED = gzip.compress(LISTED)
GZIP = b"Content-Encoding: gzip"
CHUNKED = b"Transfer-Encoding: chunked"


FORMS = {
    "with a length": kept_alive(b"Content-Length: 15", body=LISTED),
    "gzip": kept_alive(GZIP, b"Content-Length: %d" % len(PACKED), body=PACKED),
    "chunked": kept_alive(CHUNKED, body=b'4\r\n{"se\r\nb\r\ngments":[]}\r\n0\r\n\r\n'),
    "gzip, chunked": kept_alive(
        GZIP, CHUNKED, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED)
    ),
    "a trailer": kept_alive(CHUNKED, body=b'f\r\n{"segments":[]}\r\n0\r\nX-Sum: 1\r\n\r\n'),
}


@pytest.mark.parametrize("reply", FORMS.values(), ids=FORMS.keys())
def test_a_reply_is_read_with_a_urllib3_of_before_2_2_as_well(
    monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    for kind in urllib3.HTTPResponse.__mro__:
        if "read1" in vars(kind):
            monkeypatch.delattr(kind, "read1")
    with Loopback([says(reply)]) as server:
        assert sent(SEGMENTS, app_url=server.url).body == LISTED


@pytest.mark.parametrize(
    "reply",
    [*FORMS.values(), kept_alive(b"Content-Length: 0", body=b"")],
    ids=[*FORMS, "empty"],
)
def test_a_reply_gives_its_connection_back_whatever_its_form(reply: bytes) -> None:
    def twice(peer: socket.socket) -> None:
        peer.sendall(reply)
        peer.recv(65536)
        peer.sendall(reply)

    with Loopback([twice, twice]) as server:
        with Client(connected(app_url=server.url)) as client:
            replies = [client.exchange(SEGMENTS, soon()) for _ in range(2)]
        used = len(server.requests)
    assert replies[0].body == replies[1].body
    assert used == 1


def test_headers_of_an_answer_are_found_in_any_case_and_equal_ones_are_joined() -> None:
    reply = kept_alive(b"X-Half: a", b"x-half: b", b"Content-Length: 15", body=LISTED)
    with Loopback([says(reply)]) as server:
        headers = sent(SEGMENTS, app_url=server.url).headers
    assert dict(headers) == {"X-Half": "a, b", "Content-Length": "15"}
    assert headers["content-length"] == headers.get("CONTENT-LENGTH") == "15"
    assert "Retry-After" not in headers


@pytest.mark.parametrize(("idle", "connections"), [(0.0, 1), (5.0, 1), (5.1, 2)])
@pytest.mark.parametrize("post", [MAIL_CALL, NEW_SEGMENT], ids=["a send", "a creation"])
def test_what_may_not_be_repeated_rides_a_connection_only_if_it_was_used_a_moment_ago(
    tool: CustomerIoTool,
    sockets: Sockets,
    clock: SkippingClock,
    post: Any,
    idle: float,
    connections: int,
) -> None:
    assert tool.call(*LIST_CALL)["ok"]
    clock.skip(idle)
    assert tool.call(*post)["ok"]
    assert sockets.accepted == connections


@pytest.mark.parametrize(
    "call", [LIST_CALL, PERSON_CALL, TRACK_POST], ids=["a read", "an upsert", "an event"]
)
def test_what_may_be_repeated_rides_a_connection_however_long_it_was_idle(
    tool: CustomerIoTool, sockets: Sockets, clock: SkippingClock, call: Any
) -> None:
    assert tool.call(*LIST_CALL)["ok"]
    clock.skip(LONG)
    assert tool.call(*call)["ok"]
    assert sockets.accepted == 1


@pytest.mark.parametrize("call", [MAIL_CALL, TRACK_POST, LIST_CALL], ids=lambda call: call[0])
def test_a_connection_that_the_server_closed_is_not_used_again(
    tool: CustomerIoTool, sandbox: Sandbox, sockets: Sockets, tries: Tries, call: Any
) -> None:
    sandbox.fault(action="close_idle", times=1)
    assert tool.call(*LIST_CALL)["ok"]
    sockets.wait_for_close()
    assert tool.call(*call)["ok"]
    assert sockets.accepted == len(tries.made) == 2


def test_bytes_left_over_from_an_answer_are_not_taken_for_the_next(
    tool: CustomerIoTool, sandbox: Sandbox
) -> None:
    lie = {"action": "length_too_small", "body": '{"delivery_id": "another", "queued_at": 1}'}
    sandbox.fault(operation="identify", **lie)
    assert tool.call(*PERSON_CALL)["ok"]
    sent = tool.call(*MAIL_CALL)
    [delivery] = [d for d in sandbox.state()["deliveries"] if d["id"] == sent["delivery_id"]]
    assert delivery["recipient"] == "ada@example.com"


def test_bytes_left_over_within_tls_are_not_taken_for_the_next_answer_either(
    clock: SkippingClock, tries: Tries
) -> None:
    with Sandbox(tls=True) as sandbox, tool_on(clock, sandbox.connection(), tries) as tool:
        sandbox.fault(operation="identify", action="length_too_small", body="x" * 12_000)
        assert tool.call(*PERSON_CALL)["ok"]
        assert tool.call(*MAIL_CALL)["ok"]
    assert len(tries.made) == 2


@pytest.mark.parametrize("action", ["no_answer_after_applying", "reset_after_applying", "cut_body"])
def test_a_connection_that_lost_an_answer_is_not_used_again(
    sandbox: Sandbox, sockets: Sockets, clock: SkippingClock, tries: Tries, action: str
) -> None:
    with (
        impatient_session("GET", 1) as session,
        tool_on(clock, sandbox.connection(), tries, session=session) as tool,
    ):
        sandbox.fault(action=action, times=1)
        assert tool.call(*LIST_CALL)["ok"]
    assert sockets.accepted == len(tries.made) == 2


@pytest.mark.parametrize(("idle", "connections"), [(1.0, 1), (6.0, 2)])
def test_a_post_through_a_proxy_needs_a_fresh_connection_too(idle: float, connections: int) -> None:
    def twice(peer: socket.socket) -> None:
        for _ in range(2):
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            peer.recv(65536)

    clock = SkippingClock()
    scripts: list[Script] = [twice, twice]
    with Loopback(scripts) as proxy, new_session(monotonic=clock.monotonic) as session:
        proxies = {"http": proxy.url}
        for _ in range(2):
            session.post("http://track.example/", data=b"{}", proxies=proxies, timeout=10)
            clock.skip(idle)
        session.close()
        used = len(proxy.requests)
    assert used == connections


# What comes before an answer, and after a deadline

DELIVERED = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"delivery_id": "dg"}'


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_an_answer_that_is_announced_is_waited_for(
    clock: SkippingClock, tries: Tries, interim: bytes
) -> None:
    announced = b"HTTP/1.1 " + interim + b"\r\nLink: </x>\r\n\r\n"
    with (
        Loopback([says(announced, announced, DELIVERED)]) as server,
        tool_on(clock, {**SAVED, "app_url": server.url}, tries) as tool,
    ):
        result = tool.call(*MAIL_CALL)
    assert result["delivery_id"] == "dg"


@pytest.mark.parametrize("session", [new_session, requests.Session], ids=["ours", "a caller's"])
@pytest.mark.parametrize(
    "status", [b"100 Continue", b"101 Switching Protocols", b"102 Processing", b"103 Early Hints"]
)
def test_a_send_whose_answer_is_only_announced_is_in_doubt(
    clock: SkippingClock, tries: Tries, status: bytes, session: Callable[[], requests.Session]
) -> None:
    with (
        Loopback([says(b"HTTP/1.1 " + status + b"\r\n\r\n")]) as server,
        session() as shared,
        tool_on(clock, {**SAVED, "app_url": server.url}, tries, session=shared) as tool,
    ):
        first, again = tool.call(*MAIL_CALL), tool.call(*MAIL_CALL)
    assert first["error"]["code"] == again["error"]["code"] == "outcome_unknown"
    assert len(server.requests) == len(tries.made) == 1


def test_nothing_is_sent_when_a_look_up_has_outlasted_the_deadline(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        clock.skip(30)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with tool_on(clock, sandbox.connection(), tries) as tool:
        error = tool.call(*MAIL_CALL)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert sandbox.requests() == []


def test_no_handshake_waits_beyond_the_deadline(
    clock: SkippingClock, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    connect, handshake = urllib3.util.connection.create_connection, ssl.SSLSocket.do_handshake

    def slow(*args: Any, **kwargs: Any) -> socket.socket:
        clock.skip(SEND_SECONDS - 2)
        return connect(*args, **kwargs)

    def hang(sock: ssl.SSLSocket, *args: Any) -> None:
        if sock.server_side:
            return handshake(sock, *args)
        waits.append(sock.gettimeout())
        raise TimeoutError

    monkeypatch.setattr(urllib3.util.connection, "create_connection", slow)
    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", hang)
    with Sandbox(tls=True) as sandbox, tool_on(clock, sandbox.connection(), tries) as tool:
        error = tool.call(*MAIL_CALL)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert waits == [pytest.approx(2)]


def test_what_takes_long_to_send_may_take_all_the_time_of_its_call(
    clock: SkippingClock, tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    send = ssl.SSLSocket.sendall

    def record(sock: ssl.SSLSocket, *args: Any) -> None:
        if not sock.server_side:
            waits.append(sock.gettimeout())
        send(sock, *args)

    monkeypatch.setattr(ssl.SSLSocket, "sendall", record)
    with Sandbox(tls=True) as sandbox, tool_on(clock, sandbox.connection(), tries) as tool:
        for name, arguments in (
            MAIL_CALL,
            ("send_transactional_push", example_of("send_transactional_push")),
        ):
            long = {**arguments, "message_data": {"text": "x" * 20_000}}
            assert tool.call(name, long)["ok"]
    assert waits
    assert {round(wait or 0, 3) for wait in waits} == {SEND_SECONDS}
