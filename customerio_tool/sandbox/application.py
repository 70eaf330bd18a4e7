"""From a request to its answer: route, credential, one transaction, and the request log."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging

from . import app_campaigns, app_messages, app_people, app_segments, control, track, track_v2
from .clock import Clock
from .http import Envelope, Reply, Request, app_errors, meta_error
from .options import Options
from .refusal import Refused
from .routes import Route, Router
from .store import Store, StoreClosed
from .workspace import Workspace, dump

_LOG = logging.getLogger(__name__)
_BODY_LOGGED = 262_144
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
TABLES = (
    track.TRACK,
    track_v2.TRACK_V2,
    app_people.PEOPLE,
    app_segments.SEGMENTS,
    app_campaigns.CAMPAIGNS,
    app_messages.MESSAGES,
    control.CONTROL,
)


class Application:
    """The local Customer.io without sockets. Safe to call from many threads."""

    def __init__(self, store: Store, clock: Clock, options: Options) -> None:
        self.store = store
        self.clock = clock
        self.options = options
        self.router = Router(TABLES)

    def handle(self, request: Request) -> Reply:
        """Apply a request; what it wrote is committed when this returns."""
        try:
            route, parameters = self.router.find(request)
        except Refused as refused:
            return self._unrouted(request, refused)
        try:
            return self._serve(route, request, parameters)
        except StoreClosed:
            raise
        except Exception:
            _LOG.exception("%s failed", route.operation)
            reply = route.errors(Refused("internal error of the local Customer.io", "broken"))
            self._log_alone(route, request, reply, "internal error")
            return reply

    def workspace(self, operation: str = "") -> Workspace:
        """The workspace at this moment, for use inside ``store.transaction()``."""
        return Workspace(self.store, self.options, self.clock.now(), operation)

    def _unrouted(self, request: Request, refused: Refused) -> Reply:
        reply = app_errors(refused)
        guess = "track" if request.segments[:1] == ("api",) else "app"
        with self.store.transaction():
            self._log(self.workspace(), guess, "unknown", request, reply, refused.message)
        return reply

    def _serve(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        refusal: Refused | None = None
        try:
            with self.store.transaction():
                ws = self.workspace(route.operation)
                try:
                    self._check_access(route, request)
                    reply = route.handler(ws, request, **parameters)
                except Refused as refused:
                    if not refused.keep:
                        raise
                    refusal, reply = refused, route.errors(refused)
                self._log_route(ws, route, request, reply, refusal)
        except Refused as refused:  # rolled back: log on its own
            envelope = _envelope(route, refused)
            reply = envelope(refused)
            self._log_alone(route, request, reply, refused.message)
        return reply

    def _check_access(self, route: Route, request: Request) -> None:
        if route.api == "control":
            check_host(request)
        elif route.api == "track":
            self._check_basic(request)
        else:
            self._check_bearer(request)

    def _check_basic(self, request: Request) -> None:
        """Basic site_id:key; URL-safe base64 is taken too, as the Go client sends it."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        wanted = f"{self.options.site_id}:{self.options.track_api_key}".encode()
        given = _decode_basic(token.strip()) if scheme.lower() == "basic" else b""
        if not hmac.compare_digest(given, wanted):
            raise Refused("Unauthorized request", "unauthorized")

    def _check_bearer(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip().encode() if scheme.lower() == "bearer" else b""
        if hmac.compare_digest(given, self.options.restricted_app_key.encode()):
            raise Refused("the API key does not have the scope for this request", "forbidden")
        if not hmac.compare_digest(given, self.options.app_api_key.encode()):
            raise Refused("unauthorized", "unauthorized")

    def _log_alone(self, route: Route, request: Request, reply: Reply, reason: str) -> None:
        with self.store.transaction():
            ws = self.workspace(route.operation)
            if route.api != "control":
                self._log(ws, route.api, route.operation, request, reply, reason)

    def _log_route(
        self, ws: Workspace, route: Route, request: Request, reply: Reply, refusal: Refused | None
    ) -> None:
        if route.api == "control":
            return
        reason = refusal.message if refusal else "; ".join(dict.fromkeys(ws.quiet)) or None
        self._log(ws, route.api, route.operation, request, reply, reason)

    def _log(
        self,
        ws: Workspace,
        api: str,
        operation: str,
        request: Request,
        reply: Reply,
        reason: str | None,
    ) -> None:
        """Add to the request log; headers, and so credentials, are left out but for two."""
        ws.store.insert(
            "requests",
            time=ws.time,
            api=api,
            operation=operation,
            method=request.method,
            path=request.path,
            query=dump(request.query),
            body=request.body[:_BODY_LOGGED].decode("utf-8", "replace"),
            body_bytes=len(request.body),
            status=reply.status,
            user_agent=request.headers.get("user-agent", ""),
            retry_count=request.headers.get("x-retry-count"),
            applied=int(reply.status < 400 and not reason),
            reason=reason,
        )


def _envelope(route: Route, refused: Refused) -> Envelope:
    return meta_error if refused.kind == "unauthorized" and route.api == "track" else route.errors


def check_host(request: Request) -> None:
    """Refuse a control call with a foreign Host (DNS rebinding) or a form body (CSRF)."""
    host = request.headers.get("host", "")
    if host.rpartition(":")[0] not in _LOOPBACK and host not in _LOOPBACK:
        raise Refused("control calls are for loopback only: check the Host header", "forbidden")
    if request.body and "json" not in request.headers.get("content-type", ""):
        raise Refused("control calls take JSON: send Content-Type: application/json")


def _decode_basic(token: str) -> bytes:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if {"-", "_"} & set(token) else None)
    except (binascii.Error, ValueError):
        return b""
