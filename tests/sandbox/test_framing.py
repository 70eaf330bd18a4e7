"""Where one request ends and the next begins: what leaves a doubt is refused and hung up."""

from __future__ import annotations

import base64
import socket
from urllib.parse import urlsplit

import pytest

from customerio_tool.sandbox import Sandbox
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

CREDENTIAL = base64.b64encode(b"sandbox-site:sandbox-track-key").decode()
PUT = (
    "PUT /api/v1/customers/framed HTTP/1.1\r\n"
    f"Host: localhost\r\nConnection: close\r\nAuthorization: Basic {CREDENTIAL}\r\n"
)
SMUGGLED = "DELETE /api/v1/customers/u1 HTTP/1.1\r\n" + PUT.partition("\r\n")[2] + "\r\n"


def exchange(sandbox: Sandbox, request: str) -> bytes:
    """Send the bytes and read until the sandbox hangs up."""
    where = urlsplit(sandbox.track_url)
    with socket.create_connection(
        (where.hostname or "", where.port or 0), timeout=PATIENCE
    ) as sock:
        sock.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize(
    "rest",
    [
        f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Content-Length: 0\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
        f"Content-Length : {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
        f"no colon\r\nContent-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
        f"Host: other.example\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: gzip\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{{}}\r\n0\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: chunked\r\n\r\n-2\r\n\r\n{SMUGGLED}",
        f"Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}x0\r\n\r\n{SMUGGLED}",
    ],
)
def test_a_request_whose_end_is_in_doubt_is_400_and_hung_up(api: Api, rest: str) -> None:
    """RFC 9112 sections 3.2, 5.1, 6.1 to 6.3 and 7.1: nothing behind it is taken for a request."""
    answer = exchange(api.sandbox, PUT.replace("Connection: close\r\n", "") + rest)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert api.sandbox.requests() == []
    assert api.person("u1")


def test_a_repeated_length_that_agrees_is_one_length(api: Api) -> None:
    """RFC 9112 section 6.3 allows it."""
    answer = exchange(api.sandbox, f"{PUT}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_type_that_is_not_json_casts_no_doubt_on_the_end(api: Api) -> None:
    """The standard library reads headers as mail does, and misses the parts of a multipart."""
    form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2\r\n\r\n{}"
    assert exchange(api.sandbox, PUT + form).startswith(b"HTTP/1.1 200 ")


def test_a_client_may_wait_for_leave_to_send_its_body(api: Api) -> None:
    """RFC 9110 section 10.1.1: curl does with bodies over a megabyte."""
    answer = exchange(api.sandbox, f"{PUT}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


@pytest.mark.parametrize("gap", ["\t", "  "])
def test_an_odd_gap_in_the_request_line_is_one_gap(api: Api, gap: str) -> None:
    """RFC 9112 section 3 lets a server be lenient."""
    line, _, rest = PUT.partition("\r\n")
    answer = exchange(api.sandbox, f"{line.replace(' ', gap)}\r\n{rest}Content-Length: 0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("api_with", [{"max_body": 10}], indirect=True)
def test_a_body_over_the_cap_is_refused_before_it_is_sent(api_with: Api) -> None:
    """A client that waits for the answer first gets it."""
    answer = exchange(api_with.sandbox, f"{PUT}Content-Length: 99999999999999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "BREW"])
def test_a_method_that_nothing_serves_is_501_and_hung_up(api: Api, method: str) -> None:
    answer = exchange(api.sandbox, f"{method} /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 501 ")


def test_asking_after_the_server_itself_is_501_too(api: Api) -> None:
    answer = exchange(
        api.sandbox, "HEAD * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 501 ")


def test_health_can_be_asked_for_its_head(api: Api) -> None:
    """What waits for a server to be up often asks no more."""
    head = "HEAD /_sandbox/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = exchange(api.sandbox, head)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")
