"""Every library that the package imports comes with the base install or with an extra."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import tomli

from tests.support.project import ROOT

PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
EXTRA_OF = {
    "adapters": ["frameworks"],
    "backends": ["redis", "otel"],
    "calls": ["approvals"],
    "doors/cli/mcp.py": ["mcp"],
    "doors/cli/serve.py": ["web"],
    "doors/cli/tokens.py": ["tokens"],
    "doors/cli": ["cli"],
    "doors/mcp": ["mcp"],
    "doors/web": ["web"],
    "doors/workbench": ["web"],
    "sandbox": ["sandbox"],
}
"""The extras that a folder or a file needs, besides the base install; the nearest come first."""

OF_THE_HOST = {"pytest"}
"""Who uses our plugin has it."""


def name_of(requirement: str) -> str:
    """Return the name of a distribution in its one form."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def listed(extra: str) -> Iterator[str]:
    """Yield what an extra lists, with what the extras that it names list."""
    for each in EXTRAS[extra]:
        if own := re.match(r"customerio-tool\[(.*)\]", each):
            for other in own[1].split(","):
                yield from listed(other)
        else:
            yield name_of(each)


def offered(place: str) -> set[str]:
    """What a folder may count on: each library that is named, and what that one requires."""
    extras = next((EXTRA_OF[one] for one in EXTRA_OF if f"{place}/".startswith(f"{one}/")), [])
    named = {name_of(each) for each in PROJECT["dependencies"]}
    named |= {each for extra in extras for each in listed(extra)}
    return named | {brought for name in named for brought in brought_by(name)}


def brought_by(distribution: str) -> Iterator[str]:
    try:
        needed = requires(distribution) or []
    except PackageNotFoundError:  # of another platform, or of a newer Python
        return
    yield from (name_of(each) for each in needed if "extra ==" not in each)


def imported(path: Path) -> Iterator[str]:
    """Yield the top names of what a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def test_every_library_that_is_imported_comes_with_an_install() -> None:
    known, package = packages_distributions(), ROOT / "customerio_tool"
    ours = {"customerio_tool", *sys.stdlib_module_names}
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in package.rglob("*.py")
        for name in set(imported(path)) - ours
        if not {name_of(each) for each in known.get(name, [name])}
        & (offered(path.relative_to(package).as_posix()) | OF_THE_HOST)
    }
    assert strangers == set()
