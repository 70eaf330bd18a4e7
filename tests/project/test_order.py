"""The tests run in another order each time, and a failure tells how to have its order again."""

from __future__ import annotations

import pytest

BODY = """
import pytest

@pytest.mark.parametrize("number", range(20))
def test_it(number): assert number != 7
"""
RANDOMLY = ("-p", "pytest_randomly", "-p", "tests.support.order")


@pytest.fixture(autouse=True)
def _no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def order(pytester: pytest.Pytester, *options: str) -> list[str]:
    """The tests in the order in which they ran."""
    result = pytester.runpytest_inprocess("-v", *RANDOMLY, *options)
    result.assert_outcomes(passed=19, failed=1)
    return [line.split()[0] for line in result.outlines if "::test_it[" in line and "%" in line]


def test_a_seed_repeats_an_order_and_another_one_changes_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BODY)
    first = order(pytester, "--randomly-seed=1")
    assert len(first) == 20
    assert order(pytester, "--randomly-seed=1") == first
    assert order(pytester, "--randomly-seed=2") != first


def test_a_quiet_run_that_fails_tells_the_seed_and_one_that_passes_does_not(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(BODY)
    failed = pytester.runpytest_inprocess("-q", *RANDOMLY, "--randomly-seed=3")
    failed.stdout.fnmatch_lines(["The same order again: --randomly-seed=3"])
    passed = pytester.runpytest_inprocess("-q", *RANDOMLY, "-k", "not 7")
    passed.stdout.no_fnmatch_line("*--randomly-seed*")
