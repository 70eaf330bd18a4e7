"""Counts the work of rendering, so that no template keeps the sandbox busy for long.

A step is worth a few microseconds: a node that is rendered, a filter, some characters of a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OF_A_REQUEST = 10_000_000
OF_A_MESSAGE = 100_000
_CHARACTERS = 64  # of a text, for one step
_TOGETHER = 16  # items of a list that are counted at once


class NotRendered(Exception):
    """A text cannot be rendered; the message of the exception says why."""


@dataclass
class Steps:
    """The steps that are left, of a message and of the request that sends it."""

    left: int = OF_A_REQUEST
    whole: Steps | None = None

    def of_a_message(self) -> Steps:
        """The steps of one message, which count for the request too."""
        return Steps(OF_A_MESSAGE, self)

    def spend(self, count: int) -> None:
        """Take steps away. Raises NotRendered at the end of them."""
        self.left -= count
        if self.left < 0:
            limit = OF_A_REQUEST if self.whole is None else OF_A_MESSAGE
            raise NotRendered(f"it takes more than {limit:,} steps")
        if self.whole is not None:
            self.whole.spend(count)

    def look_at(self, value: Any) -> None:
        """Take the steps of reading a value once, such as to compare it."""
        self._weigh(value, 512, 2)

    def work_on(self, value: Any) -> None:
        """Take the steps of a filter that reads or makes a value."""
        self._weigh(value, _CHARACTERS, 1)

    def _weigh(self, value: Any, characters: int, items: int) -> None:
        if isinstance(value, str):
            self.spend(1 + len(value) // characters)
        elif isinstance(value, (list, dict)):
            for number, each in enumerate(within(value)):
                if number % _TOGETHER == 0:
                    self.spend(_TOGETHER // items)
                if isinstance(each, str) and len(each) >= characters:
                    self.spend(len(each) // characters)
        else:
            self.spend(1)


def within(value: Any) -> Iterator[Any]:
    """The value and all values in it, to any depth."""
    waiting = [iter((value,))]
    while waiting:
        for each in waiting[-1]:
            yield each
            if isinstance(each, dict):
                waiting.append(iter(each.values()))
            elif isinstance(each, (list, tuple)):
                waiting.append(iter(each))
            else:
                continue
            break
        else:
            waiting.pop()
