"""Connections that keep the deadline of a call: they read, send and connect no longer than it."""

from __future__ import annotations

import http.client
import io
import math
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import wait_for_read, wait_for_write
from urllib3.util.connection import allowed_gai_family

from customerio_tool.connection.abandoning import unless_cancelled
from customerio_tool.connection.quiet import silence
from customerio_tool.deadline import Deadline


class Exchange:
    """One exchange of this thread.

    Args:
        deadline: When it must have ended.
        repeats: Whether its request may be sent again if the outcome is unknown.
    """

    has_begun: bool | None = None
    """Whether the first byte of the request may have been sent; None if no connection of ours
    observes it, as with a test double."""

    def __init__(self, deadline: Deadline, repeats: bool = False) -> None:
        self.deadline = deadline
        self.repeats = repeats


class _InForce(threading.local):
    exchange: Exchange | None = None


_in_force = _InForce()


def exchange_in_force() -> Exchange | None:
    """Return the exchange of this thread, if there is one."""
    return _in_force.exchange


def _deadline_in_force() -> Deadline | None:
    exchange = _in_force.exchange
    return exchange.deadline if exchange else None


class in_force:  # noqa: N801 - it is called like the functions of contextlib, at a tenth of the cost
    """Apply the deadline of an exchange to this thread inside the `with` block.

    This works for sessions of `new_session` only. In others each read has the full timeout anew,
    and `has_begun` stays None.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        _in_force.exchange = self._exchange

    def __exit__(self, *_: object) -> None:
        _in_force.exchange = None


def has_decrypted(sock: Any) -> bool:
    """Whether TLS has decrypted bytes that the socket no longer shows."""
    pending: Callable[[], int] | None = getattr(sock, "pending", None)
    return pending is not None and pending() > 0


def set_timeout(sock: Any, seconds: float) -> None:
    """Set the timeout of a socket, in seconds; a call of the kernel, so only where it changes."""
    if sock.gettimeout() != seconds:
        sock.settimeout(seconds)


class _BoundedReads(io.RawIOBase):
    """The raw reader of a socket, with the deadline applied to each read."""

    def __init__(self, sock: Any, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self.has_ended = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the bytes that are there, or wait for some, at most until the deadline."""
        if self.has_ended:
            return None
        if deadline := _deadline_in_force():
            if deadline.can_be_cancelled:
                if deadline.was_cancelled_meanwhile():
                    raise TimeoutError("the call was cancelled")
                self._wait(deadline, self._room(deadline))
            set_timeout(self._sock, self._room(deadline))
        return self._raw.readinto(buffer)

    def _room(self, deadline: Deadline) -> float:
        """Return the seconds that one read may take."""
        if not (left := deadline.left()):
            raise TimeoutError("the deadline has passed")
        timeout: float | None = self._sock.gettimeout()
        return left if timeout is None else min(timeout, left)

    def _wait(self, deadline: Deadline, room: float) -> None:
        """Wait for bytes in slices, between which the host may cancel the call.

        A timeout of the socket itself could not be told from a signal handler's `TimeoutError`.
        """
        while (part := deadline.slice_of(room)) < room:
            if has_decrypted(self._sock) or wait_for_read(self._sock, timeout=part):
                return
            if deadline.is_cancelled():
                raise TimeoutError("the call was cancelled")
            room -= part

    def close(self) -> None:
        """Close the reader below, which releases the socket."""
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """An answer; once it is closed, `is_followed` says whether more had come with it."""

    is_followed = False

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reads = _BoundedReads(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._reads)

    def _close_conn(self) -> None:
        self._reads.has_ended = True  # to peek shows what is buffered, and reads no more
        self.is_followed = bool(self.fp.peek())
        super()._close_conn()  # type: ignore[misc]  # untyped

    def _read_status(self) -> tuple[str, int, str]:
        """Skip the informational 102 and 103, which `http.client` takes for the final status."""
        read: Callable[[], tuple[str, int, str]] = super()._read_status  # type: ignore[misc]  # untyped
        version, status, reason = read()
        while HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
            http.client.parse_headers(self.fp)
            version, status, reason = read()
        return version, status, reason


SHORT = 16_384
"""Bytes that the kernel takes at once, and that are not worth a call of it of their own."""


class PunctualConnection(HTTPConnection):
    """A connection that sends nothing after the deadline.

    Every failure to connect, also in TLS or a proxy's tunnel, raises `NewConnectionError` or
    `ConnectTimeoutError`: proof that the request was not sent.
    """

    response_class = _BoundedResponse
    short_sends_within = math.inf
    """The most seconds to send the next request, which is short: the kernel takes it at once."""

    _is_connecting = False
    _held: list[bytes] | None = None

    def connect(self) -> None:
        """Connect, and note a failure as proof that nothing was sent."""
        self._is_connecting = True
        try:
            if (exchange := _in_force.exchange) and exchange.deadline.can_be_cancelled:
                unless_cancelled(
                    partial(self._connect_under, exchange.deadline), self.close, exchange.deadline
                )
            else:
                super().connect()
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: urllib3 1
            self.close()  # urllib3 may leave a socket whose peer was not verified
            raise NewConnectionError(self, "no connection was made") from error
        finally:
            self._is_connecting = False
        if (deadline := _deadline_in_force()) and deadline.passed():
            self.close()
            raise ConnectTimeoutError(self, "the deadline has passed")

    def _connect_under(self, deadline: Deadline) -> None:
        """Connect in another thread, whose exchange is not that of the call.

        So a thread that goes on after a cancellation changes nothing of the call.
        """
        with silence(), in_force(Exchange(deadline)):
            super().connect()

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request, and give all the time left to sending it.

        urllib3 would send a long body under the connect timeout.
        """
        if self.sock and (deadline := _deadline_in_force()):
            if not (left := deadline.left()):
                raise ConnectTimeoutError(self, "the deadline has passed")
            set_timeout(self.sock, min(left, self.short_sends_within))
        super().putrequest(*args, **kwargs)

    def end_with(self, body: bytes | None) -> None:
        """End the headers, and send them in one piece with a body that is not long.

        `http.client` would send both apart, which takes twice the time in the kernel.
        """
        if not body or len(body) > SHORT:
            self.endheaders(body or None)
            return
        self._held = []
        try:
            self.endheaders(body)
            whole = b"".join(self._held)
        finally:
            self._held = None
        self.send(whole)

    def send(self, data: Any) -> None:
        """Send a part of the request, and note before it that the request has begun.

        The bytes that open a proxy's tunnel are no part of the request.
        """
        if self._held is not None:
            self._held.append(data)
            return
        if self.sock is None and self.auto_open:
            self.connect()
        if not self._is_connecting and (exchange := _in_force.exchange):
            exchange.has_begun = True
            can_be_cancelled = exchange.deadline.can_be_cancelled
            if can_be_cancelled and isinstance(data, bytes) and len(data) > SHORT:
                self._send_in_parts(data, exchange.deadline)
                return
        super().send(data)

    def _send_in_parts(self, data: bytes, deadline: Deadline) -> None:
        """Send what the host may cancel in between, also where the server stops to read."""
        left = memoryview(data)
        while left:
            if deadline.was_cancelled_meanwhile() or deadline.passed():
                raise TimeoutError("the call was cancelled, or its deadline has passed")
            if wait_for_write(self.sock, timeout=deadline.slice_of(deadline.left())):
                left = left[self.sock.send(left) :]

    def _new_conn(self) -> socket.socket:
        """Try the host's addresses in turn until the deadline; urllib3 knows no common limit."""
        if (deadline := _deadline_in_force()) is None:
            return super()._new_conn()
        host, timeout = self._dns_host, self.timeout
        failure: Exception = ConnectTimeoutError(self, "the deadline has passed")
        name = host.strip("[]")  # a proxy's IPv6 address comes in brackets
        found = socket.getaddrinfo(name, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        try:
            for *_, address in found:
                if not (left := deadline.left()):
                    break
                self._dns_host = str(address[0])
                self.timeout = left if timeout is None else min(timeout, left)
                try:
                    made = super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
                else:
                    # The timeout of the TLS handshake and of a proxy's tunnel, which follow.
                    made.settimeout(min(self.timeout, deadline.left()))
                    return made
        finally:
            self._dns_host, self.timeout = host, timeout
        raise failure


class PunctualTlsConnection(PunctualConnection, HTTPSConnection):
    """The same over TLS."""

    @property
    def is_connected(self) -> bool:
        """Whether the server still holds the connection.

        A new one has the server's tickets of TLS 1.3 to read, which urllib3 takes for its end.
        """
        return super().is_connected or (self.sock is not None and self._has_tickets_alone())

    def _has_tickets_alone(self) -> bool:
        before = self.sock.gettimeout()
        self.sock.settimeout(0.0)
        try:
            self.sock.recv(1)
        except ssl.SSLWantReadError:  # the tickets were read, and nothing else is there
            return True
        except OSError:
            pass
        finally:
            self.sock.settimeout(before)
        return False
