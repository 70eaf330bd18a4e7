"""Stops the HTTP libraries from logging our calls: their lines contain a person's id."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from threading import local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _OwnCallFilter(logging.Filter):
    """Drops the records that a thread logs during one of our calls."""

    def __init__(self) -> None:
        super().__init__()
        self._here = local()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - logging's signature
        """Keep a record unless this thread is inside one of our calls."""
        return not getattr(self._here, "depth", 0)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Drop the records of this thread inside the `with` block."""
        self._here.depth = getattr(self._here, "depth", 0) + 1
        try:
            yield
        finally:
            self._here.depth -= 1


_filter = _OwnCallFilter()
_TALKATIVE = (
    "urllib3.connectionpool",
    "urllib3.connection",
    "urllib3.util.retry",
    "urllib3.response",
)


def silence() -> _OwnCallFilter:
    """Add the filter to the loggers of urllib3, and return it."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_filter)
    return _filter
