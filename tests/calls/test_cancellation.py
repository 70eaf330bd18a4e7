"""A cancelled call returns soon, wherever it waits, and one thread's failure is not another's."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from customerio_tool import Backends, CallContext, Clock, CustomerIoTool, Timeouts
from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.connection.abandoning import unless_cancelled
from customerio_tool.deadline import Deadline
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED, AnyPace, code_of, example_of
from tests.support.loopback import nobody_listening
from tests.support.timeouts import PATIENCE

BROADCAST = {"broadcast_id": 30, "audience": "default"}
SOON = 5.0
"""Seconds, far from the 10 or more that an uncancelled call takes here."""


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts, reads and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):  # it is closed at the end
                while True:
                    kept.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for each in kept:
            each.close()


def seconds_until_cancelled(tool: CustomerIoTool, name: str, arguments: Any) -> tuple[float, Any]:
    """Make a call, cancel it when it waits, and return how long it took to end after that."""
    waits = threading.Event()
    ended: dict[str, Any] = {}
    cancelled = threading.Event()

    def asked() -> bool:
        waits.set()
        return cancelled.is_set()

    def call() -> None:
        context = CallContext(cancelled=asked, deadline_seconds=60)
        ended["result"] = tool.call(name, arguments, context=context)
        ended["at"] = time.monotonic()

    thread = threading.Thread(target=call)
    thread.start()
    assert waits.wait(PATIENCE)
    time.sleep(0.5)
    begun = time.monotonic()
    cancelled.set()
    thread.join(PATIENCE)
    return ended["at"] - begun, ended["result"]


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server whose answers come byte by byte and never end."""
    is_over = threading.Event()

    def drip(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.recv(65_536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not is_over.wait(0.02):
                peer.sendall(b" ")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        is_over.set()


@pytest.mark.parametrize("name", ["list_segments", "delete_customer", "merge_customers"])
def test_a_call_whose_answer_drips_ends_when_it_is_cancelled(dripping: str, name: str) -> None:
    saved = {**SAVED, "app_url": dripping, "track_url": dripping}
    with CustomerIoTool(saved, backends=Backends(limiter=AnyPace())) as tool:
        seconds, result = seconds_until_cancelled(tool, name, example_of(name))
    assert (code_of(result), result["error"]["took_effect"]) == ("cancelled", "no")
    assert seconds < SOON


def test_a_call_whose_request_is_not_read_ends_when_it_is_cancelled(silent: str) -> None:
    saved = {**SAVED, "app_url": silent, "track_url": silent}
    people = [{"id": f"u{number}", "data": {"a": "x" * 2_000}} for number in range(8_000)]
    large = {"broadcast_id": 30, "audience": "per_user_data", "per_user_data": people}
    with CustomerIoTool(saved, backends=Backends(limiter=AnyPace())) as tool:
        seconds, result = seconds_until_cancelled(tool, "trigger_broadcast", large)
    assert result["error"]["took_effect"] == "unknown"
    assert seconds < SOON


def test_a_call_that_waits_for_a_silent_server_ends_when_it_is_cancelled(silent: str) -> None:
    saved = {**SAVED, "app_url": silent, "track_url": silent}
    with CustomerIoTool(saved, backends=Backends(limiter=AnyPace())) as tool:
        seconds, result = seconds_until_cancelled(tool, "list_segments", {})
        assert code_of(result) == "cancelled"
        assert seconds < SOON
        seconds, result = seconds_until_cancelled(
            tool, "track_event", {"customer_id": "u1", "name": "x"}
        )
        assert (code_of(result), result["error"]["took_effect"]) == ("cancelled", "unknown")
        assert seconds < SOON


def test_a_call_that_waits_for_a_slot_ends_when_it_is_cancelled(sandbox: Sandbox) -> None:
    backends = Backends(limiter=LocalLimiter())
    with CustomerIoTool(sandbox.connection(), backends=backends) as tool:
        assert tool.call("trigger_broadcast", BROADCAST)["ok"]
        again = {**BROADCAST, "data": {"n": 2}}
        seconds, result = seconds_until_cancelled(tool, "trigger_broadcast", again)
    assert (code_of(result), result["error"]["took_effect"]) == ("cancelled", "no")
    assert seconds < SOON


def test_a_call_that_waits_before_a_retry_ends_when_it_is_cancelled(sandbox: Sandbox) -> None:
    sandbox.fault(status=503, retry_after=30)
    with CustomerIoTool(sandbox.connection(), backends=Backends(limiter=AnyPace())) as tool:
        seconds, result = seconds_until_cancelled(tool, "list_segments", {})
    assert code_of(result) == "cancelled"
    assert seconds < SOON


def test_the_failure_of_the_thread_that_asks_for_the_region_is_not_the_others() -> None:
    """The asker's deadline runs out; the call that waited for its answer asks again by itself."""
    asked, go = threading.Event(), threading.Event()

    def region(_request: Any) -> tuple[int, dict[str, str], str]:
        if not asked.is_set():
            asked.set()
            go.wait(PATIENCE)
            raise KeyboardInterrupt
        return 200, {}, '{"region": "us"}'

    results: dict[str, Any] = {}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        for host in ("track", "track-eu"):
            url = f"https://{host}.customer.io/api/v1/accounts/region"
            net.add_callback(responses.GET, url, region)
        net.get("https://api.customer.io/v1/segments", json={"segments": []})
        with CustomerIoTool(SAVED, backends=Backends(limiter=AnyPace())) as tool:

            def call(name: str) -> None:
                try:
                    results[name] = tool.call("list_segments")
                except KeyboardInterrupt:
                    results[name] = "interrupted"

            threads = [threading.Thread(target=call, args=(name,)) for name in ("asker", "waiter")]
            threads[0].start()
            assert asked.wait(PATIENCE)
            threads[1].start()
            time.sleep(0.2)
            go.set()
            for thread in threads:
                thread.join(PATIENCE)
    assert results["asker"] == "interrupted"
    assert results["waiter"]["ok"]


def test_more_values_than_any_call_can_have_are_refused_at_once() -> None:
    with CustomerIoTool({**SAVED, "region": "us"}, policy={"dry_run": True}) as tool:
        nested = {"customer_id": "u1", "name": "x", "data": {"a": [[1]] * 600_000}}
        result = tool.call("track_event", nested)
    assert code_of(result) == "arguments_invalid"
    assert "250,000 values" in result["summary"]


def test_reading_the_arguments_counts_against_the_deadline(sandbox: Sandbox) -> None:
    now = 0.0

    class Slow(dict[str, Any]):
        def items(self) -> Any:
            nonlocal now
            now += 5.0
            return super().items()

    clock = Clock(monotonic=lambda: now)
    with CustomerIoTool(sandbox.connection(), clock=clock) as tool:
        arguments = Slow(segment_id=1)
        context = CallContext(deadline_seconds=1)
        result = tool.call("get_segment", arguments, context=context)
    assert code_of(result) == "unreachable"
    assert sandbox.requests() == []


@pytest.mark.usefixtures("without_proxies")
@pytest.mark.parametrize("name", ["list_segments", "track_event", "send_transactional_push"])
@pytest.mark.parametrize("waits_for", ["TLS", "a proxy", "DNS"])
def test_a_call_that_cannot_connect_ends_when_it_is_cancelled(
    silent: str, waits_for: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, given_up = {**SAVED, "region": "us"}, threading.Event()
    if waits_for == "TLS":
        own = silent.replace("http://", "https://")
        saved = {**SAVED, "app_url": own, "track_url": own}
    elif waits_for == "a proxy":
        monkeypatch.setenv("HTTPS_PROXY", silent)
    else:

        def slow(*_: Any, **__: Any) -> Any:
            given_up.wait(PATIENCE)
            raise socket.gaierror(socket.EAI_NONAME, "no such name")

        monkeypatch.setattr(socket, "getaddrinfo", slow)

    patient = Timeouts(connect=PATIENCE, read=PATIENCE)
    with CustomerIoTool(saved, timeouts=patient, backends=Backends(limiter=AnyPace())) as tool:
        seconds, result = seconds_until_cancelled(tool, name, example_of(name))
    given_up.set()

    assert (code_of(result), result["error"]["took_effect"]) == ("cancelled", "no")
    assert seconds < SOON


def test_a_connection_that_comes_after_the_cancellation_is_closed() -> None:
    cancelled, goes_on, closed = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        cancelled.set()
        assert goes_on.wait(PATIENCE)

    with pytest.raises(TimeoutError):
        unless_cancelled(work, closed.set, Deadline(PATIENCE, cancelled=cancelled.is_set))
    assert not closed.is_set()
    goes_on.set()

    assert closed.wait(PATIENCE)


def test_a_failure_to_connect_is_told_in_a_call_that_can_be_cancelled() -> None:
    context = CallContext(cancelled=lambda: False)
    with nobody_listening() as url:
        saved = {**SAVED, "app_url": url, "track_url": url}
        with CustomerIoTool(saved, clock=Clock(sleep=lambda _: None)) as tool:
            result = tool.call("list_segments", {}, context=context)

    assert code_of(result) == "unreachable"
    assert "refuses connections" in result["summary"]
