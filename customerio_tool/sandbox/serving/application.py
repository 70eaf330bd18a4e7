"""Turns a request into an answer: route, credential, one transaction, request log."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Condition, Event
from time import monotonic
from typing import Any, Literal, TypeVar

from .. import declared
from ..api import (
    app_campaigns,
    app_messages,
    app_people,
    app_segments,
    app_templates,
    control,
    track,
    track_v2,
)
from ..clock import Clock
from ..options import Options
from ..refusal import Refused
from ..rules import audience_file
from ..rules.audience_file import File, Wanted
from ..rules.settling import settle
from ..seeds import demo_seed, seeding
from ..store.snapshots import Snapshots
from ..store.store import Store, StoreClosed
from ..store.workspace import Workspace
from . import access, pending, request_log
from .faults import Faults
from .http import Envelope, Reply, Request, app_errors, meta_error
from .pace import Pace
from .routes import UNKNOWN, Route, Router

_LOG = logging.getLogger(__name__)
Found = TypeVar("Found")
_POLL_SECONDS = 0.5  # another process on the same file does not wake the waits of this one
TABLES = (
    track.TRACK,
    track.MERGES,
    track_v2.TRACK_V2,
    app_people.PEOPLE,
    app_segments.SEGMENTS,
    app_campaigns.CAMPAIGNS,
    app_messages.SENDS,
    app_messages.MESSAGES,
    app_templates.TEMPLATES,
    app_templates.CONTENTS,
    control.CONTROL,
)


class Application:
    """The local Customer.io without sockets. Safe to call from many threads.

    Args:
        store: holds the workspace.
        clock: the sandbox's time.
        options: the settings at the start.
        seed: the content of a new or reset workspace: true for the demo, false for none, or a seed
            in the form of ``seeding``.
        is_exposed: whether other machines reach the server.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        options: Options,
        seed: bool | Mapping[str, Any] = True,
        *,
        is_exposed: bool = False,
    ) -> None:
        self.store = store
        self.is_exposed = is_exposed
        self._first_options = options
        self._seed = seed
        self._pace = Pace()
        self.snapshots = Snapshots(store)
        self.clock = clock
        self.options = options
        self.router = Router(TABLES)
        self._operations = {UNKNOWN, *(r.operation for r in self.router.served())}
        self.faults = Faults(self._operations)
        self.ending = Event()
        self._answered = Condition()

    def end_waits(self) -> None:
        """End all waits: the server stops."""
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
        """The entries of the request log, as soon as it holds ``count`` or the timeout is over.

        Args:
            after: leave out entries up to this number.
            operation: leave out all other operations.
            count: wait for this many entries.
            timeout: wait at most this many real seconds; the sandbox's clock does not matter.

        Raises:
            ValueError: the log keeps fewer than ``count``, or there is no such operation.
        """
        if operation not in {None, "", *self._operations}:
            hint = declared.nearest(str(operation), self._operations)
            raise ValueError(f"operation is not one that is served: {hint}")
        wait = request_log.Wait(after, operation, count)
        return self.read_when(
            wait.is_over, timeout, lambda ws: request_log.entries(ws, after, operation)
        )

    def read_when(
        self,
        is_over: Callable[[Workspace], bool],
        timeout: float,
        read: Callable[[Workspace], Found],
    ) -> Found:
        """What ``read`` finds, as soon as ``is_over``, the timeout ends or the server stops.

        Args:
            is_over: asked after each answer, and twice a second.
            timeout: wait at most this many real seconds.
            read: runs in the transaction of the last question.
        """
        until = monotonic() + timeout
        with self._answered:
            while True:
                with self.work() as ws:
                    left = until - monotonic()
                    if is_over(ws) or left <= 0 or self.ending.is_set():
                        return read(ws)
                self._answered.wait(min(left, _POLL_SECONDS))

    def with_fault(self, request: Request) -> Request:
        """The request, with the fault that hits it if there is one.

        Raises:
            Refused: its X-Sandbox-Fault header names no valid fault.
        """
        text = request.headers.get("x-sandbox-fault") if self.options.fault_header else None
        if text is None and self.faults.is_empty:
            return request
        api, operation = self.router.operation_of(request)
        if api == "control":
            return request
        try:
            faults = self.faults
            fault = faults.from_header(text) if text else faults.hit(api, operation, request)
        except ValueError as error:
            raise Refused(str(error)) from None
        return replace(request, fault=fault)

    def handle(self, request: Request) -> Reply:
        """Apply a request and answer it. Its writes are committed when this returns."""
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
                with suppress(sqlite3.Error):  # the log may be as unwritable as the workspace
                    self._log_alone(_entry(route, request, reply, "internal error"))
            return reply

    @contextmanager
    def work(self, operation: str = "") -> Iterator[Workspace]:
        """One transaction on the workspace. Delayed writes that are due take effect first."""
        with self.store.transaction():
            now = self.clock.now()
            for write in pending.due(self.store, now):
                ws = Workspace(self.store, self.options, write.received)
                pending.apply(ws, write, self.router)
            ws = Workspace(self.store, self.options, now, operation)
            yield ws
            settle(ws)

    def reset(self, to: Literal["seed", "empty"] = "seed", *, snapshots: bool = False) -> None:
        """Restore the state of the start: workspace, log, faults, clock, options.

        Args:
            to: ``empty`` leaves the workspace empty, ``seed`` fills it with the seed of the start.
            snapshots: drop the snapshots too.
        """
        if snapshots:
            self.snapshots.clear()
        self.faults.clear()
        self.clock.restart()
        self.options = self._first_options
        self._pace.forget()
        with self.store.transaction():
            self.store.clear()
            if to == "seed":
                self.fill()

    def catch_up(self) -> None:
        """Move the clock forward to the last time in the request log, if that is later."""
        latest = self.store.scalar("SELECT max(time) FROM requests")
        if latest is not None and latest > self.clock.now():
            self.clock.set(latest)

    def fill(self) -> None:
        """Fill the workspace with the seed of the start.

        Raises:
            ValueError: the seed is invalid.
        """
        if self._seed is True:
            with self.work("seed") as ws:
                demo_seed.fill(ws)
        elif self._seed:
            self.add_seed(self._seed)

    def add_seed(self, seed: Any) -> dict[str, int]:
        """Add a seed's entries to the workspace; returns the number of each kind.

        Raises:
            ValueError: the seed is invalid; none of it was added.
        """
        with self.work("seed") as ws:
            return seeding.add(ws, seed)

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Change options from now on.

        Raises:
            ValueError: an unknown option, a value of the wrong type, or a credential.
        """
        self.options = self.options.changed(changes)

    def _unrouted(self, request: Request, refused: Refused) -> Reply:
        reply = _replacement(request, app_errors) or app_errors(refused)
        api, operation = self.router.operation_of(request)
        try:
            with self.work() as ws:
                request_log.add(
                    ws, request_log.Entry(api, operation, request, reply, refused.message)
                )
        except sqlite3.Error as error:
            return _broken(error, app_errors)
        return reply

    def _serve(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        if route.api == "control":
            return self._control(route, request, parameters)
        if request.fault is not None and not request.fault.applies:
            reply = _replacement(request, route.errors) or Reply()
            self._log_alone(_entry(route, request, reply, f"fault: {request.fault.action}"))
            return reply
        reply = self._apply(route, request, parameters)
        return _replacement(request, route.errors) or reply

    def _apply(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        try:
            return self._attempt(route, request, parameters, {})
        except Wanted as wanted:  # its transaction is rolled back: others are served meanwhile
            files = {wanted.url: audience_file.fetch(wanted.url, self.options.file_timeout)}
        return self._attempt(route, request, parameters, files)

    def _attempt(
        self,
        route: Route,
        request: Request,
        parameters: dict[str, str],
        files: Mapping[str, File],
    ) -> Reply:
        try:
            with self.work(route.operation) as ws:
                ws.files = files
                try:
                    self._check_access(route, request)
                    reply = self._answer(ws, route, request, parameters)
                    reason = ws.reason
                except Refused as refused:
                    if not refused.keep:
                        raise
                    reply, reason = route.errors(refused), refused.message
                number = request_log.add(ws, _entry(route, request, reply, reason))
                if ws.is_delayed:
                    pending.add(ws, request, number)
        except Refused as refused:  # its transaction is rolled back: log it in one of its own
            reply = _errors_of(route, refused)(refused)
            self._log_alone(_entry(route, request, reply, refused.message))
        return reply

    def _answer(
        self, ws: Workspace, route: Route, request: Request, parameters: dict[str, str]
    ) -> Reply:
        options = self.options
        if options.rate_limits == "strict":
            self._pace.admit(route, request, ws.time)
        if route.api == "track" and route.operation != "region":
            if options.track_redirect_url:
                ws.quiet_failures.append("redirected")
                location = options.track_redirect_url + request.target
                return Reply(options.track_redirect_status, headers=(("Location", location),))
            if options.delay_seconds:
                return pending.dry_run(ws, route, request, parameters)
        reply: Reply = route.handler(ws, request, **parameters)
        return reply

    def _control(self, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
        """A control call: never logged, and outside a transaction, since it may wait."""
        try:
            control.check_access(self, request)
            control.check_query(route.operation, request)
            reply: Reply = route.handler(self, request, **parameters)
        except Refused as refused:
            reply = route.errors(refused)
        return control.private(reply)

    def _check_access(self, route: Route, request: Request) -> None:
        if route.api == "track":
            access.check_basic(self.options, request)
        else:
            access.check_bearer(self.options, request)

    def _log_alone(self, entry: request_log.Entry) -> None:
        with self.work(entry.operation) as ws:
            request_log.add(ws, entry)


def _entry(route: Route, request: Request, reply: Reply, reason: str | None) -> request_log.Entry:
    return request_log.Entry(route.api, route.operation, request, reply, reason)


def _replacement(request: Request, errors: Envelope) -> Reply | None:
    return None if request.fault is None else request.fault.replacement(errors)


def _broken(error: Exception, errors: Envelope) -> Reply:
    """A 500. It quotes an error of the store itself, such as a full disk."""
    which = f": {error}" if isinstance(error, sqlite3.OperationalError) else ""
    return errors(Refused(f"internal error of the local Customer.io{which}", "broken"))


def _errors_of(route: Route, refused: Refused) -> Envelope:
    return meta_error if refused.kind == "unauthorized" and route.api == "track" else route.errors
