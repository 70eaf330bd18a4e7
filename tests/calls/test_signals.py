"""A signal handler that raises, at any moment, sends nothing twice and leaves no lock taken."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import Backends, CallContext, Clock, CustomerIoTool
from customerio_tool.connection import client as client_module
from customerio_tool.connection.client import Client
from customerio_tool.sandbox import Sandbox
from tests.support.canaries import leaked_keys, locals_of
from tests.support.clients import AnyPace, code_of

SECONDS = float(os.environ.get("SIGNAL_SECONDS", "0"))
"""How long signals come at any moment, for each kind of exception; by default not at all."""
pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="there are no such signals here"
)


class HostError(Exception):
    """What a host raises to end a job."""


RAISED = [OSError, TimeoutError, HostError, ConnectionError, KeyboardInterrupt]


@pytest.fixture
def without_logging() -> Iterator[None]:
    """A handler of `logging` keeps its lock if a signal raises between two of its steps."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    clock = Clock(sleep=lambda _: None)
    with CustomerIoTool(
        sandbox.connection(), backends=Backends(limiter=AnyPace()), clock=clock
    ) as made:
        yield made


def message(number: int) -> dict[str, Any]:
    return {
        "to": f"ada+{number}@example.com",  # no doubt about one keeps back the next
        "customer_id": f"ada-{number}",
        "transactional_message_id": "1",
        "message_data": {"number": number},
    }


def sent_numbers(sandbox: Sandbox) -> list[int]:
    posts = [each for each in sandbox.requests() if each["operation"] == "send_email"]
    return [each["json"]["message_data"]["number"] for each in posts if each["json"]]


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: raised.__name__)
def test_whatever_a_handler_raises_after_the_request_left_sends_no_message_twice(
    sandbox: Sandbox,
    tool: CustomerIoTool,
    raised: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Client._read_reply
    interrupted = False

    def interrupt(self: Any, *given: Any) -> Any:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise raised("the host's own words")
        return read(self, *given)

    monkeypatch.setattr(client_module.Client, "_read_reply", interrupt)
    run = CallContext(run_id="r")
    if raised in (HostError, KeyboardInterrupt):
        with pytest.raises(raised) as passed:
            tool.call("send_transactional_email", message(1), context=run)
        assert leaked_keys(locals_of(passed.value)) == set()
    else:
        assert code_of(tool.call("send_transactional_email", message(1), context=run))
    repeat = tool.call("send_transactional_email", message(1), context=run)
    assert code_of(repeat) == "outcome_unknown"
    assert sent_numbers(sandbox) == [1]
    del repeat
    gc.collect()  # a connection left open would warn here


class Storm:
    """Signals of which some raise while a call is made, also in its last steps."""

    def __init__(self, raised: type[Exception]) -> None:
        self.is_on = False
        self.seen = self.raised = 0
        self._raised = raised
        self._chance = random.Random(7)  # noqa: S311 - it picks moments

    def strike(self, *_: object) -> None:
        self.seen += 1
        if self.is_on and self._chance.random() < 0.02:
            self.raised += 1
            raise self._raised("stop")

    def hold(self, tool: CustomerIoTool, mail: dict[str, Any], run: CallContext) -> None:
        """Make a call in the storm."""
        with contextlib.suppress(self._raised):
            try:
                self.is_on = True
                tool.call("send_transactional_email", mail, context=run)
            finally:
                self.is_on = False


if SECONDS:
    # An exception between any two steps may leave a socket to the garbage collection.
    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.usefixtures("without_logging")
    @pytest.mark.parametrize("raised", [OSError, TimeoutError, HostError], ids=lambda r: r.__name__)
    def test_signals_at_any_moment_send_nothing_twice_and_leave_no_lock_taken(
        sandbox: Sandbox, tool: CustomerIoTool, raised: type[Exception]
    ) -> None:
        tool.run("list_messages")  # pydantic would put the exception into one of its own
        armed = False

        def handler(*_: object) -> None:
            nonlocal armed
            if armed:
                armed = False
                raise raised("stop")

        before = signal.signal(signal.SIGALRM, handler)
        until, number = time.monotonic() + SECONDS, 0
        try:
            while time.monotonic() < until:
                number += 1
                for _ in range(2):
                    with contextlib.suppress(raised):
                        armed = True
                        signal.setitimer(signal.ITIMER_REAL, 0.0005 + (number % 40) * 0.0002)
                        run = CallContext(run_id="r")
                        tool.call("send_transactional_email", message(number), context=run)
                        armed = False
        finally:
            armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        numbers = sent_numbers(sandbox)
        print(f"{raised.__name__}: {len(numbers)} messages")  # noqa: T201
        assert len(numbers) > 10
        assert len(numbers) == len(set(numbers))
        begun = time.monotonic()
        after = tool.call("list_segments", context=CallContext(deadline_seconds=5))
        assert after["ok"], after
        assert time.monotonic() - begun < 30  # no lock is taken, and the deadline holds

    @pytest.mark.usefixtures("without_logging")
    @pytest.mark.parametrize("raised", [OSError, TimeoutError, HostError], ids=lambda r: r.__name__)
    def test_a_signal_every_millisecond_sends_nothing_twice_and_leaves_no_lock_taken(
        sandbox: Sandbox, tool: CustomerIoTool, raised: type[Exception]
    ) -> None:
        tool.run("list_messages")  # pydantic would put the exception into one of its own
        storm = Storm(raised)
        before = signal.signal(signal.SIGALRM, storm.strike)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        until, number = time.monotonic() + SECONDS, 0
        try:
            while time.monotonic() < until:
                number += 1
                for _ in range(3):
                    storm.hold(tool, message(number), CallContext(run_id="r"))
        finally:
            storm.is_on = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        numbers = sent_numbers(sandbox)
        print(f"{raised.__name__}: {len(numbers)} messages, {storm.raised} of {storm.seen} raised")  # noqa: T201
        assert len(numbers) > 10
        assert storm.raised > 10
        assert len(numbers) == len(set(numbers))
        begun = time.monotonic()
        assert tool.call("list_segments", context=CallContext(deadline_seconds=5))["ok"]
        assert tool.call("send_transactional_email", message(0))["ok"]
        assert time.monotonic() - begun < 30  # no lock is taken, and the deadline holds
