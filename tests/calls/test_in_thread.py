"""A call in a thread sees its host as the event loop does, and ends with its task."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from customerio_tool import CallContext
from customerio_tool.calls.in_thread import in_thread
from tests.support.timeouts import PATIENCE

HOST: ContextVar[str] = ContextVar("HOST", default="nobody")


def seen_by_call(context: CallContext | None, threads: int) -> dict[str, Any]:
    """Return what a call that runs in a thread sees of its host."""

    def run(at: CallContext) -> dict[str, Any]:
        if at.on_progress:
            at.on_progress("It waits.")
        return {
            "context": at,
            "cancelled": at.is_cancelled(),
            "host": HOST.get(),
            "thread": threading.current_thread().name,
        }

    async def asked() -> dict[str, Any]:
        HOST.set("ours")
        seen = await in_thread(run, context, threads)
        await asyncio.sleep(0)  # the loop tells of progress in its turn
        return seen

    return asyncio.run(asked())


def test_a_call_in_a_thread_sees_the_context_of_its_host() -> None:
    told: list[str] = []
    given = CallContext(
        run_id="r", deadline_seconds=7, door="ours", on_progress=told.append, cancelled=bool
    )
    seen = seen_by_call(given, 3)
    at = seen["context"]
    assert (at.run_id, at.deadline_seconds, at.door) == ("r", 7, "ours")
    assert (seen["cancelled"], seen["host"], told) == (False, "ours", ["It waits."])
    assert seen["thread"].startswith("customerio_")
    assert seen_by_call(CallContext(cancelled=lambda: True), 3)["cancelled"] is True
    plain = seen_by_call(None, 3)
    assert plain["context"].on_progress is None
    assert (plain["context"].run_id, plain["context"].door) == (None, "python")
    assert plain["cancelled"] is False


def test_as_many_calls_run_at_once_as_there_are_threads_of_that_size() -> None:
    def meet(threads: int) -> list[Any]:
        """Return what becomes of two calls that wait for each other, but not for long."""
        meeting = threading.Barrier(2)

        def run(at: CallContext) -> dict[str, Any]:
            meeting.wait(0.1 if threads == 1 else PATIENCE)
            return {}

        async def both() -> list[Any]:
            calls = (in_thread(run, None, threads) for _ in range(2))
            return list(await asyncio.gather(*calls, return_exceptions=True))

        return asyncio.run(both())

    assert [type(each) for each in meet(1)] == [threading.BrokenBarrierError] * 2
    assert meet(2) == [{}, {}]


def test_the_threads_are_kept_for_the_next_call() -> None:
    assert {seen_by_call(None, 1)["thread"] for _ in range(3)} == {"customerio_0"}


def test_a_cancelled_task_ends_with_its_call_or_without_one_that_goes_on() -> None:
    ended, released = threading.Event(), threading.Event()

    def obedient(at: CallContext) -> dict[str, Any]:
        while not at.is_cancelled():
            released.wait(0.01)
        ended.set()
        return {}

    def stubborn(at: CallContext) -> dict[str, Any]:
        released.wait(PATIENCE)
        return {"cancelled": at.is_cancelled()}

    async def given_up(run: Any) -> None:
        task = asyncio.create_task(in_thread(run, None, 2))
        await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(given_up(obedient))
    assert ended.is_set()
    asyncio.run(given_up(stubborn))
    assert not released.is_set()
    released.set()
