"""The client sends a request once, exactly as meant, and says what became of it."""

from __future__ import annotations

import base64
import contextlib
import gzip
import inspect
import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from customerio_tool.client import MAX_REPLY_BYTES, AnswerLost, Client, failure_of
from customerio_tool.connection import Api, Connection
from customerio_tool.deadline import Deadline
from customerio_tool.errors import ConnectionInvalid, CredentialsRejected, Unreachable
from customerio_tool.transport import new_session
from customerio_tool.wire import Reply, Request, json_of
from tests.loopback import Loopback, Script, answer, says

SITE, TRACK, APP = "site-5e1f77a0", "track-0b9c41d2", "app-77d3e8f6"
SAVED = {"site_id": SITE, "track_api_key": TRACK, "app_api_key": APP}
US, EU = "https://track.customer.io", "https://track-eu.customer.io"
APP_US, APP_EU = "https://api.customer.io", "https://api-eu.customer.io"
WHO = "/api/v1/accounts/region"
PERSON = Request(Api.TRACK, "PUT", "/api/v1/customers/u1", body=b'{"plan":"pro"}')
LOGIN = Request(Api.TRACK, "PUT", "/api/v1/customers/ada%40example.com", body=b"{}")
SEGMENTS = Request(Api.APP, "GET", "/v1/segments")


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def connected(**saved: str) -> Connection:
    return Connection.load({**SAVED, **saved})


def soon() -> Deadline:
    return Deadline(30)


def sent(request: Request, **saved: str) -> Reply:
    client = Client(connected(**saved))
    try:
        return client.exchange(request, soon())
    finally:
        client.close()


# What is sent


def test_track_is_asked_with_site_id_and_key_as_basic_credentials(
    net: responses.RequestsMock,
) -> None:
    net.put(US + PERSON.path)

    sent(PERSON, region="us")

    pair = base64.b64encode(f"{SITE}:{TRACK}".encode()).decode()
    assert net.calls[0].request.headers["Authorization"] == f"Basic {pair}"


def test_app_is_asked_with_its_key_as_bearer(net: responses.RequestsMock) -> None:
    net.get(APP_EU + SEGMENTS.path)

    sent(SEGMENTS, region="eu")

    assert net.calls[0].request.headers["Authorization"] == f"Bearer {APP}"


def test_a_request_carries_its_body_as_it_is_and_says_what_it_is(
    net: responses.RequestsMock,
) -> None:
    net.put(US + PERSON.path)

    sent(PERSON, region="us")

    request = net.calls[0].request
    assert request.body == b'{"plan":"pro"}'
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("customerio-tool")


def test_a_request_without_a_body_names_no_content_type(net: responses.RequestsMock) -> None:
    net.post(US + "/api/v1/customers/u1/suppress")

    sent(Request(Api.TRACK, "POST", "/api/v1/customers/u1/suppress"), region="us")

    assert "Content-Type" not in net.calls[0].request.headers


def test_an_encoded_path_reaches_the_wire_as_it_is() -> None:
    with Loopback([says(answer())]) as server:
        path = "/api/v1/customers/a%2Fb%2Btest%40example.com/events"
        sent(Request(Api.TRACK, "POST", path, body=b"{}"), track_url=server.url)

    assert server.requests[0].startswith(b"POST " + path.encode() + b" HTTP/1.1\r\n")


def test_cookies_are_neither_kept_nor_sent_even_with_a_shared_session() -> None:
    cookie = answer(b"{}", b"Set-Cookie: spy=1; Path=/")
    with Loopback([says(cookie), says(cookie)]) as server, requests.Session() as shared:
        shared.cookies.set("mine", "1", domain="127.0.0.1")
        client = Client(connected(track_url=server.url), session=shared)
        client.exchange(PERSON, soon())
        client.exchange(PERSON, soon())
        kept = list(shared.cookies.keys())

    assert kept == ["mine"]
    assert not any(b"cookie:" in request.lower() for request in server.requests)


def test_the_own_session_keeps_no_cookies() -> None:
    with Loopback([says(answer(b"{}", b"Set-Cookie: spy=1; Path=/"))]) as server:
        session = new_session()
        with session:
            session.get(server.url).close()
        kept = list(session.cookies.keys())

    assert kept == []


def test_the_environment_gives_no_login_and_no_certificates(
    net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.customer.io login spy password spy\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    net.get(APP_US + SEGMENTS.path)

    with requests.Session() as shared:
        Client(connected(region="us"), session=shared).exchange(SEGMENTS, soon())

    request = net.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {APP}"
    assert request.req_kwargs["verify"] is True  # type: ignore[attr-defined]  # responses puts it there


def test_the_proxy_of_the_environment_serves_customer_io_and_not_this_machine(
    net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(scheme, "http://proxy.example:3128")
    net.get(APP_US + SEGMENTS.path)
    net.put("http://127.0.0.1:9" + PERSON.path)

    sent(SEGMENTS, region="us")
    sent(PERSON, track_url="http://127.0.0.1:9")

    used: list[dict[str, str]] = [call.request.req_kwargs["proxies"] for call in net.calls]  # type: ignore[attr-defined]  # responses puts it there
    assert used[0]["https"] == "http://proxy.example:3128"
    assert used[1] == {}


def test_the_ca_file_of_the_connection_is_what_certificates_are_checked_against(
    net: responses.RequestsMock, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("-----BEGIN CERTIFICATE-----\n")
    net.put(US + PERSON.path)

    sent(PERSON, region="us", ca_file=str(ca_file))

    assert net.calls[0].request.req_kwargs["verify"] == str(ca_file)  # type: ignore[attr-defined]  # responses puts it there


def test_a_ca_file_that_went_away_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("-----BEGIN CERTIFICATE-----\n")
    connection = connected(track_url="https://127.0.0.1:9", ca_file=str(ca_file))
    ca_file.unlink()

    with Client(connection) as client, pytest.raises(ConnectionInvalid) as caught:
        client.exchange(PERSON, soon())

    assert [problem.path for problem in caught.value.fields] == ["ca_file"]
    assert str(ca_file) not in str(caught.value)


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/api/v1/customers/u1",
        "http://track-eu.customer.io/api/v1/customers/u1",
        "https://track-eu.customer.io.evil.example/api/v1/customers/u1",
        "https://track-eu.customer.io/elsewhere",
        "https://track.customer.io/api/v1/customers/u1",
        "//[half",
        "http://[half",
        "http://\xff\xfe",
        "",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(
    net: responses.RequestsMock, status: int, location: str
) -> None:
    net.put(US + PERSON.path, status=status, headers={"Location": location})

    assert sent(PERSON, region="us").status == status
    assert len(net.calls) == 1


def test_a_redirect_to_the_other_region_is_followed_once_with_method_and_body(
    net: responses.RequestsMock,
) -> None:
    net.put(US + PERSON.path, status=307, headers={"Location": EU + PERSON.path})
    net.put(EU + PERSON.path, status=307, headers={"Location": US + PERSON.path})

    assert sent(PERSON, region="us").status == 307

    assert [(call.request.method, call.request.url) for call in net.calls] == [
        ("PUT", US + PERSON.path),
        ("PUT", EU + PERSON.path),
    ]
    assert net.calls[1].request.body == PERSON.body


# What comes back


def test_a_reply_is_read_whole_with_its_status_and_headers(net: responses.RequestsMock) -> None:
    body = gzip.compress(b'{"a":1}')
    headers = {"Content-Encoding": "gzip", "Retry-After": "7"}
    net.get(APP_US + SEGMENTS.path, body=body, status=429, headers=headers)

    reply = sent(SEGMENTS, region="us")

    assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, b'{"a":1}', "7")


def test_the_keys_are_masked_wherever_a_reply_repeats_them(net: responses.RequestsMock) -> None:
    pair = base64.b64encode(f"{SITE}:{TRACK}".encode()).decode()
    net.get(APP_US + SEGMENTS.path, body=f"{APP} {TRACK} {pair}", status=401)

    assert sent(SEGMENTS, region="us").body == b"*** *** ***"


def test_a_reply_of_ten_megabytes_is_read(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, body=b"x" * MAX_REPLY_BYTES)

    assert len(sent(SEGMENTS, region="us").body) == MAX_REPLY_BYTES


@pytest.mark.parametrize("packed", [False, True])
def test_a_reply_over_ten_megabytes_is_cut_off(net: responses.RequestsMock, packed: bool) -> None:
    body = b"x" * (MAX_REPLY_BYTES + 1)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    net.get(APP_US + SEGMENTS.path, body=gzip.compress(body) if packed else body, headers=headers)

    with pytest.raises(AnswerLost):
        sent(SEGMENTS, region="us")


def test_an_endless_redirect_is_cut_off_too(net: responses.RequestsMock) -> None:
    body = b"x" * (MAX_REPLY_BYTES + 1)
    net.get(APP_US + SEGMENTS.path, status=302, headers={"Location": "/"}, body=body)

    with pytest.raises(AnswerLost):
        sent(SEGMENTS, region="us")


@pytest.mark.parametrize("encoding", [b"Content-Length: 1000", b"Transfer-Encoding: chunked"])
def test_a_reply_that_trickles_is_given_up_at_the_deadline(encoding: bytes) -> None:
    given_up = threading.Event()
    piece = b"1\r\nx\r\n" if b"chunked" in encoding else b"x"

    def trickle(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + encoding + b"\r\n\r\n" + piece)
        given_up.wait(8)

    ticks = itertools.count()
    with Loopback([trickle]) as server, Client(connected(app_url=server.url)) as client:
        with pytest.raises(AnswerLost, match="too slow"):
            # Each look at the clock takes a second, so that the call has three.
            client.exchange(SEGMENTS, Deadline(3, lambda: float(next(ticks))))
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


def test_a_port_that_nobody_listens_on_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]

    with pytest.raises(Unreachable, match="nothing was sent"):
        sent(PERSON, track_url=f"http://127.0.0.1:{free}")


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
    X.ProxyError: True,
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


@pytest.mark.parametrize(
    "reason",
    [
        urllib3.exceptions.NewConnectionError(_POOL, "refused"),
        urllib3.exceptions.NameResolutionError("host", _POOL, socket.gaierror()),
        urllib3.exceptions.ConnectTimeoutError(_POOL, "slow"),
        urllib3.exceptions.ProxyError("proxy", OSError()),
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


# The region


def told(region: object, status: int = 200) -> dict[str, Any]:
    return {"json": {"url": "x", "region": region, "environment_id": 3}, "status": status}


def urls(net: responses.RequestsMock) -> list[str]:
    return [str(call.request.url) for call in net.calls]


def test_a_region_that_is_not_set_is_asked_for_once_and_remembered(
    net: responses.RequestsMock,
) -> None:
    net.get(US + WHO, **told("eu"))
    net.put(EU + PERSON.path)
    net.get(APP_EU + SEGMENTS.path)

    with Client(connected()) as client:
        client.exchange(PERSON, soon())
        client.exchange(SEGMENTS, soon())
        client.exchange(PERSON, soon())

    assert urls(net) == [US + WHO, EU + PERSON.path, APP_EU + SEGMENTS.path, EU + PERSON.path]


def test_a_set_region_is_not_asked_for(net: responses.RequestsMock) -> None:
    net.put(EU + PERSON.path)

    sent(PERSON, region="eu")

    assert urls(net) == [EU + PERSON.path]


def test_a_host_of_the_operator_makes_the_region_no_matter(net: responses.RequestsMock) -> None:
    net.put("http://127.0.0.1:9" + PERSON.path)

    sent(PERSON, track_url="http://127.0.0.1:9")

    assert urls(net) == ["http://127.0.0.1:9" + PERSON.path]


@pytest.mark.parametrize(
    "first",
    [
        {"status": 401},
        {"status": 503},
        {"status": 302, "headers": {"Location": EU + WHO}},
        {"body": "<html>"},
        {"json": []},
        {"json": {}},
        {"json": {"region": "mars"}},
        {"json": {"region": ["eu"]}},
        {"body": requests.ConnectTimeout()},
        {"body": requests.ReadTimeout()},
    ],
)
def test_where_one_host_does_not_tell_the_region_the_other_is_asked(
    net: responses.RequestsMock, first: dict[str, Any]
) -> None:
    net.get(US + WHO, **first)
    net.get(EU + WHO, **told("eu"))
    net.put(EU + PERSON.path)

    assert sent(PERSON).status == 200


@pytest.mark.parametrize("other", [{"status": 401}, {"body": requests.ConnectTimeout()}])
def test_a_pair_that_a_track_host_refuses_is_wrong_and_nothing_personal_was_sent(
    net: responses.RequestsMock, other: dict[str, Any]
) -> None:
    net.get(US + WHO, status=401)
    net.get(EU + WHO, **other)

    with pytest.raises(CredentialsRejected, match="site_id and track_api_key"):
        sent(LOGIN)

    assert urls(net) == [US + WHO, EU + WHO]


@pytest.mark.parametrize(
    "broken",
    [{"status": 503}, {"json": {}}, {"status": 429}, {"body": requests.ConnectionError("lost")}],
)
def test_a_region_that_nobody_tells_is_never_guessed(
    net: responses.RequestsMock, broken: dict[str, Any]
) -> None:
    net.get(US + WHO, **broken)
    net.get(EU + WHO, **broken)

    with Client(connected()) as client:
        with pytest.raises(Unreachable, match="nothing else was sent"):
            client.exchange(LOGIN, soon())
        assert urls(net) == [US + WHO, EU + WHO]

        net.replace("GET", US + WHO, **told("us"))
        net.put(US + LOGIN.path)
        assert client.exchange(LOGIN, soon()).status == 200


def test_the_probe_of_the_region_carries_credentials_only(net: responses.RequestsMock) -> None:
    net.get(US + WHO, **told("us"))
    net.put(US + LOGIN.path)

    sent(LOGIN)

    probe = net.calls[0].request
    assert (probe.method, probe.body) == ("GET", None)


def app_only() -> Client:
    return Client(Connection.load({"app_api_key": APP}, apis=[Api.APP]))


@pytest.mark.parametrize("known", [200, 403])
def test_an_app_key_is_looked_for_on_both_hosts(net: responses.RequestsMock, known: int) -> None:
    net.get(APP_US + SEGMENTS.path, status=401)
    net.get(APP_EU + SEGMENTS.path, status=known)
    net.get(APP_EU + "/v1/campaigns")

    with app_only() as client:
        client.exchange(Request(Api.APP, "GET", "/v1/campaigns"), soon())

    assert urls(net)[-1] == APP_EU + "/v1/campaigns"


def test_an_app_key_that_both_hosts_refuse_is_wrong(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, status=401)
    net.get(APP_EU + SEGMENTS.path, status=401)

    with app_only() as client, pytest.raises(CredentialsRejected, match="app_api_key"):
        client.exchange(SEGMENTS, soon())


def test_an_app_key_that_only_one_host_refuses_may_be_right(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, status=401)
    net.get(APP_EU + SEGMENTS.path, body=requests.ConnectTimeout())

    with app_only() as client, pytest.raises(Unreachable):
        client.exchange(SEGMENTS, soon())


def test_a_connection_for_one_api_asks_nothing_for_the_other(net: responses.RequestsMock) -> None:
    with app_only() as client, pytest.raises(ConnectionInvalid, match="site_id"):
        client.exchange(PERSON, soon())

    assert not net.calls


def _meeting(barrier: threading.Barrier) -> Callable[[Any], tuple[int, dict[str, str], str]]:
    def answered(_: Any) -> tuple[int, dict[str, str], str]:
        with contextlib.suppress(threading.BrokenBarrierError):  # nobody else asks, as it should be
            barrier.wait(0.2)
        return 200, {}, '{"region":"eu"}'

    return answered


def test_threads_that_need_the_region_at_once_ask_once(net: responses.RequestsMock) -> None:
    net.add_callback("GET", US + WHO, callback=_meeting(threading.Barrier(2)))
    together = threading.Barrier(8)

    with Client(connected()) as client, ThreadPoolExecutor(8) as pool:

        def ask(_: int) -> str:
            together.wait(5)
            return client.region(Api.TRACK, soon())

        assert set(pool.map(ask, range(8))) == {"eu"}

    assert urls(net) == [US + WHO]


def test_json_survives_the_way(net: responses.RequestsMock) -> None:
    net.get(APP_US + SEGMENTS.path, json={"segments": None})

    assert json_of(sent(SEGMENTS, region="us")) == {"segments": None}
