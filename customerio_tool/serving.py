"""Serving the local Customer.io from a shell: until a signal, with a file that says it is up."""

from __future__ import annotations

import json
import os
import shlex
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGINT and SIGTERM set; must be entered in the main thread."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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


def environment_lines(saved: Mapping[str, str]) -> list[str]:
    """Return the lines which let a shell connect to what was saved."""
    return [f"export CUSTOMERIO_{k.upper()}={shlex.quote(each)}" for k, each in saved.items()]
