"""From asyncio a call is the same call: it holds up nobody, and a cancelled task ends it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.calls.progress import numbered
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL, code_of
from tests.support.confirming import posts
from tests.support.timeouts import PATIENCE

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


def test_the_context_of_a_decision_reaches_telemetry(sandbox: Sandbox) -> None:
    watcher = Kept()
    backends = Backends(telemetry=[watcher])

    async def decided(tool: CustomerIoTool) -> None:
        for decide, door in ((tool.aapprove, "ours"), (tool.adecline, "theirs")):
            waiting = await tool.acall("delete_customer", {"customer_id": "u1"})
            await decide(waiting["confirmation_id"], context=CallContext(door=door))

    with CustomerIoTool(sandbox.connection(), policy="careful", backends=backends) as tool:
        asyncio.run(decided(tool))
    told = [(each.decision, each.door) for each in watcher.starts if each.decision]
    assert told == [("approved", "ours"), ("declined", "theirs")]
    assert {each.problem for each in watcher.ends} == {""}


class Kept:
    """A telemetry that keeps how each call began and ended."""

    def __init__(self) -> None:
        self.starts: list[CallStart] = []
        self.ends: list[CallEnd] = []

    def started(self, call: CallStart) -> None:
        self.starts.append(call)

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        return

    def ended(self, call: CallStart, end: CallEnd) -> None:
        self.ends.append(end)


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


class Meeting:
    """A telemetry whose calls go on once three are under way, and that counts them."""

    def __init__(self) -> None:
        self.most = 0
        self._under_way: set[str] = set()
        self._three = threading.Barrier(3)

    def started(self, call: CallStart) -> None:
        self._under_way.add(call.call_id)
        self._three.wait(PATIENCE)
        self.most = max(self.most, len(self._under_way))
        self._three.wait(PATIENCE)

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Do nothing."""

    def ended(self, call: CallStart, end: CallEnd) -> None:
        self._under_way.discard(call.call_id)


def test_as_many_calls_run_at_once_as_there_are_threads(sandbox: Sandbox) -> None:
    """The others wait, and each connection stays for the next call."""
    meeting = Meeting()

    async def all_at_once(tool: CustomerIoTool) -> list[dict[str, Any]]:
        return await asyncio.gather(*(tool.acall("track_event", PLAIN) for _ in range(12)))

    backends = Backends(threads=3, telemetry=[meeting])
    with CustomerIoTool(sandbox.connection(), backends=backends) as tool:
        assert all(result["ok"] for result in asyncio.run(all_at_once(tool)))
        assert len(sandbox._running()._live) <= 3
    assert meeting.most == tool.threads == 3


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "\u0663"])
def test_a_number_of_threads_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConnectionInvalid) as refused:
        Backends.from_env({"CUSTOMERIO_THREADS": text})
    assert [each.path for each in refused.value.fields] == ["CUSTOMERIO_THREADS"]
    with pytest.raises(ValueError, match="threads"):
        Backends(threads=0)


def test_the_environment_says_how_many_threads_there_are() -> None:
    assert Backends.from_env({"CUSTOMERIO_THREADS": " 128 "}).threads == 128
    assert Backends.from_env({}).threads == 64
