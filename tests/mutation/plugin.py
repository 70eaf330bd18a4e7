"""A pytest plugin of the runs under mutmut: which tests reach a function, and which run first.

mutmut notes, in one process, which functions run during which test. It misses what runs once for
all tests: on import, or where a result is kept. So here what runs on import counts for each test,
and each test begins with no result kept.

With `--cases 4` only four of the cases of a test run: for each mutant, many ask the same again.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType

import pytest

STATS = Path("mutmut-stats.json")
_on_import: set[str] = set()
_made_on_import: list[object] = []


def _is_noting() -> bool:
    return os.environ.get("MUTANT_UNDER_TEST") == "stats"


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Let hypothesis look for no smaller example: that a test fails is enough, and minutes less."""
    from hypothesis import Phase, settings

    settings.register_profile("mutants", settings(), phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number of cases."""
    parser.addoption("--cases", type=int, help="run only so many of the cases of a test")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out cases, and let the quickest tests begin."""
    if cases := config.getoption("--cases"):
        # By name, so that they are the same each time: pytest-randomly has mixed them by now.
        items[:] = _spread(sorted(items, key=lambda item: item.nodeid), cases)
    if STATS.exists():
        took = json.loads(STATS.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: took.get(item.nodeid, 0.0))


def _spread(items: list[pytest.Item], cases: int) -> Iterator[pytest.Item]:
    """Yield so many cases of each test, which stand together, in equal steps from the first."""
    for _, each in groupby(items, key=_test_of):
        found = list(each)
        step = max(1, len(found) / cases)
        yield from (found[int(n * step)] for n in range(min(cases, len(found))))


def _test_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def pytest_collection_finish() -> None:
    """Import every declaration, and note which functions ran."""
    if not _is_noting():
        return
    from mutmut.state import state

    from customerio_tool.subtools import all_subtools

    all_subtools()
    _on_import.update(state()._stats)
    state()._stats.clear()
    kinds = _kinds_that_keep()
    _made_on_import.extend(each for each in gc.get_objects() if type(each) in kinds)
    gc.freeze()  # so that `get_objects` has only what was made since, and takes no time


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget the results that were kept."""
    if _is_noting():
        _forget()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Count every test for what ran on import."""
    if not _is_noting():
        return
    from mutmut.state import state

    names = {item.nodeid for item in session.items}
    for function in _on_import:
        state().tests_by_mangled_function_name[function] |= names


def _forget() -> None:
    for each in _members():
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    kinds = _kinds_that_keep()
    for found in [*_made_on_import, *gc.get_objects()]:
        for name in kinds.get(type(found), ()):
            vars(found).pop(name, None)


def _kinds_that_keep() -> dict[type[object], list[str]]:
    """Return the classes whose objects keep results, with the names of those properties."""
    kinds = [each for each in _members() if isinstance(each, type)]
    return {each: names for each in kinds if (names := _kept_by(each))}


def _members() -> list[object]:
    return [each for module in _modules() for each in vars(module).values()]


def _modules() -> list[ModuleType]:
    return [each for name, each in sys.modules.items() if name.startswith("customerio_tool.")]


def _kept_by(kind: type[object]) -> list[str]:
    """Return the names of the properties whose results an object of a class keeps."""
    members = {name: each for base in kind.__mro__ for name, each in vars(base).items()}
    return [n for n, each in members.items() if isinstance(each, functools.cached_property)]
