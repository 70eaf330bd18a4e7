"""The client says whether a failed request can have left, and keeps apart who shares a session."""

from __future__ import annotations

import inspect
import socket
import ssl
import struct
import threading
from typing import Any

import pytest
import requests
import responses
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from customerio_tool.connection import Connection
from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Reply
from customerio_tool.connection.failures import AnswerLost, failure_of
from customerio_tool.connection.pools import FreshForPostsPool
from customerio_tool.connection.transport import new_session
from customerio_tool.deadline import Deadline
from customerio_tool.errors import Unreachable
from tests.support.clients import APP_US, LOGIN, PERSON, SAVED, SEGMENTS, US, connected, sent, soon
from tests.support.loopback import Loopback, Script, answer, nobody_listening, says
from tests.support.timeouts import PATIENCE

pytestmark = pytest.mark.usefixtures("without_proxies")


@pytest.mark.parametrize("encoding", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_reply_that_trickles_is_given_up_at_the_deadline(encoding: bytes) -> None:
    given_up, late = threading.Event(), threading.Event()
    piece = b"1\r\nx\r\n" if b"chunked" in encoding else b"x"

    def trickle(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + encoding + b"\r\n\r\n" + piece)
        late.set()
        while not given_up.wait(0.01):
            peer.sendall(piece)

    with Loopback([trickle]) as server, Client(connected(app_url=server.url)) as client:
        try:
            with pytest.raises(AnswerLost, match=r"too slow|in time"):
                client.exchange(SEGMENTS, Deadline(3, lambda: 5.0 if late.is_set() else 0.0))
        finally:
            given_up.set()


@pytest.mark.parametrize(
    "script",
    [
        says(),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        says(b"not HTTP at all\r\n\r\n"),
        says(answer(b"not gzip", b"Content-Encoding: gzip")),
        says(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 300 + b"\r\n"),
        lambda peer: peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
    ],
    ids=["nothing", "cut", "cut chunk", "bad chunk", "no HTTP", "bad gzip", "headers", "reset"],
)
def test_an_answer_that_breaks_off_is_lost_and_not_called_unsent(script: Script) -> None:
    with Loopback([script]) as server, pytest.raises(AnswerLost):
        sent(PERSON, track_url=server.url)


@pytest.mark.parametrize(
    ("script", "came"),
    [
        (says(), None),
        (says(b"HTTP/1.1 20"), None),
        (says(b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{}"), b"{}"),
        (says(b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\n\r\nno gzip"), b""),
    ],
    ids=["nothing", "status cut", "body cut", "bad gzip"],
)
def test_what_came_of_an_answer_that_broke_off_is_kept(script: Script, came: bytes | None) -> None:
    with Loopback([script]) as server, pytest.raises(AnswerLost) as caught:
        sent(PERSON, track_url=server.url)
    partial = caught.value.partial
    assert (partial and (partial.status, partial.body, partial.whole)) == (
        None if came is None else (201, came, False)
    )


def test_a_port_that_nobody_listens_on_means_that_nothing_was_sent() -> None:
    with nobody_listening() as url, pytest.raises(Unreachable, match="nothing was sent"):
        sent(PERSON, track_url=url)


@pytest.mark.parametrize(
    "script",
    [lambda peer: peer.recv(1), lambda peer: peer.sendall(answer(status=b"400 Bad Request"))],
    ids=["hangs up", "speaks plain HTTP"],
)
def test_a_peer_that_makes_no_tls_means_that_nothing_was_sent(script: Script) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def meet() -> None:
            peer, _ = listener.accept()
            with peer:
                script(peer)

        thread = threading.Thread(target=meet, daemon=True)
        thread.start()
        with pytest.raises(Unreachable, match="nothing was sent"):
            sent(PERSON, track_url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(PATIENCE)


def test_after_the_deadline_nothing_is_sent(net: responses.RequestsMock) -> None:
    with Client(connected(region="us")) as client, pytest.raises(Unreachable):
        client.exchange(PERSON, Deadline(0))

    assert not net.calls


def test_a_lost_answer_says_nothing_of_the_person(net: responses.RequestsMock) -> None:
    url = US + LOGIN.path
    net.put(url, body=requests.ConnectionError(f"{url} broke"))

    with pytest.raises(AnswerLost) as caught:
        sent(LOGIN, region="us")

    assert "ada" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


# Every exception of requests: True where the request cannot have left.

X = requests.exceptions
NEVER_LEFT: dict[type[BaseException], bool] = {
    X.RequestException: False,
    X.InvalidJSONError: False,
    X.JSONDecodeError: False,
    X.HTTPError: False,
    X.ConnectionError: False,
    X.ProxyError: False,
    X.SSLError: False,
    X.Timeout: False,
    X.ConnectTimeout: True,
    X.ReadTimeout: False,
    X.URLRequired: True,
    X.TooManyRedirects: False,
    X.MissingSchema: True,
    X.InvalidSchema: True,
    X.InvalidURL: True,
    X.InvalidHeader: False,
    X.InvalidProxyURL: True,
    X.ChunkedEncodingError: False,
    X.ContentDecodingError: False,
    X.StreamConsumedError: False,
    X.RetryError: False,
    X.UnrewindableBodyError: False,
}


def _made(kind: type[BaseException]) -> Exception:
    made = kind("m", "d", 0) if kind is X.JSONDecodeError else kind("m")
    assert isinstance(made, Exception)
    return made


def test_every_exception_of_requests_is_classified() -> None:
    known = {
        kind
        for _, kind in inspect.getmembers(requests.exceptions, inspect.isclass)
        if issubclass(kind, Exception)
        and not issubclass(kind, Warning)
        and kind.__module__ == "requests.exceptions"
    }

    assert known == set(NEVER_LEFT)


@pytest.mark.parametrize(("kind", "never_left"), NEVER_LEFT.items())
def test_an_exception_says_whether_the_request_can_have_left(
    net: responses.RequestsMock, kind: type[BaseException], never_left: bool
) -> None:
    net.put(US + PERSON.path, body=_made(kind))

    with pytest.raises((Unreachable, AnswerLost)) as caught:
        sent(PERSON, region="us")

    assert caught.type is (Unreachable if never_left else AnswerLost)


_POOL: Any = None


def _unresolved() -> Exception:
    """What is said of a name that cannot be looked up; urllib3 1.26 has no class for it."""
    kind = getattr(urllib3.exceptions, "NameResolutionError", None)
    return (
        kind("host", _POOL, socket.gaierror())
        if kind
        else urllib3.exceptions.NewConnectionError(_POOL, "unresolved")
    )


@pytest.mark.parametrize(
    "reason",
    [
        urllib3.exceptions.NewConnectionError(_POOL, "refused"),
        _unresolved(),
        urllib3.exceptions.ConnectTimeoutError(_POOL, "slow"),
        urllib3.exceptions.ProxyError("proxy", urllib3.exceptions.NewConnectionError(_POOL, "")),
        urllib3.exceptions.SSLError(ssl.SSLCertVerificationError()),
    ],
    ids=lambda reason: type(reason).__name__,
)
def test_what_requests_wraps_is_looked_into(reason: Exception) -> None:
    wrapped = requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(_POOL, "/", reason), request=None
    )

    assert isinstance(failure_of(wrapped), Unreachable)


# Sessions


def test_a_shared_session_lends_nothing_but_its_adapters_and_stays_open(
    net: responses.RequestsMock,
) -> None:
    closed: list[bool] = []

    class Shared(requests.Session):
        def close(self) -> None:
            closed.append(True)
            super().close()

    net.put(US + PERSON.path)
    shared = Shared()
    shared.headers["X-Theirs"] = "1"
    shared.auth = ("theirs", "theirs")
    before = {name: repr(value) for name, value in vars(shared).items() if name != "adapters"}

    with Client(connected(region="us"), session=shared) as client:
        client.exchange(PERSON, soon())

    assert not closed
    assert "X-Theirs" not in net.calls[0].request.headers
    assert net.calls[0].request.headers["Authorization"].startswith("Basic ")
    assert before == {n: repr(v) for n, v in vars(shared).items() if n != "adapters"}
    shared.close()


def test_two_connections_share_a_session_and_keep_their_keys_apart(
    net: responses.RequestsMock,
) -> None:
    net.get(APP_US + SEGMENTS.path)
    with requests.Session() as shared:
        for key in ("app-one-11111", "app-two-22222"):
            connection = Connection.load({**SAVED, "app_api_key": key, "region": "us"})
            Client(connection, session=shared).exchange(SEGMENTS, soon())

    used = [call.request.headers["Authorization"] for call in net.calls]
    assert used == ["Bearer app-one-11111", "Bearer app-two-22222"]


@pytest.mark.parametrize("retries", [3, Retry(2, allowed_methods=None), Retry(None, read=1)])
def test_a_session_that_repeats_by_itself_is_refused(retries: Any) -> None:
    with requests.Session() as shared:
        shared.mount("https://", HTTPAdapter(max_retries=retries))

        with pytest.raises(ValueError, match="max_retries=0"):
            Client(connected(), session=shared)


@pytest.mark.parametrize("prefix", ["https://", APP_US, f"{APP_US}/", f"{APP_US}/v1/segments"])
def test_an_adapter_mounted_later_that_repeats_is_refused_at_the_call(
    net: responses.RequestsMock, prefix: str
) -> None:
    net.assert_all_requests_are_fired = False
    net.get(f"{APP_US}/v1/segments", json={"segments": []})

    with requests.Session() as shared, Client(connected(region="us"), session=shared) as client:
        shared.mount(prefix, HTTPAdapter(max_retries=3))

        with pytest.raises(ValueError, match="max_retries=0"):
            client.exchange(SEGMENTS, soon())

    assert not net.calls


def test_a_call_is_made_while_another_thread_closes_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    close, replies = FreshForPostsPool.close, list[Reply]()

    with Loopback([says(answer())] * 2) as server, new_session() as shared:
        client = Client(connected(app_url=server.url), session=shared)

        def meanwhile(pool: FreshForPostsPool) -> None:
            close(pool)
            if len(replies) == 1:
                replies.append(client.exchange(SEGMENTS, soon()))

        replies.append(client.exchange(SEGMENTS, soon()))
        monkeypatch.setattr(FreshForPostsPool, "close", meanwhile)
        shared.close()
    assert [reply.status for reply in replies] == [200, 200]
