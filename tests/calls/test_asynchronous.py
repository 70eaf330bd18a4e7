"""From asyncio a call is the same call: it holds up nobody, and a cancelled task ends it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.calls.progress import numbered
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL, code_of
from tests.support.confirming import posts

PLAIN = {"customer_id": "u1", "name": "bought"}


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    with CustomerIoTool(sandbox.connection(), policy="careful") as made:
        yield made


def test_it_gives_what_a_call_gives(tool: CustomerIoTool) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("get_customer_attributes", {"customer_id": "u1"}),
        ("track_event", {"customer_id": "u1"}),
        ("no_such_subtool", {}),
    ]
    for name, arguments in asked:
        assert asyncio.run(tool.acall(name, arguments)) == tool.call(name, arguments)


def test_many_calls_run_at_once_in_threads_of_their_own(tool: CustomerIoTool) -> None:
    async def all_at_once() -> list[dict[str, Any]]:
        people = [f"person-{number}" for number in range(30)]
        return await asyncio.gather(
            *(tool.acall("track_event", {**PLAIN, "customer_id": each}) for each in people)
        )

    results = asyncio.run(all_at_once())
    assert all(result["ok"] for result in results)
    assert len({result["event_id"] for result in results}) == 30


def test_a_person_decides_from_asyncio_too(tool: CustomerIoTool, sandbox: Sandbox) -> None:
    async def conversation() -> list[dict[str, Any]]:
        first = await tool.acall("send_transactional_email", EMAIL)
        sent = await tool.aapprove(first["confirmation_id"])
        second = await tool.acall("delete_customer", {"customer_id": "u1"})
        return [sent, await tool.adecline(second["confirmation_id"])]

    sent, declined = asyncio.run(conversation())
    assert sent["ok"]
    assert code_of(declined) == "policy_refused"
    assert posts(sandbox) == ["/v1/send/email"]


def test_a_cancelled_task_ends_its_call_before_half_a_second_of_its_own_time(
    tool: CustomerIoTool, sandbox: Sandbox
) -> None:
    sandbox.faults.add({"delay": 20})
    ends: list[str] = []

    async def given_up() -> None:
        began = threading.Event()
        task = asyncio.create_task(
            tool.acall("track_event", PLAIN, context=CallContext(on_progress=lambda _: began.set()))
        )
        while not sandbox.requests() and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            ends.append("cancelled")

    asyncio.run(asyncio.wait_for(given_up(), timeout=10))
    assert ends == ["cancelled"]


def test_progress_is_told_in_the_event_loop_with_a_number_that_grows(
    tool: CustomerIoTool, sandbox: Sandbox
) -> None:
    sandbox.faults.add({"status": 503, "times": 2})
    told: list[tuple[int, str, int]] = []

    def report(number: int, sentence: str) -> None:
        told.append((number, sentence, threading.get_ident()))

    async def asked() -> dict[str, Any]:
        return await tool.acall(
            "get_segment", {"segment_id": 1}, context=CallContext(on_progress=numbered(report))
        )

    assert asyncio.run(asked())["ok"]
    assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
    assert {thread for _, _, thread in told} == {threading.get_ident()}
    assert all(sentence.endswith(".") for _, sentence, _ in told)


def test_the_hosts_own_cancellation_still_counts(tool: CustomerIoTool, sandbox: Sandbox) -> None:
    context = CallContext(cancelled=lambda: True)
    assert code_of(asyncio.run(tool.acall("track_event", PLAIN, context=context))) == "cancelled"
    assert posts(sandbox) == []
