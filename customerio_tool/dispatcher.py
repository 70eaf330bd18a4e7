"""Calls that were let pass: sent in their pace, a message once at most, and all of it watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from customerio_tool.client import Client
from customerio_tool.confirmation import Asked
from customerio_tool.deadline import Deadline
from customerio_tool.dispatch import Dispatch, seconds_for
from customerio_tool.invocation import CallContext, Invocation
from customerio_tool.ledger import Ledger, SendOnce
from customerio_tool.replay import Pacing, Replayer
from customerio_tool.secret import Environment
from customerio_tool.shapes import Item
from customerio_tool.shared import (
    InProcess,
    ledger_from_env,
    pacer_from_env,
    telemetry_from_env,
)
from customerio_tool.spec import Effect, Subtool
from customerio_tool.telemetry import CallStart, Telemetry, Watch, Watchers
from customerio_tool.wire import Request

Counted: TypeAlias = Callable[[Callable[[], Item]], Item]
"""Runs what sends a message, and returns its result, where a budget has room for it."""


class Dispatcher:
    """Sends the calls of one connection.

    Args:
        client: Sends one request once.
        process: What the process remembers, where nothing else is given and the environment says
            nothing.
        pacer: Waits for slots in the vendor's rate classes; by default as the environment says.
        ledger: Remembers sends, so that none happens twice; by default as the environment says.
        best_effort: Whether to send although the ledger is lost; by default that is refused.
        telemetry: Who is told of calls; by default the log, and as the environment says.
        clock: Gives Unix time in seconds.
        monotonic: Gives seconds for deadlines.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        client: Client,
        process: InProcess,
        *,
        pacer: Pacing | None = None,
        ledger: Ledger | None = None,
        best_effort: bool = False,
        telemetry: Sequence[Telemetry] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        environ = Environment(None)
        pacer = pacer or pacer_from_env(environ, process, sleep=sleep, monotonic=monotonic)
        ledger = ledger_from_env(environ, process) if ledger is None else ledger
        self._replayer = Replayer(client, pacer, quota=process.quota, sleep=sleep, clock=clock)
        self._send_once = SendOnce(ledger, clock=clock, best_effort=best_effort)
        self._watchers = Watchers(telemetry_from_env(environ) if telemetry is None else telemetry)
        self._hash_key = client.connection.digest.encode()
        self._clock = clock
        self._monotonic = monotonic

    def watch(self, subtool: Subtool[Any], at: Invocation, context: CallContext) -> Watch:
        """Return the watch over a call, which begins."""
        call = CallStart(
            call_id=at.ulid,
            subtool=subtool.name,
            effect=subtool.effect.word,
            api=subtool.endpoint.api.value,
            started_at=at.now,
            run_id=context.run_id,
        )
        return Watch(self._watchers, call, self._hash_key, self._monotonic)

    def result(
        self,
        asked: Asked,
        at: Invocation,
        request: Request,
        hidden: frozenset[str],
        watch: Watch,
        counted: Counted,
    ) -> Item:
        """Return the success envelope of a call.

        Args:
            asked: The call.
            at: What was fixed when it began.
            request: What it sends.
            hidden: Attributes of people that are never returned.
            watch: Is told every attempt.
            counted: Sends a message, or refuses; what the ledger knows is told without it.

        Raises:
            CustomerIoError: The call failed.
        """
        subtool, args, context = asked.subtool, asked.args, asked.context
        seconds = seconds_for(subtool, context)
        deadline = Deadline(seconds, self._monotonic)
        dispatch = Dispatch(self._replayer, subtool, args, at, context, deadline, watch.attempted)

        def send() -> Item:
            return subtool.result(replace(dispatch.answer(request), hidden=hidden))

        if subtool.effect is not Effect.SEND:
            return send()
        ends_at = self._clock() + seconds
        return self._send_once.run(
            subtool,
            args,
            at,
            request,
            lambda: counted(send),
            ends_at=ends_at,
            run_id=context.run_id,
        )
