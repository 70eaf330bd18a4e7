"""Promises of how a request goes to the wire: its headers and a short body in one piece."""

from __future__ import annotations

import http.client

import pytest

from customerio_tool.connection.punctual import PunctualConnection


class Wire:
    """A socket that keeps each piece that it is given."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.pieces.append(bytes(data))

    def settimeout(self, seconds: float | None) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def connection(wire: Wire) -> PunctualConnection:
    made = PunctualConnection("127.0.0.1", 1)
    made.sock = wire  # all that a request needs of one
    made.putrequest("PUT", "/a", skip_accept_encoding=True)
    return made


@pytest.mark.parametrize(
    ("body", "pieces"), [(b"", 1), (None, 1), (b"{}", 1), (b"x" * 16_384, 1), (b"x" * 16_385, 2)]
)
def test_a_short_body_goes_with_the_headers_and_a_long_one_after_them(
    connection: PunctualConnection, wire: Wire, body: bytes | None, pieces: int
) -> None:
    connection.end_with(body)

    assert len(wire.pieces) == pieces
    assert b"".join(wire.pieces) == b"PUT /a HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n" + (body or b"")


def test_what_could_not_be_sent_is_not_sent_with_the_next_request(
    connection: PunctualConnection, wire: Wire
) -> None:
    connection.end_with(b"{}")
    with pytest.raises(http.client.CannotSendHeader):
        connection.end_with(b"[]")
    connection.send(b"more")

    assert [piece.rpartition(b"\r\n")[2] for piece in wire.pieces] == [b"{}", b"more"]
