"""From a request to its answer: route, credential, one transaction, and the request log."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Condition, Event
from time import monotonic
from typing import Any, Literal

from . import (
    app_campaigns,
    app_messages,
    app_people,
    app_segments,
    control,
    pending,
    state,
    track,
    track_v2,
)
from .awaited import Awaited
from .clock import Clock
from .faults import Fault, Faults
from .http import Envelope, Reply, Request, app_errors, meta_error
from .options import Options
from .pace import Pace
from .refusal import Refused
from .routes import UNKNOWN, Route, Router
from .seed import fill
from .seeding import sow
from .snapshots import Snapshots
from .store import GENERATION, Store, StoreClosed
from .workspace import Workspace, dump

_LOG = logging.getLogger(__name__)
_BODY_LOGGED = 262_144
_LOOK_AGAIN = 0.5  # seconds: another process on the same file answers without a word to this one
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
    """The local Customer.io without sockets. Safe to call from many threads.

    Args:
        store: where the workspace is kept.
        clock: what time it is.
        options: settings to start with.
        seed: what ``reset`` puts into the workspace: the demo, nothing, or a seed of one's own.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        options: Options,
        seed: bool | Mapping[str, Any] = True,
    ) -> None:
        self.store = store
        self._start = options
        self._seed = seed
        self._pace = Pace()
        self.snapshots = Snapshots(store)
        self.clock = clock
        self.options = options
        self.router = Router(TABLES)
        self.faults = Faults({UNKNOWN, *(r.operation for r in self.router.served())})
        self.ending = Event()
        self._answered = Condition()

    def end_waits(self) -> None:
        """Let nobody wait any longer: the server stops."""
        self.ending.set()
        self._wake()

    def _wake(self) -> None:
        with self._answered:
            self._answered.notify_all()

    def requests(
        self,
        after: int = 0,
        operation: str | None = None,
        *,
        count: int = 0,
        timeout: float = 0.0,
    ) -> list[dict[str, Any]]:
        """The request log as ``state.requests`` gives it, when ``count`` are in it or it is late.

        Args:
            after: leave out what was logged up to this number.
            operation: leave out all other operations.
            count: wait for so many.
            timeout: wait so many real seconds, whatever the sandbox's clock says.

        Raises:
            ValueError: the log keeps fewer than ``count``.
        """
        until = monotonic() + timeout
        awaited = Awaited(after, operation, count)
        with self._answered:
            while True:
                with self.work() as ws:
                    left = until - monotonic()
                    if awaited.are_there(ws) or left <= 0 or self.ending.is_set():
                        return state.requests(ws, after, operation)
                self._answered.wait(min(left, _LOOK_AGAIN))

    def with_fault(self, request: Request) -> Request:
        """The request with the fault that hits it, if one does.

        Raises:
            Refused: it asks for a fault by header, and for none that there is.
        """
        text = request.headers.get("x-sandbox-fault") if self.options.fault_header else None
        if text is None and self.faults.are_none:
            return request
        api, operation = self.router.name(request)
        if api == "control":
            return request
        try:
            fault = self.faults.once(text) if text else self.faults.hit(api, operation, request)
        except ValueError as error:
            raise Refused(str(error)) from None
        return replace(request, fault=fault)

    def handle(self, request: Request) -> Reply:
        """Apply a request; what it wrote is committed when this returns."""
        reply = self._handle(request)
        self._wake()
        return reply

    def _handle(self, request: Request) -> Reply:
        try:
            route, parameters = self.router.find(request)
        except Refused as refused:
            return self._unrouted(request, refused)
        try:
            return self._serve(route, request, parameters)
        except StoreClosed:
            raise
        except Exception as error:
            _LOG.exception("%s failed", route.operation)
            reply = _broken(error, route.errors)
            if route.api != "control":
                with suppress(sqlite3.Error):  # then there is no writing to the log either
                    self._log_alone(route, request, reply, "internal error")
            return reply

    @contextmanager
    def work(self, operation: str = "") -> Iterator[Workspace]:
        """One transaction on the workspace as it is now, with all late writes that are due."""
        with self.store.transaction():
            now = self.clock.now()
            for late in pending.due(self.store, now):
                ws = Workspace(self.store, self.options, late.received)
                pending.apply(ws, late, self.router)
            yield Workspace(self.store, self.options, now, operation)

    def reset(self, to: Literal["seed", "empty"] = "seed", *, snapshots: bool = False) -> None:
        """Be as when it was started: workspace, log, faults, clock, options.

        Args:
            to: ``empty`` leaves the workspace without anything.
            snapshots: drop them too; otherwise they stay.
        """
        if snapshots:
            self.snapshots.clear()
        self.faults.clear()
        self.clock.restart()
        self.options = self._start
        self._pace.forget()
        with self.store.transaction():
            self.store.clear()
            if to == "seed":
                self.fill()

    def catch_up(self) -> None:
        """Move the clock to the last time in the workspace's log, if that is later than its own."""
        latest = self.store.scalar("SELECT max(time) FROM requests")
        if latest is not None and latest > self.clock.now():
            self.clock.set(latest)

    def fill(self) -> None:
        """Put the seed that it was started with into the workspace.

        Raises:
            ValueError: the seed makes no sense.
        """
        if self._seed is True:
            with self.work("seed") as ws:
                fill(ws)
        elif self._seed:
            self.sow(self._seed)

    def sow(self, seed: Any) -> dict[str, int]:
        """Add what a seed holds to the workspace; returns how many of each kind.

        Raises:
            ValueError: the seed makes no sense; nothing of it stays.
        """
        with self.work("seed") as ws:
            return sow(ws, seed)

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change options from now on.

        Raises:
            ValueError: an unknown option, a value of the wrong kind, or a credential.
        """
        self.options = self.options.changed(changes)

    def _unrouted(self, request: Request, refused: Refused) -> Reply:
        reply = _instead(request, app_errors) or app_errors(refused)
        api, operation = self.router.name(request)
        try:
            with self.work() as ws:
                self._log(ws, api, operation, request, reply, refused.message)
        except sqlite3.Error as error:
            return _broken(error, app_errors)
        return reply

    def _serve(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        if route.api == "control":
            return self._control(route, request, parameters)
        if request.fault is not None and not request.fault.applies:
            reply = _instead(request, route.errors) or Reply()
            self._log_alone(route, request, reply, f"fault: {request.fault.action}")
            return reply
        reply = self._apply(route, request, parameters)
        return _instead(request, route.errors) or reply

    def _apply(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        refusal: Refused | None = None
        try:
            with self.work(route.operation) as ws:
                try:
                    self._check_access(route, request)
                    reply = self._answer(ws, route, request, parameters)
                except Refused as refused:
                    if not refused.keep:
                        raise
                    refusal, reply = refused, route.errors(refused)
                number = self._log_route(ws, route, request, reply, refusal)
                if ws.late:
                    pending.add(ws, request, number)
        except Refused as refused:  # rolled back: log on its own
            envelope = _envelope(route, refused)
            reply = envelope(refused)
            self._log_alone(route, request, reply, refused.message)
        return reply

    def _answer(
        self, ws: Workspace, route: Route, request: Request, parameters: dict[str, str]
    ) -> Reply:
        options = self.options
        if options.rate_limits == "strict":
            self._pace.admit(route, request, ws.time)
        if route.api == "track" and route.operation != "region":
            if options.track_redirect_url:
                ws.quiet.append("redirected")
                location = options.track_redirect_url + request.target
                return Reply(options.track_redirect_status, headers=(("Location", location),))
            if options.delay_seconds:
                return pending.rehearse(ws, route, request, parameters)
        reply: Reply = route.handler(ws, request, **parameters)
        return reply

    def _control(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        """A control call: outside any transaction, so that it may wait, and never logged."""
        try:
            control.check_access(request)
            reply: Reply = route.handler(self, request, **parameters)
        except Refused as refused:
            reply = route.errors(refused)
        return control.private(reply)

    def _check_access(self, route: Route, request: Request) -> None:
        if route.api == "track":
            self._check_basic(request)
        else:
            self._check_bearer(request)

    def _check_basic(self, request: Request) -> None:
        """Basic site_id:key; URL-safe base64 is taken too, as the Go client sends it.

        The site id may be of any generation: one that was printed or saved stays good for ever.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = _decode_basic(token.strip()) if scheme.lower() == "basic" else b""
        site = re.escape(self.options.site_id)
        if self.options.site_id == Options.site_id:
            site += f"(?:-{GENERATION})?"
        pair = re.fullmatch(f"{site}:(.*)".encode(), given, re.DOTALL)
        if pair is None or not hmac.compare_digest(pair[1], self.options.track_api_key.encode()):
            raise Refused("Unauthorized request", "unauthorized")

    def _check_bearer(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip().encode() if scheme.lower() == "bearer" else b""
        if hmac.compare_digest(given, self.options.restricted_app_key.encode()):
            raise Refused("the API key does not have the scope for this request", "forbidden")
        if not hmac.compare_digest(given, self.options.app_api_key.encode()):
            raise Refused("unauthorized", "unauthorized")

    def _log_alone(self, route: Route, request: Request, reply: Reply, reason: str) -> None:
        with self.work(route.operation) as ws:
            self._log(ws, route.api, route.operation, request, reply, reason)

    def _log_route(
        self, ws: Workspace, route: Route, request: Request, reply: Reply, refusal: Refused | None
    ) -> int:
        reason = refusal.message if refusal else ws.reason
        return self._log(ws, route.api, route.operation, request, reply, reason)

    def _log(
        self,
        ws: Workspace,
        api: str,
        operation: str,
        request: Request,
        reply: Reply,
        reason: str | None,
    ) -> int:
        """Add to the request log; headers, and so credentials, are left out but for two."""
        fault = request.fault
        number = ws.store.insert(
            "requests",
            time=ws.time,
            api=api,
            operation=operation,
            method=request.method,
            path=request.path,
            query=dump(request.query),
            body=request.body[:_BODY_LOGGED].decode("utf-8", "replace"),
            body_bytes=len(request.body),
            status=_seen(reply, fault),
            user_agent=request.headers.get("user-agent", ""),
            retry_count=request.headers.get("x-retry-count"),
            applied=int(reply.status < 400 and not reason),
            reason=reason,
            fault=None if fault is None else fault.action,
        )
        if self.options.requests_kept:
            oldest = number - self.options.requests_kept
            ws.store.execute("DELETE FROM requests WHERE n<=?", (oldest,))
        return number


def _instead(request: Request, errors: Envelope) -> Reply | None:
    return None if request.fault is None else request.fault.instead(errors)


def _seen(reply: Reply, fault: Fault | None) -> int | None:
    """The status that reaches the client, ``None`` where a fault lets none through."""
    if fault is None:
        return reply.status
    return (fault.status or reply.status) if fault.answers else None


def _broken(error: Exception, errors: Envelope) -> Reply:
    """500; of the store's own errors, such as a full disk, it says which."""
    which = f": {error}" if isinstance(error, sqlite3.OperationalError) else ""
    return errors(Refused(f"internal error of the local Customer.io{which}", "broken"))


def _envelope(route: Route, refused: Refused) -> Envelope:
    return meta_error if refused.kind == "unauthorized" and route.api == "track" else route.errors


def _decode_basic(token: str) -> bytes:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if {"-", "_"} & set(token) else None)
    except (binascii.Error, ValueError):
        return b""
