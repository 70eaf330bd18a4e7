"""Knows that a complete machine cannot pass by skipping, and a lesser one is told what it lacks."""

from __future__ import annotations

import shutil

import pytest

from tests.support.requirements import PROGRAMS, located, requires
from tests.support.vendor_spec import VARIABLE

SKIPS = {
    "a mark": "@pytest.mark.skip(reason='no redis here')\ndef test_it(): pass",
    "a call": "def test_it(): pytest.skip('no redis here')",
    "a fixture": (
        "@pytest.fixture\ndef redis(): pytest.skip('no redis here')\ndef test_it(redis): pass"
    ),
    "a whole module": (
        "pytest.skip('no redis here', allow_module_level=True)\ndef test_it(): pass"
    ),
    "a missing module": (
        "pytest.importorskip('no_such_module', reason='no redis here')\ndef test_it(): pass"
    ),
}
OTHER_OUTCOMES = """
def test_pass(): pass

def test_fail(): assert False

@pytest.mark.xfail(reason="known")
def test_expected(): assert False
"""
NEEDS_VENDOR = """
@pytest.fixture
def vendor_track(): return "a specification"

def test_with(vendor_track): assert vendor_track == "a specification"

def test_without(): pass
"""


@pytest.fixture(autouse=True)
def _no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_ALL", "1")


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_ALL", raising=False)


def run(pytester: pytest.Pytester, body: str) -> pytest.RunResult:
    pytester.makepyfile(f"import pytest\n\n{body}")
    return pytester.runpytest_inprocess("-p", "tests.support.requirements", "-rs")


@pytest.mark.parametrize("body", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_stays_a_skip_without_require_all(
    pytester: pytest.Pytester, lenient: None, body: str
) -> None:
    result = run(pytester, body)
    assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize("body", SKIPS.values(), ids=SKIPS.keys())
def test_require_all_turns_a_skip_into_a_failure_that_gives_the_reason(
    pytester: pytest.Pytester, strict: None, body: str
) -> None:
    result = run(pytester, body)
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    assert result.parseoutcomes().keys() <= {"failed", "error", "errors"}
    result.stdout.fnmatch_lines(["*REQUIRE_ALL=1 allows no skips.*no redis here*"])


def test_require_all_leaves_passes_failures_and_expected_failures_alone(
    pytester: pytest.Pytester, strict: None
) -> None:
    result = run(pytester, OTHER_OUTCOMES)
    result.assert_outcomes(passed=1, failed=1, xfailed=1)


def test_only_the_value_1_requires_all(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_ALL", "0")
    run(pytester, SKIPS["a mark"]).assert_outcomes(skipped=1)


def test_without_the_vendors_file_its_tests_skip_with_a_reason(
    pytester: pytest.Pytester, lenient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    result = run(pytester, NEEDS_VENDOR)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines([f"*{VARIABLE} names no specification*"])


def test_without_the_vendors_file_require_all_leaves_its_tests_out(
    pytester: pytest.Pytester, strict: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    result = run(pytester, NEEDS_VENDOR)
    result.assert_outcomes(passed=1, deselected=1)
    assert result.ret == pytest.ExitCode.OK


def test_with_the_vendors_file_its_tests_run(
    pytester: pytest.Pytester, strict: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "track.json")
    run(pytester, NEEDS_VENDOR).assert_outcomes(passed=2)


def test_a_missing_program_is_named_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    mark = requires("redis-server").mark
    assert mark.args == (True,)
    assert mark.kwargs["reason"] == "redis-server is not installed (apt-get install redis-server)"


def test_a_program_is_found_under_any_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shutil, "which", lambda name: "/opt/google-chrome" if name == "google-chrome" else None
    )
    assert located("browser") == "/opt/google-chrome"
    assert requires("browser").mark.args == (False,)


def test_a_program_nobody_declared_is_refused() -> None:
    assert "perl" not in PROGRAMS
    with pytest.raises(KeyError, match="perl"):
        requires("perl")
