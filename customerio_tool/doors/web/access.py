"""Who may call over HTTP: by which name of this server, from which pages, with which token."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")

_NAME = r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_HOST = re.compile(_NAME)
_ORIGIN = re.compile(f"https?://{_NAME}")


class Access:
    """Refuses requests before any door sees them.

    A foreign `Host` is DNS rebinding, and a foreign `Origin` a page of another site: both are
    refused, also without a token in play. It keeps only a digest of the token.

    Args:
        app: What answers the requests that may pass.
        token: The bearer token of every path that is not open.
        allowed_hosts: Names by which clients reach this server, besides those of loopback.
        open_paths: Paths that can be read without the token: they show what is public anyway.
        own_paths: First parts of paths whose door lets in by itself, such as `calls` of `/calls/7`.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        allowed_hosts: Iterable[str],
        open_paths: Iterable[str] = (),
        own_paths: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._digest = _digest(token.encode())
        self._hosts = frozenset((*_LOOPBACK_NAMES, *map(_bare, allowed_hosts)))
        self._open = frozenset(open_paths)
        self._own = frozenset(own_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if _host_in(_HOST, headers.get("host", "")) not in self._hosts:
            words = "This server is not reached by that Host; name it with --allowed-host."
            return _refused(HTTPStatus.MISDIRECTED_REQUEST, words)
        origin = headers.get("origin")
        if origin is not None and _host_in(_ORIGIN, origin) not in self._hosts:
            return _refused(HTTPStatus.FORBIDDEN, "Pages of other sites may not call this server.")
        is_open = scope["path"] in self._open and scope["method"] in ("GET", "HEAD")
        is_own = _first_part(scope["path"]) in self._own
        if is_open or is_own or self._is_known(headers.get("authorization", "")):
            return None
        words = "Send the header Authorization: Bearer TOKEN, with the token of this server."
        return _refused(HTTPStatus.UNAUTHORIZED, words, {"WWW-Authenticate": "Bearer"})

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        given = _digest(token.strip().encode("latin-1"))
        return scheme.lower() == "bearer" and hmac.compare_digest(given, self._digest)


def _first_part(path: str) -> str | None:
    """Return the first part of a path; None of what is no path, such as the `*` of OPTIONS."""
    return path.split("/")[1] if path.startswith("/") else None


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _host_in(form: re.Pattern[str], header: str) -> str | None:
    """Return the name in a header; None if it is anything but a name and a port."""
    found = form.fullmatch(header)
    return _bare(found["name"]) if found else None


def _bare(name: str) -> str:
    """Return the name of a host as it is compared: an IPv6 address without its brackets."""
    return name.strip("[]").lower()


def _refused(status: HTTPStatus, words: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": words}, status, headers)
