"""Calls that were let pass: sent in their pace, a message once at most, and all of it watched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from customerio_tool.client import Client
from customerio_tool.confirmation import Asked
from customerio_tool.deadline import Deadline
from customerio_tool.dispatch import Dispatch, seconds_for
from customerio_tool.errors import CustomerIoError
from customerio_tool.identifiers import shape_of
from customerio_tool.invocation import Invocation
from customerio_tool.ledger import Ledger, SendOnce
from customerio_tool.pacing import Pacer
from customerio_tool.replay import Pacing, Replayer
from customerio_tool.shapes import Item
from customerio_tool.shared import ledger_from_env, limiter_from_env
from customerio_tool.spec import Effect
from customerio_tool.telemetry import (
    Attempt,
    CallEnd,
    CallStart,
    LogTelemetry,
    Telemetry,
    Watchers,
    keyed_hash,
)
from customerio_tool.wire import Request


class Dispatcher:
    """Sends the calls of one connection.

    Args:
        client: Sends one request once.
        pacer: Waits for slots in the vendor's rate classes; by default as the environment says.
        ledger: Remembers sends, so that none happens twice; by default as the environment says.
        best_effort: Whether to send although the ledger is lost; by default that is refused.
        telemetry: Who is told of calls; by default the log.
        clock: Gives Unix time in seconds.
        monotonic: Gives seconds for deadlines.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        client: Client,
        *,
        pacer: Pacing | None = None,
        ledger: Ledger | None = None,
        best_effort: bool = False,
        telemetry: Sequence[Telemetry] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        pacer = pacer or Pacer(limiter_from_env(os.environ), sleep=sleep, monotonic=monotonic)
        ledger = ledger_from_env(os.environ) if ledger is None else ledger
        self._replayer = Replayer(client, pacer, sleep=sleep, clock=clock)
        self._send_once = SendOnce(ledger, clock=clock, best_effort=best_effort)
        self._watchers = Watchers([LogTelemetry()] if telemetry is None else telemetry)
        self._hash_key = client.connection.digest.encode()
        self._clock = clock
        self._monotonic = monotonic

    def result(
        self, asked: Asked, at: Invocation, request: Request, hidden: frozenset[str]
    ) -> Item:
        """Return the success envelope of a call.

        Args:
            asked: The call.
            at: What was fixed when it began.
            request: What it sends.
            hidden: Attributes of people that are never returned.

        Raises:
            CustomerIoError: The call failed.
        """
        call = self._start_of(asked, at)
        attempts: list[Attempt] = []

        def watch(attempt: Attempt) -> None:
            attempts.append(attempt)
            self._watchers.attempted(call, attempt)

        began = self._monotonic()

        def end(outcome: str, *, ok: bool) -> None:
            seconds = self._monotonic() - began
            self._watchers.ended(call, CallEnd(outcome, ok, len(attempts), seconds))

        self._watchers.started(call)
        try:
            told = self._sent(asked, at, request, hidden, watch)
        except CustomerIoError as error:
            end(error.code, ok=False)
            raise
        except BaseException:
            end("interrupted", ok=False)
            raise
        end(told["outcome"], ok=True)
        return told

    def _sent(
        self,
        asked: Asked,
        at: Invocation,
        request: Request,
        hidden: frozenset[str],
        watch: Callable[[Attempt], None],
    ) -> Item:
        subtool, args, context = asked.subtool, asked.args, asked.context
        seconds = seconds_for(subtool, context)
        deadline = Deadline(seconds, self._monotonic)
        dispatch = Dispatch(self._replayer, subtool, args, at, context, deadline, watch)

        def send() -> Item:
            return subtool.result(replace(dispatch.answer(request), hidden=hidden))

        if subtool.effect is not Effect.SEND:
            return send()
        ends_at = self._clock() + seconds
        return self._send_once.run(
            subtool, args, at, request, send, ends_at=ends_at, run_id=context.run_id
        )

    def _start_of(self, asked: Asked, at: Invocation) -> CallStart:
        person = getattr(asked.args, "customer_id", None) or getattr(asked.args, "primary_id", None)
        named: dict[str, Any] = {}
        if person is not None:
            id_type = getattr(asked.args, "id_type", None) or shape_of(person)
            named = {"id_type": id_type, "person": keyed_hash(self._hash_key, person)}
        return CallStart(
            call_id=at.ulid,
            subtool=asked.subtool.name,
            effect=asked.subtool.effect.word,
            api=asked.subtool.call.api.value,
            started_at=at.now,
            run_id=asked.context.run_id,
            **named,
        )
