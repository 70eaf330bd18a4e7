"""What rankings are worth: how often the right subtool comes first, and what it is mistaken for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from evals.cases import Case
from evals.models import Ranking

RESAMPLES = 2_000


@dataclass(frozen=True)
class Score:
    """The rankings of some requests, judged.

    `traps` is what comes first where a request names neighbours that it is easily taken for.
    """

    cases: int
    top1: float
    top3: float
    traps: float
    confusions: tuple[tuple[str, str, int], ...]


def score(cases: Sequence[Case], rankings: Sequence[Ranking]) -> Score:
    """Return shares from 0 to 1, and what was mistaken for what: right, chosen, how often."""
    pairs = list(zip(cases, rankings, strict=True))
    wrong = Counter((case.subtool, found[0]) for case, found in pairs if found[0] != case.subtool)
    return Score(
        cases=len(pairs),
        top1=_share([found[0] == case.subtool for case, found in pairs]),
        top3=_share([case.subtool in found[:3] for case, found in pairs]),
        traps=_share([found[0] == case.subtool for case, found in pairs if case.neighbours]),
        confusions=tuple((*both, times) for both, times in wrong.most_common()),
    )


@dataclass(frozen=True)
class Change:
    """What one wording changed against another, on the same requests.

    `low` and `high` bound the difference of the shares with 95 % confidence (bootstrap); `p` is
    the chance of a split as uneven as gains and losses, were both wordings alike (exact McNemar).
    """

    gains: int
    losses: int
    difference: float
    low: float
    high: float
    p: float


def change(
    cases: Sequence[Case], before: Sequence[Ranking], after: Sequence[Ranking], *, seed: int = 0
) -> Change:
    """Compare first choices request by request."""
    steps = [
        (new[0] == case.subtool) - (old[0] == case.subtool)
        for case, old, new in zip(cases, before, after, strict=True)
    ]
    low, high = _interval(steps, random.Random(seed))  # noqa: S311 - resampling, no secret
    return Change(
        gains=(gains := steps.count(1)),
        losses=(losses := steps.count(-1)),
        difference=sum(steps) / len(steps),
        low=low,
        high=high,
        p=mcnemar(gains, losses),
    )


def mcnemar(gains: int, losses: int) -> float:
    """Return the two-sided p of the exact test of McNemar."""
    moved = gains + losses
    tail = sum(comb(moved, few) for few in range(min(gains, losses) + 1))
    return min(1.0, float(2 * tail / 2**moved))


def _interval(steps: Sequence[int], draw: random.Random) -> tuple[float, float]:
    size = len(steps)
    means = sorted(sum(draw.choices(steps, k=size)) / size for _ in range(RESAMPLES))
    return means[round(0.025 * RESAMPLES)], means[round(0.975 * RESAMPLES) - 1]


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0
