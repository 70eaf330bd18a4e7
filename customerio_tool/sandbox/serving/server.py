"""HTTP/1.1: reads a whole request, asks the application, sends the answer.

``wire_faults`` answers the requests that a fault hits.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Generator, Iterable
from contextlib import closing, suppress
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Condition, Thread
from time import monotonic
from typing import Any

from ..api.control import private
from ..limits import is_digits
from ..refusal import Refused
from ..store.store import StoreClosed
from . import access, wire_faults
from .application import Application
from .http import Reply, Request, app_errors, json_reply
from .pages import Pages

_LOG = logging.getLogger(__name__)
_HANDSHAKE_SECONDS = 10.0
_STOP_SECONDS = 5.0
_HANG_UP_SECONDS = 2.0
_CHUNK = 65536
LOOPBACK = "127.0.0.1"
EVERYWHERE = ("", "0.0.0.0")  # noqa: S104 - to tell it from an address that clients can use
_HEADER_DEFECTS = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


class CannotListen(OSError):
    """The address of a server is taken, or is none of this machine's; `filename` is the address."""


class Server(ThreadingHTTPServer):
    """The listening socket and its connections, each in its own daemon thread."""

    request_queue_size = 512
    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, host: str, port: int, application: Application, tls: ssl.SSLContext | None
    ) -> None:
        self.application = application
        self._tls = tls
        self._live: set[socket.socket] = set()
        self._idle = Condition()
        self._stopping = False
        try:
            super().__init__((host, port), Connection)
        except OSError as error:
            raise CannotListen(error.errno, error.strerror, f"{host}:{port}") from None
        name = LOOPBACK if host in EVERYWHERE else host
        self.origin = f"{'http' if tls is None else 'https'}://{name}:{self.port}"
        self.pages = Pages(application, self.origin)
        self._acceptor = Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def server_bind(self) -> None:
        """Bind without the stdlib's look-up of the host name: without DNS, that takes seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.port

    @property
    def port(self) -> int:
        """The port of the listening socket."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Start to accept connections."""
        self._acceptor.start()

    def stop(self) -> None:
        """Stop accepting, cut every connection, and wait for requests that are being applied."""
        self.application.end_waits()
        _cut(self.socket)  # wakes the acceptor at once on Linux, elsewhere its next poll does
        self.shutdown()
        self._acceptor.join()
        self.server_close()
        deadline = monotonic() + _STOP_SECONDS
        with self._idle:
            self._stopping = True
            for live in self._live:
                _cut(live)
            while self._live and monotonic() < deadline:
                self._idle.wait(deadline - monotonic())

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in its own thread, which also does the TLS handshake."""
        request.settimeout(_HANDSHAKE_SECONDS)
        sock = request
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(request, server_side=True)
        except OSError:  # ssl.SSLError is one: no TLS client, or one that does not trust the CA
            return
        with self._idle:
            self._live.add(sock)
            if self._stopping:
                _cut(sock)
        try:
            super().finish_request(sock, client_address)
        finally:
            with self._idle:
                self._live.discard(sock)
                self._idle.notify_all()
            if sock is not request:
                _cut(sock)
                sock.close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - stdlib
        """Log a broken connection without a traceback on stderr: it is the client's affair."""
        _LOG.debug("connection ended", exc_info=True)


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        sock.shutdown(socket.SHUT_RDWR)


class Connection(BaseHTTPRequestHandler):
    """One kept-alive connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Set the idle timeout."""
        super().setup()
        self.connection.settimeout(self.server.application.options.idle_timeout)

    @property
    def request_socket(self) -> socket.socket:
        """The socket; the stdlib's attribute has no type."""
        sock: socket.socket = self.connection
        return sock

    def send(self, data: bytes) -> None:
        """Write all the bytes."""
        self.request_socket.sendall(data)

    def _serve(self) -> None:
        try:
            body = self._read_body()
        except Refused as refused:
            return self._hang_up(refused)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self._target(), headers, body)
        application = self.server.application
        if self.server.pages.has(request):
            return self._show(request)
        try:
            access.check_page(application.options, request)
        except Refused as refused:
            return self.send(self.encode(private(app_errors(refused))))
        try:
            request = application.with_fault(request)
            if request.fault is not None:
                return wire_faults.serve(request, request.fault, self)
            return self.send(self.encode(application.handle(request)))
        except Refused as refused:
            return self.send(self.encode(app_errors(refused)))
        except StoreClosed:
            self.close_connection = True

    def _show(self, request: Request) -> None:
        """Answer with a page of the console, or with a stream until the client leaves."""
        try:
            page = self.server.pages.serve(request)
        except StoreClosed:
            self.close_connection = True
        else:
            if page.pieces is None:
                self.send(self.encode(page))
            else:
                self._stream(page, page.pieces)

    def _stream(self, page: Reply, pieces: Generator[bytes, None, None]) -> None:
        self.close_connection = True
        with closing(pieces):
            self.send(self._head(page.status, page.headers))
            for piece in pieces:
                self.send(piece)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - the stdlib looks these names up

    def _target(self) -> str:
        """The raw request target in origin form. The stdlib's ``path`` rewrites ``//``."""
        target = self.requestline.split()[1]
        if target.startswith(("http://", "https://")):
            return "/" + target.split("/", 3)[-1] if target.count("/") > 2 else "/"
        return target

    def _read_body(self) -> bytes:
        """The whole body, for any method: unread bytes would be read as the next request.

        Raises:
            Refused: it is too large, or its end is ambiguous, which allows request smuggling. The
                connection must be closed then.
        """
        if any(isinstance(each, _HEADER_DEFECTS) for each in self.headers.defects):
            raise Refused("a header line has no colon, or a space before it")
        if len(self.headers.get_all("Host", [])) > 1:
            raise Refused("there is more than one Host")
        codings = [each.strip().lower() for each in self.headers.get_all("Transfer-Encoding", [])]
        lengths = {each.strip() for each in self.headers.get_all("Content-Length", [])}
        if not codings:
            return self._read_length(lengths or {"0"})
        if lengths or codings != ["chunked"]:
            raise Refused("Transfer-Encoding must be chunked, without Content-Length")
        return self._read_chunks()

    def _read_length(self, lengths: set[str]) -> bytes:
        text = lengths.pop()
        if lengths or not is_digits(text):
            raise Refused("Content-Length is not a number")
        length = int(text[:20])  # 20 digits are too large already, and int() refuses very long text
        self._check_cap(length)
        body = self.rfile.read(length)
        if len(body) < length:
            raise Refused("the body ended early")
        return body

    def _check_cap(self, length: int) -> None:
        if length > self.server.application.options.max_body:
            raise Refused("the request body is too large", "too_large")

    def _read_chunks(self) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while True:
            size = self.rfile.readline(1024).split(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                raise Refused("a chunk has no length")
            length = int(size, 16)
            if length == 0:
                break
            total += length
            self._check_cap(total)
            pieces.append(self.rfile.read(length))
            if self.rfile.readline(3) != b"\r\n":
                raise Refused("a chunk is not as long as it says")
        while self.rfile.readline(65537).strip():
            pass  # trailers
        return b"".join(pieces)

    def _hang_up(self, refused: Refused) -> None:
        """Answer, read the rest of the request up to a limit, and close.

        The answer comes first because a client may wait for it before it sends its body. Closing
        with unread bytes would reset the connection, and the answer could be lost.
        """
        self.close_connection = True
        self.send(self.encode(app_errors(refused)))
        with suppress(OSError):  # the client left, or sends nothing more
            self.connection.settimeout(_HANG_UP_SECONDS)
            self.connection.shutdown(socket.SHUT_WR)
            left = 4 * self.server.application.options.max_body
            while left > 0 and (piece := self.rfile.read1(min(left, _CHUNK))):
                left -= len(piece)

    def encode(self, reply: Reply, length: int | None = None) -> bytes:
        """An answer as bytes. ``length`` replaces the true Content-Length."""
        body = b"" if reply.status == 204 else reply.body
        more = []
        if reply.status != 204:
            more = [("Content-Length", str(len(body) if length is None else length))]
        head = self._head(reply.status, (*reply.headers, *more))
        return head if self.command == "HEAD" else head + body

    def _head(self, status: int, headers: Iterable[tuple[str, str]]) -> bytes:
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines.append(f"Date: {formatdate(usegmt=True)}")
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer in JSON when the stdlib cannot parse a request, and close."""
        self.close_connection = True
        text = message or explain or HTTPStatus(code).phrase
        error = {"detail": text, "status": str(int(code))}
        self.command = getattr(self, "command", None) or "GET"
        self.send(self.encode(json_reply({"errors": [error]}, int(code))))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the stdlib's name
        """Write nothing to stderr: the request log is at ``/_sandbox/requests``."""
