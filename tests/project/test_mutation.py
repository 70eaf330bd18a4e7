"""The mutants: the report tells the newest results, and every survivor has an argument."""

from __future__ import annotations

import pytest

from tests.mutation.arguments import Argument, argument_for, arguments, idle
from tests.mutation.report import MUST, PAGE, markdown, unargued
from tests.mutation.results import Mutant, Result, kept

SWAPPED = Mutant("customerio_tool.policy.barred.barred", "if a and b:", "if a or b:")


def test_the_page_tells_the_newest_results() -> None:
    assert PAGE.read_text("utf-8") == markdown(kept(), arguments()), (
        "run python -m tests.mutation report"
    )


@pytest.mark.parametrize("name", kept())
def test_tests_notice_nine_of_ten_mutants(name: str) -> None:
    assert kept()[name].share >= MUST


def test_every_survivor_has_an_argument_and_every_argument_a_survivor() -> None:
    results, known = kept(), arguments()
    assert unargued(results, known) == []
    assert idle(known, [mutant for each in results.values() for mutant in each.survivors]) == []


def test_an_argument_is_about_one_change_or_about_a_kind() -> None:
    one = Argument("because", SWAPPED.function, SWAPPED.before, SWAPPED.after)
    kind = Argument("for all", before="a and b", after=r"a or \w", is_kind=True)
    elsewhere = Mutant("customerio_tool.policy.liquid.tags", SWAPPED.before, SWAPPED.after)
    assert [argument_for(each, [one, kind]) for each in (SWAPPED, elsewhere)] == [one, kind]
    assert argument_for(Mutant(SWAPPED.function, "return a", "return b"), [one, kind]) is None
    assert idle([one, kind], [elsewhere]) == [one]


def test_a_survivor_without_an_argument_is_shown_as_one() -> None:
    result = Result(mutants=40, killed=37, timed_out=2, survivors=[SWAPPED])
    page = markdown({"policy": result}, [])
    assert "| policy | 40 | 37 | 2 | 1 | 97.5 % |" in page
    assert "- if a and b:\n+ if a or b:\n```\n\n**No argument yet.**" in page
    assert unargued({"policy": result}, []) == [SWAPPED]
