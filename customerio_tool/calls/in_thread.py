"""Runs a call in a thread for asyncio; a cancelled task cancels its call."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from customerio_tool.calls.call import CallContext

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


async def in_thread(
    run: Callable[[CallContext], dict[str, Any]], context: CallContext | None
) -> dict[str, Any]:
    """Return what a call returns that runs in a thread, with this context or a plain one."""
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
