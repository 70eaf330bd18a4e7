"""A pytest plugin of the runs under mutmut: which tests reach a function, and which run first.

mutmut notes, in one process, which functions run during which test. It misses what runs once for
all tests: on import, or where a result is kept. So here what runs on import counts for each test,
and each test begins with no result kept.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

STATS = Path("mutmut-stats.json")
_on_import: set[str] = set()


def _is_noting() -> bool:
    return os.environ.get("MUTANT_UNDER_TEST") == "stats"


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Let hypothesis look for no smaller example: that a test fails is enough, and minutes less."""
    from hypothesis import Phase, settings

    settings.register_profile("mutants", settings(), phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the quickest tests begin."""
    if STATS.exists():
        took = json.loads(STATS.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: took.get(item.nodeid, 0.0))


def pytest_collection_finish() -> None:
    """Import every declaration, and note which functions ran."""
    if not _is_noting():
        return
    from mutmut.state import state

    from customerio_tool.subtools import all_subtools

    all_subtools()
    _on_import.update(state()._stats)
    state()._stats.clear()


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
    members = [each for module in _modules() for each in vars(module).values()]
    for each in members:
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    kept = {each: names for each in members if isinstance(each, type) and (names := _kept_by(each))}
    for found in gc.get_objects():
        for name in kept.get(type(found), ()):
            vars(found).pop(name, None)


def _modules() -> list[ModuleType]:
    return [each for name, each in sys.modules.items() if name.startswith("customerio_tool.")]


def _kept_by(kind: type[object]) -> list[str]:
    """Return the names of the properties whose results an object of a class keeps."""
    members = {name: each for base in kind.__mro__ for name, each in vars(base).items()}
    return [n for n, each in members.items() if isinstance(each, functools.cached_property)]
