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

_ENDS_WITHIN_SECONDS = 0.5
"""How long a cancelled task waits for its call to end; a call looks several times a second."""

_executors: dict[tuple[int, int], ThreadPoolExecutor] = {}


def _executor(threads: int) -> ThreadPoolExecutor:
    """Return this process's executor of a size: a fork has none of its parent's threads."""
    key = (os.getpid(), threads)
    if key not in _executors:
        made = ThreadPoolExecutor(threads, thread_name_prefix="customerio")
        if _executors.setdefault(key, made) is not made:
            made.shutdown()
    return _executors[key]


async def in_thread(
    run: Callable[[CallContext], dict[str, Any]], context: CallContext | None, threads: int
) -> dict[str, Any]:
    """Return what a call returns that runs in a thread, with this context or a plain one.

    Args:
        run: Makes the call in the context that it is given.
        context: That of the call, as the loop sees it.
        threads: How many such calls may run at once; the others wait.
    """
    is_cancelled = threading.Event()
    at = _seen_from_loop(context or CallContext(), is_cancelled)
    running = _executor(threads).submit(contextvars.copy_context().run, run, at)
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
