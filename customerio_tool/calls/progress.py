"""Counts the sentences that a call reports, for hosts whose progress is a number that grows."""

from __future__ import annotations

import itertools
from collections.abc import Callable


def numbered(report: Callable[[int, str], None]) -> Callable[[str], None]:
    """Return an `on_progress` that reports each sentence with its number: 1, 2, 3 and so on."""
    numbers = itertools.count(1)
    return lambda sentence: report(next(numbers), sentence)
