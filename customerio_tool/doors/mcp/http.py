"""Serves many clients over streamable HTTP, in both eras of the protocol."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import (
    StreamableHTTPASGIApp,
    StreamableHTTPSessionManager,
)
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customerio_tool.doors.mcp.running import LEFT
from customerio_tool.doors.mcp.server import VIEW
from customerio_tool.doors.mcp.views import ViewRefused, Views

PATH = "/mcp"

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_UNTOLD = "***"


class _BearerToken:
    """Accepts one token; it keeps only a digest of it."""

    def __init__(self, token: str) -> None:
        self._digest = hashlib.sha256(token.encode()).digest()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return who bears the token; None if it is not the token."""
        given = hashlib.sha256(token.encode()).digest()
        if not hmac.compare_digest(given, self._digest):
            return None
        return AccessToken(token=_UNTOLD, client_id="bearer", scopes=[])


class _PerRequest:
    """Gives each request its view and the event of its client's leaving; else answers 400."""

    def __init__(self, app: ASGIApp, views: Views) -> None:
        self._app = app
        self._views = views

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            query = QueryParams(scope["query_string"])
            view = self._views.asked_for(query)
        except ViewRefused as refused:
            await JSONResponse({"error": str(refused)}, 400)(scope, receive, send)
            return
        left = anyio.Event()

        async def watched() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                left.set()
            return message

        await self._app({**scope, VIEW: view, LEFT: left}, watched, send)


def new_app(
    server: Server[Any],
    views: Views,
    *,
    allowed_hosts: Iterable[str] = (),
    token: str | None = None,
) -> Starlette:
    """Return the ASGI application with the server at `/mcp`; it can serve once.

    Args:
        server: The server, made with the same views.
        views: What a URL may ask for.
        allowed_hosts: Names by which clients reach it, besides those of loopback; requests with
            another `Host`, or an `Origin` elsewhere, are refused.
        token: The bearer token that clients must have; None asks for none.
    """
    manager = StreamableHTTPSessionManager(server, security_settings=_security(allowed_hosts))
    endpoint: ASGIApp = _PerRequest(StreamableHTTPASGIApp(manager), views)
    middleware: list[Middleware] = []
    if token is not None:
        endpoint = RequireAuthMiddleware(endpoint, [])
        backend = BearerAuthBackend(_BearerToken(token))
        middleware.append(Middleware(AuthenticationMiddleware, backend=backend))
        middleware.append(Middleware(AuthContextMiddleware))
    return Starlette(
        routes=[Route(PATH, endpoint=endpoint)],
        middleware=middleware,
        lifespan=lambda _: manager.run(),
    )


def _security(allowed_hosts: Iterable[str]) -> TransportSecuritySettings:
    names = [f"{name}:*" for name in _LOOPBACK_NAMES]
    for given in allowed_hosts:
        names += [given, f"{given}:*"]
    origins = [f"{scheme}://{name}" for name in names for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)
