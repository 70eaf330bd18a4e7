"""Runs the tests of a target as mutmut does, but with nothing broken: they must pass.

mutmut itself does so without the preloaded modules. Where these make every test fail, it would take
that for a mutant that was noticed. `python -m tests.mutation.unbroken TARGET`
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

from tests.mutation.targets import Target, preloaded, targets
from tests.support.project import ROOT, pyproject


def imported_too_soon(target: Target) -> list[str]:
    """Import the preloaded modules, and return the files of the target that they import."""
    for name in preloaded(target):
        import_module(name)
    files = [Path(found) for m in list(sys.modules.values()) if (found := _file_of(m))]
    ours = [file.relative_to(ROOT).as_posix() for file in files if file.is_relative_to(ROOT)]
    return sorted(file for file in ours if any(fnmatch(file, each) for each in target.code))


def _file_of(module: object) -> str | None:
    return getattr(module, "__file__", None)


def main() -> int:
    """Run them, and return how pytest ended."""
    target = targets()[sys.argv[1]]
    if files := imported_too_soon(target):
        raise SystemExit(f"no preloaded module may import these: {', '.join(files)}")
    import pytest

    arguments = pyproject()["tool"]["mutmut"]["pytest_add_cli_args"]
    return int(pytest.main(["-q", "-x", *arguments, *target.tests]))


if __name__ == "__main__":
    sys.exit(main())
