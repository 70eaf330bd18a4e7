"""Helpers of `customerio-tool sandbox`: the wait for a stop signal, and the ready file."""

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
    """Yield a function that waits for SIGINT or SIGTERM; enter this in the main thread.

    A signal that arrives before the function is called ends its wait at once.
    """
    # The kernel may deliver a signal to any thread, and then Python does not wake a main thread
    # that waits for a lock. It does write the signal's number to the wake-up socket, whichever
    # thread was hit, so the main thread reads that.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = {number: signal.signal(number, _ignore) for number in _STOPPING}
    previous_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def wait_for_one() -> None:
        while reader.recv(1)[0] not in _STOPPING:
            pass

    try:
        yield wait_for_one
    finally:
        signal.set_wakeup_fd(previous_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the socket reports the signal."""


@contextmanager
def ready_file(path: Path | None, content: Mapping[str, str | None]) -> Iterator[None]:
    """Keep a JSON file during the block; it is written atomically, and removed at the end.

    So the file exists only while the sandbox runs, unless its process is killed. It holds the
    sandbox's keys, so only its owner may read it.

    Args:
        path: The path of the file; None writes nothing.
        content: The object to write.

    Raises:
        OSError: The file cannot be written.
    """
    if path is None:
        yield
        return
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
