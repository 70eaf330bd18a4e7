"""Picks mutants at random: where all of a target would take hours, a sample tells the share."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from itertools import groupby
from math import sqrt
from operator import itemgetter

NORMAL_95 = 1.959964
"""Within so many standard deviations of the mean are 95 % of a normal distribution."""


def sample(mutants: Iterable[tuple[str, str]], size: int, beyond: int = 0) -> list[str]:
    """Return the names of mutants at random, and the same ones each time.

    A larger sample holds the smaller ones that leave out as many.

    Args:
        mutants: The file and the name of each mutant.
        size: How many are wanted, at most; each file gives its share of them.
        beyond: How many are left out: those of the sample of that size.
    """
    ranked: list[tuple[float, bytes, str]] = []
    for _, each in groupby(sorted(mutants), key=itemgetter(0)):
        shuffled = sorted((sha256(name.encode()).digest(), name) for _, name in each)
        ranked += [((n + 0.5) / len(shuffled), *found) for n, found in enumerate(shuffled)]
    return [name for *_, name in sorted(ranked)[beyond : beyond + size]]


def likely_range(noticed: int, tried: int) -> tuple[float, float]:
    """Return where the share of all is with 95 % likelihood, in per cent (Wilson's interval)."""
    share, z = noticed / tried, NORMAL_95
    middle = share + z * z / (2 * tried)
    width = z * sqrt(share * (1 - share) / tried + (z / (2 * tried)) ** 2)
    scale = 100 / (1 + z * z / tried)
    return scale * (middle - width), scale * (middle + width)
