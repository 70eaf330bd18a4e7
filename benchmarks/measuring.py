"""How times are compared: in one process, round by round, in a new order each round."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TypeAlias

Contender: TypeAlias = Callable[[int], object]
"""Makes so many calls, one after the other or at once."""


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the median of some values and their quartiles."""
        all_values = list(values)
        if len(all_values) == 1:
            return cls.exactly(all_values[0])
        low, median, high = statistics.quantiles(all_values, n=4, method="inclusive")
        return cls(median, low, high)

    @classmethod
    def exactly(cls, value: float) -> Spread:
        """Return what was counted, or measured once."""
        return cls(value, value, value)


@dataclass(frozen=True)
class Figure:
    """What was measured of one row.

    Args:
        key: The key of the row.
        value: What the row promises; a ratio is that of CPU times unless the row says otherwise.
        wall: The same of wall times, if both were measured.
    """

    key: str
    value: Spread
    wall: Spread | None = None


def counted(key: str, value: float) -> Figure:
    """Return the figure of what was counted, or measured once."""
    return Figure(key, Spread.exactly(value))


@dataclass(frozen=True)
class Times:
    """Seconds per call of each contender, by round."""

    cpu: Mapping[str, Sequence[float]]
    wall: Mapping[str, Sequence[float]]

    def ratio(self, key: str, ours: str, peer: str) -> Figure:
        """Return how many times as long one takes as another, within the rounds."""
        return Figure(key, _ratio(self.cpu, ours, peer), _ratio(self.wall, ours, peer))

    def throughput(self, key: str, ours: str, peer: str) -> Figure:
        """Return how many times as many calls per second one makes as another."""
        return Figure(key, _ratio(self.wall, peer, ours))


def _ratio(seconds: Mapping[str, Sequence[float]], over: str, under: str) -> Spread:
    return Spread.of(a / b for a, b in zip(seconds[over], seconds[under], strict=True))


def each(call: Callable[[], object]) -> Contender:
    """Return the contender that makes one call after the other."""

    def run(calls: int) -> None:
        for _ in range(calls):
            call()

    return run


def compared(contenders: Mapping[str, Contender], *, rounds: int, calls: int) -> Times:
    """Let all contenders run in each round, in a random order, after a few calls to warm up."""
    order = list(contenders)
    cpu: dict[str, list[float]] = {name: [] for name in order}
    wall: dict[str, list[float]] = {name: [] for name in order}
    shuffle = random.Random(24).shuffle  # noqa: S311 - an order, no secret
    for run in contenders.values():
        run(max(2, calls // 4))
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            run, began, used = contenders[name], perf_counter(), process_time()
            run(calls)
            cpu[name].append((process_time() - used) / calls)
            wall[name].append((perf_counter() - began) / calls)
    return Times(cpu, wall)
