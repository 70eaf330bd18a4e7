"""Knows what tests need of a machine, and what happens when it is missing.

A pytest plugin. What a machine may lack makes a test skip with a reason; with `REQUIRE_ALL=1` in
the environment every skip is a failure instead, so that a run on a complete machine cannot pass by
leaving things out. The vendor's specification is not part of a complete machine: without it the
tests that ask for the fixture `vendor_track` skip, and with `REQUIRE_ALL=1` they are left out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import pytest

from tests.support.vendor_spec import VARIABLE

VENDOR_FIXTURE = "vendor_track"

AnyReport = TypeVar("AnyReport", pytest.TestReport, pytest.CollectReport)


@dataclass(frozen=True)
class Program:
    """Something outside Python, under any of the names it is installed by."""

    commands: tuple[str, ...]
    install: str


PROGRAMS = {
    "browser": Program(
        ("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium"
    ),
    "npm": Program(("npm",), "apt-get install npm"),
    "redis-server": Program(("redis-server",), "apt-get install redis-server"),
}


def located(name: str) -> str | None:
    """The path of the program of this name in `PROGRAMS`, or None where the machine lacks it."""
    return next(filter(None, map(shutil.which, PROGRAMS[name].commands)), None)


def requires(name: str) -> pytest.MarkDecorator:
    """A mark that skips a test where the machine lacks the program of this name in `PROGRAMS`."""
    reason = f"{name} is not installed ({PROGRAMS[name].install})"
    return pytest.mark.skipif(located(name) is None, reason=reason)


class Needy(Protocol):
    """What tests run on, which may need a program."""

    @property
    def needs(self) -> str:
        """The name of the program in `PROGRAMS`; empty where none is needed."""


def on_each(stores: Mapping[str, Needy], names: Iterable[str]) -> list[Any]:
    """The names as parameters of tests, each skipped where the machine lacks what it needs."""
    needs = {name: stores[name].needs for name in names}
    return [pytest.param(n, marks=requires(need) if need else ()) for n, need in needs.items()]


def everything_required() -> bool:
    """Whether `REQUIRE_ALL=1` is set."""
    return os.environ.get("REQUIRE_ALL") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips tests that need the vendor's specification where none is named, or leaves them out."""
    if os.environ.get(VARIABLE):
        return
    needy = [item for item in items if VENDOR_FIXTURE in getattr(item, "fixturenames", ())]
    if everything_required():
        items[:] = [item for item in items if item not in needy]
        config.hook.pytest_deselected(items=needy)
        return
    for item in needy:
        item.add_marker(pytest.mark.skip(reason=f"{VARIABLE} names no specification"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judges the skips of tests."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judges the skips of whole modules."""
    return _judged((yield))


def _judged(report: AnyReport) -> AnyReport:
    expected_failure = hasattr(report, "wasxfail")
    if report.skipped and everything_required() and not expected_failure:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 allows no skips. {reason}"
    return report
