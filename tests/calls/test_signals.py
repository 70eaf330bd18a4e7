"""A signal handler that raises, at any moment, sends nothing twice and leaves no lock taken."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
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
        "to": "ada@example.com",
        "customer_id": "u1",
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


if SECONDS:
    # An exception between any two steps may leave a socket to the garbage collection.
    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.usefixtures("without_logging")
    @pytest.mark.parametrize("raised", [OSError, TimeoutError, HostError], ids=lambda r: r.__name__)
    def test_signals_at_any_moment_send_nothing_twice_and_leave_no_lock_taken(
        sandbox: Sandbox, tool: CustomerIoTool, raised: type[Exception]
    ) -> None:
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
        assert len(numbers) > 10
        assert len(numbers) == len(set(numbers))
        begun = time.monotonic()
        after = tool.call("list_segments", context=CallContext(deadline_seconds=5))
        assert after["ok"], after
        assert time.monotonic() - begun < 30  # no lock is taken, and the deadline holds
