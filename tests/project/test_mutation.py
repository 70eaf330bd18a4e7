"""The mutants: the report tells the newest results, and every survivor has an argument."""

from __future__ import annotations

from dataclasses import replace

import pytest
import typer

from tests.mutation.__main__ import run
from tests.mutation.arguments import Argument, argument_for, arguments, idle
from tests.mutation.report import PAGE, markdown, unargued
from tests.mutation.results import Mutant, Result, kept, kept_as, target_of
from tests.mutation.sample import likely_range, sample
from tests.mutation.targets import MUST, Target, targets

SWAPPED = Mutant("customerio_tool.policy.barred.barred", "if a and b:", "if a or b:")


def test_the_page_tells_the_newest_results() -> None:
    assert PAGE.read_text("utf-8") == markdown(kept(), arguments(), targets()), (
        "run python -m tests.mutation report"
    )


def test_tests_notice_nine_of_ten_mutants_of_each_target_that_was_run() -> None:
    shares = {name: each.share for name, each in kept().items()}
    least = {name: targets()[target_of(name)].least for name in shares}
    assert {name for name, share in shares.items() if share < least[name]} == set()


def test_a_lower_share_is_asked_for_only_where_it_is_all_that_was_reached() -> None:
    lower = {name: each.least for name, each in targets().items() if each.least < MUST}
    assert all(least <= kept()[name].share < MUST for name, least in lower.items())


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
    result = Result(mutants=40, of=40, first=39, killed=37, timed_out=2, survivors=[SWAPPED])
    page = markdown({"policy": result}, [])
    assert "| policy | all 40 | 37 | 2 | 1 | 97.5 % | 97.5 % | 97.5 % |" in page
    assert "- if a and b:\n+ if a or b:\n```\n\n**No argument yet.**" in page
    assert unargued({"policy": result}, []) == [SWAPPED]


def test_a_sample_is_told_as_one_with_the_range_of_the_share() -> None:
    row = "a sample of 250 of 5,063 | 240 | 5 | 5 | 98.0 % | 95.4 to 99.1 % | 95.4 to 99.1 % |"
    assert row in markdown({"calls": of_sample(first=245, noticed=245)}, [])


def test_what_does_not_differ_is_left_out_of_the_last_share() -> None:
    same = Argument("always true", SWAPPED.function, SWAPPED.before, SWAPPED.after, is_same=True)
    row = "| 240 | 5 | 5 | 98.0 % | 95.4 to 99.1 % | 98.5 to 100.0 % |"
    assert row in markdown({"calls": of_sample(first=245, noticed=245)}, [same])


def of_sample(*, first: int, noticed: int, mutants: int = 250) -> Result:
    survivors = [SWAPPED] * (mutants - noticed)
    return Result(mutants, 5_063, first, killed=noticed - 5, timed_out=5, survivors=survivors)


def test_a_sample_beyond_another_tells_of_what_no_test_was_written_for() -> None:
    fresh = replace(of_sample(first=245, noticed=245), beyond=150)
    before = of_sample(first=200, noticed=245)
    both = {kept_as("calls"): before, kept_as("calls", 150): fresh}
    page = markdown(both, [], {"calls": Target("calls", [], [])})
    assert "| calls | a sample of 250 of 5,063 | 240 | 5 | 5 | 98.0 % | 74.6 to 84.5 % |" in page
    assert "| calls | a sample of 250 beyond 150 of 5,063 | 240 | 5 | 5 | 98.0 % | 95.4 to" in page
    assert "## calls, beyond 150" in page
    assert "does not show" not in page, "the fresh one does"
    rest = replace(fresh, of=400)
    assert rest.likely is None
    page = markdown({kept_as("calls", 150): rest}, [])
    assert "| calls | all 250 beyond 150 of 400 | 240 | 5 | 5 | 98.0 % | 98.0 % | 98.0 % |" in page


def test_a_sample_beyond_another_begins_anew() -> None:
    begun = of_sample(first=220, noticed=245)
    fresh = replace(of_sample(first=240, noticed=240), beyond=150)
    assert fresh.after(begun, again=False).first == 240
    assert replace(fresh, killed=245).after(fresh, again=True).first == 240


def test_tests_for_a_sample_do_not_change_what_it_told_of_the_other_mutants() -> None:
    begun = of_sample(first=220, noticed=220)
    later = of_sample(first=245, noticed=245).after(begun, again=True)
    assert (later.first, later.likely, later.share) == (220, begun.likely, 98.0)
    larger = of_sample(first=290, noticed=290, mutants=300).after(later, again=False)
    assert larger.first == 220 + 45
    assert of_sample(first=200, noticed=200).after(None, again=False).first == 200


def test_a_sample_that_leaves_in_doubt_what_all_would_show_says_so() -> None:
    declared = {"calls": Target("calls", [], [])}
    doubt = "the sample does not show that tests notice 90 % of all mutants"
    assert doubt in markdown({"calls": of_sample(first=229, noticed=245)}, [], declared)
    assert doubt not in markdown({"calls": of_sample(first=245, noticed=245)}, [], declared)


def test_the_range_of_a_share_stays_within_the_possible() -> None:
    assert [round(each, 1) for each in likely_range(100, 100)] == [96.3, 100.0]
    assert [round(each, 1) for each in likely_range(0, 100)] == [0.0, 3.7]


def test_a_target_that_was_never_run_is_named() -> None:
    assert "| calls | not run |" in markdown({}, [], {"calls": Target("calls", [], [])})


def test_what_is_left_unbroken_is_no_part_of_a_target() -> None:
    target = Target("calls", ["a/*.py"], [], unbroken=["a/b.py"])
    assert [target.breaks(path) for path in ("a/c.py", "a/b.py", "b/c.py")] == [True, False, False]


def test_what_was_left_out_or_is_below_the_aim_is_said() -> None:
    target = Target("calls", ["a/*.py"], [], unbroken=["a/b.py"], least=87)
    result = Result(mutants=100, of=100, first=88, killed=88, timed_out=0, survivors=[])
    page = markdown({"calls": result}, [], {"calls": target})
    assert "Of calls, `a/b.py` was not broken." in page
    assert "less than the 90 % that are wanted. They must notice 87 %." in page


def test_each_file_gives_its_share_of_a_sample_and_always_the_same() -> None:
    mutants = [(file, f"{file}_{n}") for file in ("a.py", "b.py", "c.py") for n in range(100)]
    picked = sample(mutants, 30)
    assert sorted(name[:4] for name in set(picked)) == ["a.py"] * 10 + ["b.py"] * 10 + ["c.py"] * 10
    assert sample(reversed(mutants), 60)[:30] == picked
    assert picked != [name for _, name in mutants[::10]]
    assert set(sample(mutants, 1_000)) == {name for _, name in mutants}


def test_a_sample_beyond_another_has_none_of_it() -> None:
    mutants = [(file, f"{file}_{n}") for file in ("a.py", "b.py", "c.py") for n in range(100)]
    assert sample(mutants, 30, beyond=60) == sample(mutants, 90)[60:]
    assert sample(mutants, 30, beyond=290) == sample(mutants, 300)[290:]


def test_a_run_leaves_out_only_what_a_sample_had() -> None:
    with pytest.raises(typer.BadParameter, match="--beyond comes with --sample"):
        run("policy", beyond=150)
