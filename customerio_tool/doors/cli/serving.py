"""Serving the local Customer.io from a shell: until a signal, with a file that says it is up."""

from __future__ import annotations

import json
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[Callable[[], None]]:
    """Give a function that waits for SIGINT or SIGTERM; must be entered in the main thread.

    One that comes before the function is called ends its wait at once.
    """
    # The kernel may give a signal to any thread, and Python does not wake the main one from a lock
    # for it; from reading a socket, into which every thread's signals are written, it does.
    heard, told = socket.socketpair()
    told.setblocking(False)
    before = {number: signal.signal(number, _ignore) for number in _STOPPING}
    awake = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)

    def wait_for_one() -> None:
        while heard.recv(1)[0] not in _STOPPING:
            pass

    try:
        yield wait_for_one
    finally:
        signal.set_wakeup_fd(awake)
        for number, handler in before.items():
            signal.signal(number, handler)
        heard.close()
        told.close()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: that a signal came is read from the socket."""


@contextmanager
def ready_file(path: Path | None, told: Mapping[str, str | None]) -> Iterator[None]:
    """Keep a JSON file there for the length of the block; it appears whole or not at all.

    It is removed at the end, so that a file which exists means a sandbox that is up; only a
    killed process leaves one behind. It holds the sandbox's keys, so only its owner may read it.

    Args:
        path: Where; None writes nothing.
        told: What the file says.

    Raises:
        OSError: It cannot be written there.
    """
    if path is None:
        yield
        return
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(told, indent=2) + "\n")
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
