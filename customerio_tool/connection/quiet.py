"""Stops the HTTP libraries from logging our calls: their lines contain a person's id."""

from __future__ import annotations

import logging
from threading import local


class _Here(local):
    depth = 0


class _OwnCallFilter(logging.Filter):
    """Drops the records that a thread logs inside a `with` block of this filter."""

    def __init__(self) -> None:
        super().__init__()
        self._here = _Here()

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - logging's signature
        """Keep a record unless this thread is inside one of our calls."""
        return not self._here.depth

    def __enter__(self) -> None:
        """Drop the records of this thread from now on."""
        self._here.depth += 1

    def __exit__(self, *_: object) -> None:
        """Keep them again."""
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
