"""A tool opens beforehand what a send will need, and to nobody else."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
from urllib3.connection import HTTPSConnection

from customerio_tool import CustomerIoTool
from customerio_tool.errors import ToolClosed
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED
from tests.support.loopback import nobody_listening
from tests.support.retries import (
    LIST_CALL,
    MAIL_CALL,
    SkippingClock,
    Tries,
    tool_on,
)
from tests.support.sockets import Sockets
from tests.support.timeouts import PATIENCE

TRACK_POST = ("track_event", {"customer_id": "u1", "name": "paid"})
NEW_SEGMENT = ("create_manual_segment", {"name": "New"})
LONG = 3_600.0


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
