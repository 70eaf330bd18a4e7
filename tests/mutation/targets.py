"""Knows what is broken and which tests must notice, and makes the folder where that happens.

mutmut reads one configuration, of the folder that it runs in. So every target of `[tool.mutants]`
has a folder of its own, which links to the project and has its own `pyproject.toml`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tests.support.project import ROOT, pyproject

FOLDERS = ROOT / ".mutants"
PRELOADED = "preloaded.txt"

MUST = 90.0
"""How many of a hundred mutants of a target tests must notice; each other one has an argument."""


@dataclass(frozen=True)
class Target:
    """A part of the package, and the tests that promise what it does.

    Args:
        name: Its name in `[tool.mutants]`.
        code: Patterns of the files that are broken.
        tests: The tests, as pytest takes them.
        unbroken: Patterns of files of `code` that are left as they are.
        least: How many of a hundred of its mutants tests notice for now, where fewer than `MUST`.
        preload: Modules that import nothing of `code`: they are imported once for all mutants.
    """

    name: str
    code: Sequence[str]
    tests: Sequence[str]
    unbroken: Sequence[str] = ()
    preload: Sequence[str] = ()
    least: float = MUST

    @property
    def folder(self) -> Path:
        """The folder that mutmut runs in."""
        return FOLDERS / self.name

    @property
    def chosen(self) -> Path:
        """The file that names the mutants of the sample, where only a sample is tried."""
        return self.folder / "sample.txt"

    def breaks(self, path: str) -> bool:
        """Whether a file of the project is broken."""
        is_left = any(fnmatch(path, each) for each in self.unbroken)
        return not is_left and any(fnmatch(path, each) for each in self.code)

    def settings(self) -> str:
        """Return the project's `pyproject.toml` with this target's settings of mutmut."""
        own = {
            "only_mutate": self.code,
            "do_not_mutate": self.unbroken,
            "pytest_add_cli_args_test_selection": self.tests,
            "preload_modules_file": PRELOADED,
        }
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in own.items())
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        return text.replace("[tool.mutmut]\n", f"[tool.mutmut]\n{lines}")

    def prepare(self) -> None:
        """Make the folder, or bring it up to date."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in ROOT.iterdir():
            link = self.folder / path.name
            if path.name[0] != "." and path.name != "pyproject.toml" and not link.exists():
                link.symlink_to(path)
        (self.folder / "pyproject.toml").write_text(self.settings(), encoding="utf-8")
        (self.folder / PRELOADED).write_text("\n".join(preloaded(self)), encoding="utf-8")


def _declared() -> dict[str, Any]:
    declared: dict[str, Any] = pyproject()["tool"]["mutants"]
    return declared


def targets() -> dict[str, Target]:
    """Return the targets by name."""
    return {name: Target(name, **each) for name, each in _declared()["targets"].items()}


def preloaded(target: Target) -> list[str]:
    """Return the modules that are imported once for all mutants of a target."""
    return [*_declared()["preload"], *target.preload]
