"""Behind a proxy a message goes no more often than without one."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

import pytest
import requests
import trustme

from customerio_tool.connection.transport import new_session
from tests.support.clients import SAVED
from tests.support.loopback import Loopback, nobody_listening, says
from tests.support.retries import MAIL_CALL, SkippingClock, Tries, tool_on
from tests.support.timeouts import PATIENCE

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
DELIVERED = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"delivery_id": "dg"}'

Behind: TypeAlias = Callable[..., dict[str, Any]]
"""Sends a message through the proxy at this address, on a session, and returns its result."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def connection(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return {**SAVED, "region": "us", "ca_file": str(tmp_path / "ca.pem")}


class Tunnel:
    """A script of a proxy that lets a call through to a Customer.io which answers with `answer`."""

    def __init__(self, authority: trustme.CA, answer: bytes, host: str = "api.customer.io") -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self._context)

    def __call__(self, peer: socket.socket) -> None:
        peer.sendall(OPEN)
        with self._context.wrap_socket(peer, server_side=True) as behind:
            request = b""
            while not request.endswith(b"}"):
                if not (more := behind.recv(65_536)):
                    return  # the client did not like the certificate
                request += more
            self.requests.append(request)
            behind.sendall(self._answer)


@pytest.fixture
def result_behind(
    connection: dict[str, Any], tries: Tries, monkeypatch: pytest.MonkeyPatch
) -> Behind:
    def result(proxy: str, session: requests.Session | None = None) -> dict[str, Any]:
        for name in ("ALL_PROXY", "NO_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv("https_proxy", proxy)
        with tool_on(SkippingClock(), connection, tries, session=session) as tool:
            return tool.call(*MAIL_CALL)

    return result


def test_a_message_goes_through_a_proxy(authority: trustme.CA, result_behind: Behind) -> None:
    through = Tunnel(authority, DELIVERED)
    with Loopback([through]) as proxy:
        assert result_behind(proxy.url)["delivery_id"] == "dg"
    assert b"CONNECT api.customer.io:443" in proxy.requests[0]
    assert b"Authorization" not in proxy.requests[0]


@pytest.mark.parametrize("session", [new_session, requests.Session], ids=["ours", "a caller's"])
@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n"], ids=["nothing", "no HTTP"])
def test_a_message_whose_answer_is_lost_behind_a_proxy_is_in_doubt_and_goes_once(
    authority: trustme.CA,
    result_behind: Behind,
    tries: Tries,
    answer: bytes,
    session: Callable[[], requests.Session],
) -> None:
    through = Tunnel(authority, answer)
    with Loopback([through]) as proxy, session() as shared:
        error = result_behind(proxy.url, shared)["error"]
    assert (error["code"], error["took_effect"]) == ("outcome_unknown", "unknown")
    assert len(through.requests) == len(tries.made) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"",
        b"nonsense\r\n",
        OPEN,
        OPEN + b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["403", "407", "502", "nothing", "no HTTP", "opens and closes", "opens, and is no TLS"],
)
def test_a_proxy_that_opens_no_way_means_that_nothing_was_sent(
    result_behind: Behind, tries: Tries, refusal: bytes
) -> None:
    with Loopback([says(refusal)] * 3) as proxy:
        error = result_behind(proxy.url)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert len(tries.made) == 3


@pytest.mark.parametrize("session", [new_session, requests.Session], ids=["ours", "a caller's"])
def test_a_proxy_that_is_down_means_that_nothing_was_sent(
    result_behind: Behind, session: Callable[[], requests.Session]
) -> None:
    with nobody_listening() as url, session() as shared:
        error = result_behind(url, shared)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")


def test_somebody_else_behind_a_proxy_is_told_nothing(
    authority: trustme.CA, result_behind: Behind
) -> None:
    other = [Tunnel(authority, DELIVERED, host="evil.example") for _ in range(3)]
    with Loopback(other) as proxy:
        error = result_behind(proxy.url)["error"]
    assert (error["code"], error["took_effect"]) == ("unreachable", "no")
    assert not any(each.requests for each in other)


def test_a_proxy_over_tls_is_trusted_by_the_same_roots(
    authority: trustme.CA, result_behind: Behind
) -> None:
    """A company's proxy has a certificate of the company's own authority, as what it opens has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    asked: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(3):
            peer, _ = listener.accept()
            with peer, suppress(OSError), context.wrap_socket(peer, server_side=True) as inner:
                asked.append(inner.recv(65_536))
                inner.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Thread(target=serve, args=[listener])
        server.start()
        error = result_behind(f"https://127.0.0.1:{listener.getsockname()[1]}")["error"]
        server.join(PATIENCE)
    assert error["code"] == "unreachable"
    assert [each.split(b" HTTP/")[0] for each in asked] == [b"CONNECT api.customer.io:443"] * 3
