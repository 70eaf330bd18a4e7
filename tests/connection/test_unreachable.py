"""An unreachable Customer.io is told with its host and the cause, and with what mends it."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import pytest
import requests
import urllib3.exceptions
from urllib3.util.ssl_match_hostname import CertificateError

from customerio_tool import Clock, CustomerIoTool, Sandbox, Timeouts
from customerio_tool.connection.causes import Way, cause_of, host_of
from customerio_tool.subtools import subtools
from tests.support.clients import APP, SAVED, SITE, TRACK, example_of
from tests.support.loopback import Loopback, nobody_listening

pytestmark = pytest.mark.usefixtures("without_proxies")

READ, WRITE = "get_segment", "track_event"


def on(url: str) -> dict[str, str]:
    return {**SAVED, "track_url": url, "app_url": url}


@contextmanager
def closed_port() -> Iterator[dict[str, str]]:
    with nobody_listening() as url:
        yield on(url)


@contextmanager
def self_signed() -> Iterator[dict[str, str]]:
    with Sandbox(tls=True) as server:
        yield {name: value for name, value in server.connection().items() if name != "ca_file"}


@contextmanager
def plain_http() -> Iterator[dict[str, str]]:
    with Sandbox() as server:
        yield on(server.track_url.replace("http://", "https://"))


@contextmanager
def proxied(proxy: str) -> Iterator[dict[str, str]]:
    with mock.patch.dict("os.environ", {"HTTPS_PROXY": proxy}):
        yield {**SAVED, "region": "us"}


@contextmanager
def dead_proxy() -> Iterator[dict[str, str]]:
    with nobody_listening() as url, proxied(url.replace("//", "//me:pass-4711@")) as saved:
        yield saved


@contextmanager
def proxy_that_answers(status: bytes) -> Iterator[dict[str, str]]:
    reply = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"
    scripts = [lambda peer: peer.sendall(reply)] * 6
    with Loopback(scripts) as server, proxied(server.url.replace("//", "//me:pass-4711@")) as saved:
        yield saved


CASES: dict[str, tuple[Callable[[], Any], str, str, str]] = {
    "a closed port": (closed_port, "127.0.0.1:", "refuses connections", "wait"),
    "a self-signed certificate": (self_signed, "127.0.0.1:", "certificate", "ask_user"),
    "a server without TLS": (plain_http, "127.0.0.1:", "TLS", "ask_user"),
    "a dead proxy": (dead_proxy, "the proxy 127.0.0.1:", "refuses connections", "wait"),
    "a proxy without a name": (
        lambda: proxied("http://me:pass-4711@proxy.invalid:3128"),
        "the proxy proxy.invalid:3128",
        "DNS",
        "ask_user",
    ),
    "a proxy with a password": (
        lambda: proxy_that_answers(b"407 Proxy Authentication Required"),
        "the proxy 127.0.0.1:",
        "password",
        "ask_user",
    ),
    "a proxy that forbids": (
        lambda: proxy_that_answers(b"403 Forbidden"),
        "customer.io (HTTP 403)",
        "does not connect",
        "ask_user",
    ),
    "a proxy without a way": (
        lambda: proxy_that_answers(b"502 Bad Gateway"),
        "customer.io (HTTP 502)",
        "does not connect",
        "wait",
    ),
    "a broken proxy URL": (
        lambda: proxied("http://"),
        "the URL of the proxy",
        "invalid",
        "ask_user",
    ),
    **{
        f"a proxy URL that is {what}": (
            partial(proxied, url),
            "the URL of the proxy",
            "invalid",
            "ask_user",
        )
        for what, url in {
            "without a host": "http://me:pass-4711@",
            "no URL": "ht!tp://me:pass-4711@x",
            "of a password with a slash": "http://me:pass-4711/x@127.0.0.1:3128",
            "of a password with a hash": "http://me:pass-4711#x@127.0.0.1:3128",
            "of a port that is none": "http://me:pass-4711@127.0.0.1:99999",
            "without a host and a password": "http://:3128",
            "of a host with a space": "http://me:pass-4711@a b:3128",
        }.items()
    },
    "a dead proxy by IPv6": (
        lambda: proxied("http://me:pass-4711@[::1]:1"),
        "the proxy [::1]:1",
        "refuses connections",
        "wait",
    ),
    "a SOCKS proxy": (
        lambda: proxied("socks5://me:pass-4711@127.0.0.1:1"),
        "the proxy 127.0.0.1:1",
        "PySocks",
        "ask_user",
    ),
}
PRIVATE = (SITE, TRACK, APP, "pass-4711", "u1", "segments/", "/api/")


@pytest.mark.parametrize("name", [READ, WRITE])
@pytest.mark.parametrize("case", CASES)
def test_a_call_says_host_and_cause_in_result_and_log(
    case: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    make, host, cause, next_step = CASES[case]

    with make() as saved, CustomerIoTool(saved, clock=Clock(sleep=lambda _: None)) as tool:
        result = tool.call(name, example_of(name))

    assert (result["error"]["code"], result["error"]["took_effect"]) == ("unreachable", "no")
    assert result["error"]["next_step"] == next_step
    for told in (result["summary"], caplog.records[-1].getMessage()):
        assert host in told
        assert cause in told
        assert not [word for word in PRIVATE if word in told]


@pytest.mark.parametrize("case", CASES)
def test_the_check_says_host_and_cause(case: str) -> None:
    make, host, cause, _ = CASES[case]

    with make() as saved, CustomerIoTool(saved) as tool:
        result = tool.test_connection()

    assert result["ok"] is False
    for told in (result["summary"], result["track"]["problem"], result["app"]["problem"]):
        assert host in told
        assert cause in told
        assert not [word for word in PRIVATE if word in told]


@pytest.mark.parametrize("case", ["a self-signed certificate", "a proxy without a name"])
def test_every_subtool_asks_the_user_where_waiting_mends_nothing(case: str) -> None:
    with CASES[case][0]() as saved, CustomerIoTool(saved, clock=Clock(sleep=lambda _: None)) as it:
        results = {name: it.call(name, example_of(name)) for name in subtools()}

    assert {result["error"]["next_step"] for result in results.values()} == {"ask_user"}
    assert {result["error"]["took_effect"] for result in results.values()} == {"no"}


def test_a_region_that_cannot_be_read_for_a_certificate_asks_the_user() -> None:
    refused = mock.patch.object(
        requests.adapters.HTTPAdapter,
        "send",
        side_effect=requests.exceptions.SSLError(ssl.SSLCertVerificationError("no")),
    )
    with refused, CustomerIoTool(SAVED, clock=Clock(sleep=lambda _: None)) as tool:
        result = tool.call(READ, example_of(READ))

    assert result["error"]["next_step"] == "ask_user"
    assert "track.customer.io" in result["summary"]
    assert "Try again" not in result["summary"]


def test_a_silent_server_is_named() -> None:
    def silent(peer: socket.socket) -> None:
        peer.recv(1)

    with Loopback([silent] * 9) as server:
        saved, short = on(server.url), Timeouts(connect=5, read=0.05)
        with CustomerIoTool(saved, timeouts=short, clock=Clock(sleep=lambda _: None)) as tool:
            read, check = tool.call(READ, example_of(READ)), tool.test_connection()

    host = server.url.removeprefix("http://")
    for told in (read["summary"], check["summary"]):
        assert f"did not answer in time ({host})" in told
    assert read["error"]["next_step"] == "wait"


def chained(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


def during(outer: BaseException, inner: BaseException) -> BaseException:
    """Return an exception as urllib3 1 raises it: while another one is handled."""
    outer.__context__ = inner
    return outer


def refused_by(pool: Any = None) -> urllib3.exceptions.NewConnectionError:
    return urllib3.exceptions.NewConnectionError(pool, "x")


@pytest.mark.parametrize(
    ("error", "words", "next_step"),
    [
        (chained(refused_by(), socket.gaierror(socket.EAI_NONAME, "x")), "DNS", "ask_user"),
        (during(refused_by(), socket.gaierror(socket.EAI_NONAME, "x")), "DNS", "ask_user"),
        (chained(refused_by(), socket.gaierror(socket.EAI_AGAIN, "x")), "DNS", "wait"),
        (during(refused_by(), ConnectionRefusedError(111, "x")), "refuses", "wait"),
        (chained(refused_by(), OSError(113, "No route")), "no route", "wait"),
        (requests.ConnectTimeout(), "in time", "wait"),
        (chained(refused_by(), TimeoutError("x")), "in time", "wait"),
        (chained(refused_by(), ConnectionResetError(104, "x")), "broke", "wait"),
        (chained(refused_by(), ssl.SSLEOFError(8, "x")), "broke", "wait"),
        (chained(refused_by(), ssl.SSLError(1, "WRONG_VERSION")), "TLS", "ask_user"),
        (CertificateError("hostname 'a' doesn't match 'b'"), "certificate", "ask_user"),
        (urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("x")), "certificate", "ask_user"),
        (urllib3.exceptions.ProxyError("x", TimeoutError("x")), "proxy p.example", "wait"),
        (OSError("something"), "no connection to api.example", "wait"),
    ],
)
def test_the_cause_is_told_from_the_types_of_either_urllib3(
    error: BaseException, words: str, next_step: str
) -> None:
    pool = urllib3.exceptions.MaxRetryError(mock.Mock(), "/private/path", error)  # type: ignore[arg-type]
    for wrapped in (error, requests.ConnectionError(pool)):
        cause = cause_of(wrapped, Way("api.example", "p.example"))
        assert words in cause.words
        assert cause.next_step == next_step
        assert "private" not in cause.words


def test_an_exception_that_the_host_handles_meanwhile_is_no_cause() -> None:
    error = during(requests.ConnectionError("of ours"), ConnectionRefusedError(111, "of the host"))

    assert "refuses" not in cause_of(error, Way("api.example")).words


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.customer.io", "api.customer.io"),
        ("http://me:secret@proxy.example:3128/private?x=1", "proxy.example:3128"),
        ("me:secret@proxy.example:3128", "proxy.example:3128"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://[oops", "an unnamed host"),
        ("http://h:notaport", "an unnamed host"),
    ],
)
def test_a_host_is_named_without_what_is_private(url: str, host: str) -> None:
    assert host_of(url) == host
