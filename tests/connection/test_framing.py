"""Where an answer ends is told by its headers; where they contradict each other, nobody guesses."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable

import pytest
import requests

from customerio_tool.connection.client import Client
from customerio_tool.connection.failures import AnswerLost
from customerio_tool.connection.transport import new_session
from tests.support.clients import SEGMENTS, connected, sent, soon
from tests.support.loopback import Loopback, Script, says

LISTED = b'{"segments":[]}'
PACKED = gzip.compress(LISTED)
CHUNKS = b"f\r\n" + LISTED + b"\r\n0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


def kept(*headers: bytes, body: bytes = LISTED, status: bytes = b"200 OK") -> bytes:
    """An answer after which the connection is kept."""
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", body])


def length(number: int) -> bytes:
    return b"Content-Length: %d" % number


def mute(reply: bytes) -> Script:
    """A script that says no more, and waits until the client hangs up."""

    def script(peer: socket.socket) -> None:
        peer.sendall(reply)
        peer.recv(1)

    return script


CONTRADICTING = {
    "the right one first": (length(15), length(20)),
    "a longer one first": (length(20), length(15)),
    "a shorter one first": (length(5), length(15)),
    "none first": (length(0), length(15)),
    "in one line": (b"Content-Length: 15, 20",),
    "a word": (b"Content-Length: 15, x",),
    "too many digits": (b"Content-Length: " + b"9" * 5_000, length(15)),
}


@pytest.mark.parametrize("headers", CONTRADICTING.values(), ids=CONTRADICTING.keys())
@pytest.mark.parametrize("end", [says, mute], ids=["hangs up", "keeps the connection"])
def test_an_answer_with_contradicting_lengths_is_no_success(
    headers: tuple[bytes, ...], end: Callable[[bytes], Script]
) -> None:
    with Loopback([end(kept(*headers))]) as server, pytest.raises(AnswerLost):
        sent(SEGMENTS, app_url=server.url)


def test_a_packed_answer_with_contradicting_lengths_is_no_success_either() -> None:
    gzipped = kept(b"Content-Encoding: gzip", length(len(PACKED)), length(3), body=PACKED)
    with Loopback([mute(gzipped)]) as server, pytest.raises(AnswerLost):
        sent(SEGMENTS, app_url=server.url)


@pytest.mark.parametrize("coding", [b"identity", b"gzip"])
@pytest.mark.parametrize(
    "form", [b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length: %d, %d"]
)
def test_a_length_that_is_said_twice_is_one(form: bytes, coding: bytes) -> None:
    body = PACKED if coding == b"gzip" else LISTED
    reply = kept(b"Content-Encoding: " + coding, form % (len(body), len(body)), body=body)
    with Loopback([mute(reply)]) as server:
        assert sent(SEGMENTS, app_url=server.url).body == LISTED


UNCLEAR = {
    "chunks and a length": kept(CHUNKED, length(15), body=CHUNKS),
    "a coding that hides the chunks": kept(
        b"Transfer-Encoding: identity, chunked", length(len(CHUNKS)), body=CHUNKS
    ),
    "an unknown coding": kept(b"Transfer-Encoding: x", length(15)),
    "a body where none may be": kept(length(15), status=b"204 No Content", body=b""),
    "chunks where none may be": kept(CHUNKED, status=b"204 No Content", body=b""),
}


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_a_connection_is_not_used_again_where_its_answer_has_no_clear_end(reply: bytes) -> None:
    """What follows could be the rest of it, and be taken for the next answer."""
    with (
        Loopback([mute(reply), mute(kept(length(15)))]) as server,
        Client(connected(app_url=server.url)) as client,
    ):
        client.exchange(SEGMENTS, soon())
        assert client.exchange(SEGMENTS, soon()).body == LISTED
    assert len(server.requests) == 2


def test_a_coding_is_found_behind_one_without_a_name() -> None:
    headers = b"Content-Encoding:", b"Content-Encoding: gzip", length(len(PACKED))
    with Loopback([mute(kept(*headers, body=PACKED))]) as server, pytest.raises(AnswerLost):
        sent(SEGMENTS, app_url=server.url)


def with_a_long_name(packed: bytes) -> bytes:
    """The same for gzip, but for a head of 100 KB, which unpacks to nothing."""
    assert not packed[3]
    return packed[:3] + b"\x08" + packed[4:10] + b"n" * 100_000 + b"\0" + packed[10:]


@pytest.mark.parametrize("session", [new_session, requests.Session], ids=["ours", "a caller's"])
def test_a_packed_answer_is_read_to_its_end_however_late_its_first_byte_unpacks(
    session: Callable[[], requests.Session],
) -> None:
    body = with_a_long_name(PACKED)
    reply = kept(b"Content-Encoding: gzip", length(len(body)), body=body)
    with (
        Loopback([mute(reply)]) as server,
        session() as shared,
        Client(connected(app_url=server.url), session=shared) as client,
    ):
        assert client.exchange(SEGMENTS, soon()).body == LISTED


@pytest.mark.parametrize("form", [(length(15), LISTED), (CHUNKED, CHUNKS)], ids=["long", "chunked"])
def test_a_connection_is_not_used_again_where_more_came_than_its_answer(
    form: tuple[bytes, bytes],
) -> None:
    header, body = form

    def begins_another(peer: socket.socket) -> None:
        peer.sendall(kept(header, body=body) + b"HTTP/1.1 200 OK\r\nConte")
        if peer.recv(65_536):
            peer.sendall(b"nt-Length: 0\r\n\r\n")

    with (
        Loopback([begins_another, mute(kept(length(15)))]) as server,
        Client(connected(app_url=server.url)) as client,
    ):
        for _ in range(2):
            assert client.exchange(SEGMENTS, soon()).body == LISTED
