"""What the figures mean: shares of requests, and what a change of wording is worth."""

from __future__ import annotations

import pytest

from evals.cases import Case
from evals.scores import change, mcnemar, score


def case(subtool: str, *neighbours: str) -> Case:
    return Case("Do it.", subtool, neighbours, "en", "terse", "open")


CASES = [case("a", "b"), case("b", "a"), case("c"), case("d")]


def test_a_score_counts_first_and_third_places_and_names_what_was_mistaken() -> None:
    found = score(CASES, [["a", "b"], ["a", "b"], ["d", "a", "c"], ["a", "b", "c", "d"]])
    assert (found.cases, found.top1, found.top3, found.traps) == (4, 0.25, 0.75, 0.5)
    assert found.confusions == (("b", "a", 1), ("c", "d", 1), ("d", "a", 1))


def test_the_worst_confusion_comes_first() -> None:
    found = score([case("a"), case("b"), case("b")], [["b"], ["a"], ["a"]])
    assert found.confusions == (("b", "a", 2), ("a", "b", 1))


@pytest.mark.parametrize(
    ("gains", "losses", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (6, 0, 0.03125), (0, 6, 0.03125), (10, 2, 0.03857421875)],
)
def test_the_exact_test_of_mcnemar(gains: int, losses: int, p: float) -> None:
    assert mcnemar(gains, losses) == p


def test_a_change_is_counted_request_by_request() -> None:
    before, after = [["a"], ["a"], ["d"], ["a"]], [["b"], ["b"], ["c"], ["a"]]
    found = change(CASES, before, after)
    assert (found.gains, found.losses, found.difference) == (2, 1, 0.25)
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert found == change(CASES, before, after), "the same draws every time"


def test_a_change_of_nothing_is_surely_nothing() -> None:
    alike = [["a"], ["a"], ["d"], ["a"]]
    found = change(CASES, alike, alike)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_wide_change_has_an_interval_that_leaves_out_zero() -> None:
    many = [case("a")] * 40
    found = change(many, [["b"]] * 40, [["a"]] * 30 + [["b"]] * 10)
    assert found.low > 0.5
    assert found.high < 0.95
