"""Calls of a tool from asyncio: each runs in a thread, and a cancelled task cancels its call."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from customerio_tool.calls.call import CallContext
from customerio_tool.calls.calling import Calling
from customerio_tool.calls.deciding import Deciding

MAX_THREADS = 64
"""The threads of a process in which calls run; further calls wait for one."""

_ENDS_WITHIN_SECONDS = 0.5
"""How long a cancelled task waits for its call to end; a call looks several times a second."""

_executors: dict[int, ThreadPoolExecutor] = {}


def _executor() -> ThreadPoolExecutor:
    """Return the executor of this process: a fork has none of its parent's threads."""
    process = os.getpid()
    if process not in _executors:
        made = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="customerio")
        if _executors.setdefault(process, made) is not made:
            made.shutdown()
    return _executors[process]


class Asynchronous(Deciding, Calling):
    """What a tool offers to asyncio, beside its plain methods of nearly the same names."""

    async def acall(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: CallContext | None = None,
    ) -> dict[str, Any]:
        """Run a subtool as `call` does, without holding up the event loop.

        If the task is cancelled, the call is cancelled too, and has ended or is given up after
        0.5 s. The process has 64 threads for such calls; any further one waits for a thread, and
        its deadline begins then.

        Args:
            name: The name of the subtool.
            arguments: A mapping, or a JSON object as text; None means no arguments.
            context: As in `call`; its `on_progress` is called in the event loop.
        """
        return await _in_thread(lambda at: self.call(name, arguments, context=at), context)

    async def aapprove(
        self, confirmation_id: str, *, context: CallContext | None = None
    ) -> dict[str, Any]:
        """Run a waiting call as `approve` does, without holding up the event loop."""
        return await _in_thread(lambda at: self.approve(confirmation_id, context=at), context)

    async def adecline(
        self, confirmation_id: str, *, context: CallContext | None = None
    ) -> dict[str, Any]:
        """Drop a waiting call as `decline` does, without holding up the event loop."""
        return await _in_thread(lambda at: self.decline(confirmation_id, context=at), context)


async def _in_thread(
    run: Callable[[CallContext], dict[str, Any]], context: CallContext | None
) -> dict[str, Any]:
    is_cancelled = threading.Event()
    at = _seen_from_loop(context or CallContext(), is_cancelled)
    running = _executor().submit(contextvars.copy_context().run, run, at)
    try:
        return await asyncio.wrap_future(running)
    except asyncio.CancelledError:
        is_cancelled.set()
        await asyncio.wait({asyncio.wrap_future(running)}, timeout=_ENDS_WITHIN_SECONDS)
        raise


def _seen_from_loop(context: CallContext, is_cancelled: threading.Event) -> CallContext:
    """Return the context of a call in a thread: it tells of progress in the event loop."""
    loop, report, asked = asyncio.get_running_loop(), context.on_progress, context.cancelled

    def tell(sentence: str) -> None:
        if report is not None:
            loop.call_soon_threadsafe(report, sentence)

    def cancelled() -> bool:
        return is_cancelled.is_set() or bool(asked and asked())

    return replace(context, on_progress=tell if report else None, cancelled=cancelled)
