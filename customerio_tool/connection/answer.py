"""The answer to a request that went straight to a kept-alive connection."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType

import urllib3
from urllib3.exceptions import InvalidHeader, ProtocolError

from customerio_tool.patterns import pattern

_CHUNK_BYTES = 65_536
_LENGTH = pattern("[0-9]{1,18}")


class Headers(Mapping[str, str]):
    """The headers of an answer, in any case of letters; equal names are joined by a comma."""

    def __init__(self, given: http.client.HTTPMessage) -> None:
        self._given = given

    def __getitem__(self, name: str) -> str:
        found = self._given.get_all(name)
        if found is None:
            raise KeyError(name)
        return ", ".join(map(str, found))

    def __iter__(self) -> Iterator[str]:
        names: dict[str, str] = {}
        for name in self._given:
            names.setdefault(name.lower(), name)
        return iter(names.values())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Answer:
    """An answer whose body is read piece by piece; a context manager, which lets the connection go.

    Args:
        response: The answer as `http.client` gives it: its headers are read.
        let_go: Called once, with whether the connection may be used again.

    Raises:
        urllib3.exceptions.InvalidHeader: Its headers name several lengths.
    """

    def __init__(
        self, response: http.client.HTTPResponse, let_go: Callable[[bool], object]
    ) -> None:
        self.status_code = response.status
        self.headers = Headers(response.headers)
        self._response = response
        self._let_go = let_go
        self._has_ended = False
        # `HTTPMessage` itself walks through all its headers for each that is asked for.
        names = [name.lower() for name in response.headers.keys()]  # noqa: SIM118 - it is no dict
        lengths = names.count("content-length")
        if lengths and (lengths > 1 or response.length is None):
            response.length = _length(response)
        # None where its end shows only as it comes: in chunks, or with the connection's.
        self._left = response.length
        is_plain = response.length and "transfer-encoding" not in names
        has_end = is_plain or _has_clear_end(response)
        self._may_be_followed = not response.will_close and has_end
        self._decoded: urllib3.HTTPResponse | None = None
        if "content-encoding" in names:
            self._decoded = _decoding(response, self.headers)

    def __enter__(self) -> Answer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection, unless the whole answer was read."""
        self._end(is_whole=False)

    def read(self) -> bytes:
        """Return the next bytes of the body as soon as some have come; none at its end.

        Raises:
            OSError: The connection broke, or no byte came in time.
            urllib3.exceptions.HTTPError: The body broke off, or is not what its headers say.
        """
        if self._has_ended:
            return b""
        try:
            return self._next() if self._decoded is None else self._next_decoded(self._decoded)
        except http.client.HTTPException as error:
            broken = error
        raise ProtocolError("Connection broken", broken)

    def _next(self) -> bytes:
        left = self._left
        if left == 0:
            self._end(is_whole=True)
            return b""
        piece = self._response.read1(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
        if left is None:
            if not piece:
                self._end(is_whole=True)
            return piece
        if not piece:
            raise http.client.IncompleteRead(piece, left)
        self._left = left - len(piece)
        if not self._left:
            self._end(is_whole=True)
        return piece

    def _next_decoded(self, body: urllib3.HTTPResponse) -> bytes:
        piece = next_decoded(body)
        if not piece:
            self._end(is_whole=True)
        return piece

    def _end(self, *, is_whole: bool) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._response.close()
        is_final = self.status_code >= http.client.OK
        is_followed = getattr(self._response, "is_followed", False)
        self._let_go(is_whole and is_final and self._may_be_followed and not is_followed)


def _length(response: http.client.HTTPResponse) -> int | None:
    """Return the bytes of a body; None where its end shows only as it comes."""
    named = response.headers.get_all("Content-Length") or []
    if response.chunked or not named or (len(named) == 1 and "," not in named[0]):
        return response.length
    first, *others = {each.strip() for each in ",".join(named).split(",")}
    if others or _LENGTH.fullmatch(first) is None:
        raise InvalidHeader("the headers name several lengths")
    return int(first) if response.length is None else response.length


def _has_clear_end(response: http.client.HTTPResponse) -> bool:
    """Whether the headers leave no doubt which byte is the last one of the answer."""
    named = response.headers.get("Content-Length")
    if "Transfer-Encoding" in response.headers:
        return response.chunked and response.length is None and named is None
    return response.length != 0 or named in (None, "0")


def _decoding(response: http.client.HTTPResponse, headers: Headers) -> urllib3.HTTPResponse:
    """Return the same answer as urllib3 reads it, which undoes what its body was packed with."""
    return urllib3.HTTPResponse(
        response,
        headers=headers,
        status=response.status,
        preload_content=False,
        enforce_content_length=True,
        original_response=response,
    )


def next_decoded(body: urllib3.HTTPResponse) -> bytes:
    """Return the next bytes of a body, unpacked, as soon as some have come; none at its end.

    urllib3 before 2 returns none before the end as well: of bytes that unpack to nothing.
    """
    read = getattr(body, "read1", body.read)  # urllib3 before 2.2 has no `read1`
    while True:
        before = body.tell()
        piece: bytes = read(_CHUNK_BYTES, decode_content=True)
        if piece or body.tell() == before:
            return piece
