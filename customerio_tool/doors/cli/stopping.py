"""What Ctrl-C does while a command works: it ends the work, and not the process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_ctrl_c(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` at each Ctrl-C, and at each SIGTERM; enter this in the main thread."""
    before = {
        number: signal.signal(number, lambda *_: stop())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
