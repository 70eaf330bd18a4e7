"""Waits for what Python cannot interrupt, and leaves it behind if the host cancels the call."""

from __future__ import annotations

import threading
from collections.abc import Callable

from customerio_tool.deadline import CANCELLATION_SECONDS, Deadline


def unless_cancelled(
    work: Callable[[], None], clean_up: Callable[[], None], deadline: Deadline
) -> None:
    """Do work in a thread of its own, and wait for its end, a cancellation or the deadline.

    Neither a DNS look-up nor a TLS handshake can be interrupted. Work that is left behind ends by
    itself later.

    Args:
        work: What to do.
        clean_up: Called after work that was left behind.
        deadline: The deadline, which says whether the host cancelled the call.

    Raises:
        TimeoutError: The host cancelled the call, or the deadline came first.
    """
    ended, left_behind = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            ended.set()
            if left_behind.is_set():
                clean_up()

    threading.Thread(target=run, name="customerio_tool connects", daemon=True).start()
    try:
        _wait(ended, deadline)
    except BaseException:  # also the exception of a signal handler
        left_behind.set()
        if ended.is_set():
            clean_up()
        raise
    if failures:
        raise failures.pop()


def _wait(ended: threading.Event, deadline: Deadline) -> None:
    while not ended.wait(CANCELLATION_SECONDS):
        if deadline.is_cancelled() or deadline.passed():
            raise TimeoutError("the call was cancelled, or its deadline has passed")
