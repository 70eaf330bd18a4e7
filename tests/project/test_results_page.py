"""The page with what a model reads is the one that calls of the tool make."""

from __future__ import annotations

from tests.support.results_page import PAGE, page


def test_the_page_of_results_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.support.results_page"
