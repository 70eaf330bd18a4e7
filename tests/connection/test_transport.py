"""Connections are kept for the next call, for a POST only a fresh one, and never after a fault."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Semaphore, Thread
from typing import Any

import pytest
import requests
import trustme
import urllib3
from urllib3.connection import HTTPSConnection

from customerio_tool import CustomerIoTool
from customerio_tool.calls.recovery import SEND_SECONDS
from customerio_tool.connection.client import Client
from customerio_tool.connection.transport import new_session
from customerio_tool.errors import ToolClosed
from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.sandbox.serving.server import Server
from tests.support.clients import SAVED, SEGMENTS, connected, example_of, sent, soon
from tests.support.loopback import Loopback, Script, nobody_listening, says
from tests.support.retries import (
    LIST_CALL,
    MAIL_CALL,
    NOW,
    PERSON_CALL,
    SkippingClock,
    Tries,
    tool_on,
)
from tests.support.sessions import impatient_session
from tests.support.timeouts import PATIENCE

TRACK_POST = ("track_event", {"customer_id": "u1", "name": "paid"})
NEW_SEGMENT = ("create_manual_segment", {"name": "New"})
LONG = 3_600.0


class Sockets:
    """What a sandbox accepted and closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.accepted = 0
        self.opened, self.closed = Semaphore(0), Semaphore(0)
        accept, close = Server.get_request, Server.shutdown_request

        def count(server: Server) -> Any:
            accepted = accept(server)
            self.accepted += 1
            self.opened.release()
            return accepted

        def tell(server: Server, request: Any) -> None:
            close(server, request)
            self.closed.release()

        monkeypatch.setattr(Server, "get_request", count)
        monkeypatch.setattr(Server, "shutdown_request", tell)

    def wait_for_open(self, number: int) -> None:
        """Wait until so many were accepted, which a server does after the client is connected."""
        for _ in range(number):
            assert self.opened.acquire(timeout=10)

    def wait_for_close(self) -> None:
        assert self.closed.acquire(timeout=10)


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    return Sockets(monkeypatch)


@pytest.fixture
def sandbox(sockets: Sockets) -> Iterator[Sandbox]:
    with Sandbox(clock=Clock(frozen_at=NOW)) as running:
        yield running


@pytest.fixture
def tool(sandbox: Sandbox, clock: SkippingClock, tries: Tries) -> Iterator[CustomerIoTool]:
    with (
        new_session(monotonic=clock.monotonic) as session,
        tool_on(clock, sandbox.connection(), tries, session=session) as made,
    ):
        yield made


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
            assert tool.call(name, arguments)["ok"]
    assert waits
    assert {round(wait or 0, 3) for wait in waits} == {SEND_SECONDS}


# Connections that are opened beforehand


def test_a_warm_tool_sends_on_a_connection_that_is_open_already(
    tool: CustomerIoTool, sandbox: Sandbox, sockets: Sockets
) -> None:
    for _ in range(3):
        tool.warm()
    assert not sandbox.requests()
    assert tool.call(*MAIL_CALL)["ok"]
    assert sockets.accepted == 1


def test_a_connection_is_opened_anew_where_a_send_would_not_use_the_old_one(
    tool: CustomerIoTool, sockets: Sockets, clock: SkippingClock
) -> None:
    assert tool.call(*LIST_CALL)["ok"]
    clock.skip(6.0)
    tool.warm()
    sockets.wait_for_open(2)
    assert tool.call(*MAIL_CALL)["ok"]
    assert sockets.accepted == 2


def test_to_warm_a_tool_makes_no_old_connection_young(
    tool: CustomerIoTool, sockets: Sockets, clock: SkippingClock
) -> None:
    assert tool.call(*LIST_CALL)["ok"]
    clock.skip(4.0)
    tool.warm()
    clock.skip(4.0)
    assert tool.call(*MAIL_CALL)["ok"]
    assert sockets.accepted == 2, "it was used 8 s ago"


def test_a_tool_is_warmed_over_tls_too(
    sockets: Sockets, clock: SkippingClock, tries: Tries
) -> None:
    with (
        Sandbox(tls=True) as sandbox,
        tool_on(clock, sandbox.connection(), tries) as tool,
    ):
        tool.warm()
        assert tool.call(*MAIL_CALL)["ok"]
        # urllib3 1 takes what a server of TLS 1.3 sends at first, if it has come, for the end of a
        # connection: each of the two hosts and the call may then open one.
        assert sockets.accepted <= (1 if hasattr(HTTPSConnection, "is_connected") else 3)


def test_what_cannot_be_opened_is_left_to_the_call(
    sandbox: Sandbox, clock: SkippingClock, tries: Tries
) -> None:
    with nobody_listening() as url:
        saved = {**sandbox.connection(), "track_url": url, "app_url": url}
        with tool_on(clock, saved, tries) as tool:
            tool.warm()
            assert tool.call(*LIST_CALL)["error"]["code"] == "unreachable"
    with pytest.raises(ToolClosed):
        tool.warm()


def test_no_connection_to_somebody_else_is_kept_for_the_call(
    clock: SkippingClock, tries: Tries, tmp_path: Path
) -> None:
    """The certificate is of a known authority, and of another name."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("example.org").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "roots.pem")
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):  # as the listener is closed
            while True:
                peer, _ = listener.accept()
                peer.settimeout(1)
                with peer, suppress(OSError), context.wrap_socket(peer, server_side=True) as inner:
                    heard.append(inner.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Thread(target=serve, args=[listener])
        server.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        saved = {**SAVED, "track_url": url, "app_url": url, "region": "us"}
        with tool_on(clock, {**saved, "ca_file": str(tmp_path / "roots.pem")}, tries) as tool:
            tool.warm()
            assert tool.call(*MAIL_CALL)["error"]["code"] == "unreachable"
        listener.shutdown(socket.SHUT_RDWR)
        server.join(PATIENCE)
    assert not any(heard)


def test_no_handshake_of_a_connection_beforehand_outlasts_the_time_to_connect(
    clock: SkippingClock, tries: Tries
) -> None:
    """Else a host that never answers would leave no time for that of the other API."""
    waits: list[float | None] = []

    with Sandbox(tls=True) as sandbox, pytest.MonkeyPatch.context() as patch:
        handshake = ssl.SSLSocket.do_handshake

        def hang(sock: ssl.SSLSocket, *args: Any) -> None:
            if sock.server_side:
                return handshake(sock, *args)
            waits.append(sock.gettimeout())
            raise TimeoutError

        patch.setattr(ssl.SSLSocket, "do_handshake", hang)
        with tool_on(clock, sandbox.connection(), tries) as tool:
            tool.warm()
    assert waits == [5.0, 5.0]
