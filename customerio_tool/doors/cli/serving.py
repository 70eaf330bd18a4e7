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
    """Keep a JSON file during the block; it appears whole, and is removed at the end.

    So the file exists only while the sandbox runs, unless its process is killed. It holds the
    sandbox's keys, so only its owner may read it. No other file is ever replaced or removed.

    Args:
        path: The path of the file; None writes nothing.
        content: The object to write.

    Raises:
        FileExistsError: There is something at the path.
        OSError: The file cannot be written.
    """
    if path is None:
        yield
        return
    try:
        written = _written(path, json.dumps(content, indent=2) + "\n")
    except FileExistsError:
        raise
    except OSError as error:  # it may name the draft, of which nobody knows
        words = f"the ready file {path} cannot be written: {error.strerror}"
        raise OSError(words) from None
    try:
        yield
    finally:
        if _is(path, written):
            path.unlink(missing_ok=True)


def _written(path: Path, text: str) -> os.stat_result:
    """Write a new file, and return what tells it from any other."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        _publish(Path(draft), path)
    except FileExistsError:
        problem = f"{path} exists; delete it if no sandbox uses it, or name another ready file"
        raise FileExistsError(problem) from None
    finally:
        Path(draft).unlink(missing_ok=True)
    return path.lstat()


def _publish(draft: Path, path: Path) -> None:
    """Give a file its name, unless the name is taken; a rename would replace what is there."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: it appears empty, for a moment
        with open(path, "x", encoding="utf-8", opener=_for_its_owner) as file:
            file.write(draft.read_text(encoding="utf-8"))


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is(path: Path, written: os.stat_result) -> bool:
    """Whether the file at a path is still the one that was written; a new one may get its inode."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return os.path.samestat(found, written) and found.st_mtime_ns == written.st_mtime_ns
