"""Who may import whom: the contracts in `pyproject.toml`, held by reading the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import ROOT, pyproject

PACKAGE = "customerio_tool"
CONTRACTS = {
    contract["type"]: contract for contract in pyproject()["tool"]["importlinter"]["contracts"]
}
LINES: list[str] = CONTRACTS["layers"]["layers"]


def names_of(line: str) -> list[str]:
    """The modules on one line of the contract."""
    return [name.strip(" ()") for name in line.replace(":", "|").split("|")]


LEVEL = {name: level for level, line in enumerate(LINES) for name in names_of(line)}


def imports_of(file: Path, root: Path) -> Iterator[list[str]]:
    """What a file imports, wherever in it, each as the steps of its absolute name."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            within = node.module.split(".") if node.module else []
            yield from ([*above, *within, alias.name] for alias in node.names)


def neighbours(root: Path) -> dict[str, set[str]]:
    """For each module and package right under the root, which others it imports.

    A name of the root itself counts as all that the root imports.
    """
    graph: dict[str, set[str]] = {}
    for file in sorted((root / PACKAGE).rglob("*.py")):
        name = file.relative_to(root / PACKAGE).with_suffix("").parts[0]
        found = {path[1] for path in imports_of(file, root) if path[0] == PACKAGE and path[1:]}
        graph[name] = graph.get(name, set()) | found
    for names in graph.values():
        if names - graph.keys():
            names.update(graph["__init__"])
    return {name: names & graph.keys() - {name} for name, names in graph.items()}


def knowers_of_the_sandbox(root: Path) -> set[str]:
    """The modules outside of the sandbox that import it, by their names within the package."""
    found = set[str]()
    for file in sorted((root / PACKAGE).rglob("*.py")):
        steps = file.relative_to(root / PACKAGE).with_suffix("").parts
        if steps[0] != "sandbox" and any(
            path[:2] == [PACKAGE, "sandbox"] for path in imports_of(file, root)
        ):
            found.add(".".join(steps).removesuffix(".__init__"))
    return found


def may_know_the_sandbox(module: str) -> bool:
    """Whether the contract allows it to a module, or to a folder that it lies in."""
    allowed = CONTRACTS["protected"]["allowed_importers"]
    return any(f"{PACKAGE}.{module}.".startswith(f"{each}.") for each in allowed)


def broken(root: Path) -> list[str]:
    """The imports that the contracts do not allow."""
    pairs = {(name, other) for name, others in neighbours(root).items() for other in others}
    up = {pair for pair in pairs if LEVEL.get(pair[0], -1) >= LEVEL.get(pair[1], -1)}
    unlicensed = {
        (name, "sandbox") for name in knowers_of_the_sandbox(root) if not may_know_the_sandbox(name)
    }
    return sorted(f"{name} imports {other}" for name, other in up | unlicensed)


def test_every_module_imports_only_from_the_lines_below_it() -> None:
    assert broken(ROOT) == []


def test_every_module_has_its_line() -> None:
    assert neighbours(ROOT).keys() - {"__init__"} == LEVEL.keys()


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("errors", "from customerio_tool.subtools import find", "errors imports subtools"),
        (
            "subtools.declare.subtool",
            "def late():\n    import customerio_tool.tool",
            "subtools imports tool",
        ),
        ("connection.exchange", "from customerio_tool import policy", "connection imports policy"),
        ("policy.policy", "from customerio_tool import CustomerIoTool", "policy imports tool"),
        ("sandbox.local", "from customerio_tool.errors import NotFound", "sandbox imports errors"),
        (
            "connection.client",
            "from customerio_tool.sandbox import local",
            "connection.client imports sandbox",
        ),
        (
            "doors.cli.publish.files",
            "import customerio_tool.sandbox.local",
            "doors.cli.publish.files imports sandbox",
        ),
        ("calls.reply", "from ..tool import Handler", "calls imports tool"),
        ("calls.reply", "from .. import tool", "calls imports tool"),
    ],
)
def test_an_import_against_the_lines_is_told(
    tmp_path: Path, name: str, source: str, complaint: str
) -> None:
    for module in (*LEVEL, name):
        file = tmp_path.joinpath(PACKAGE, *module.split(".")).with_suffix(".py")
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(source if module == name else "import json\n")
    (tmp_path / PACKAGE / "__init__.py").write_text(f"from {PACKAGE}.tool import CustomerIoTool\n")
    assert broken(tmp_path) == [complaint]


def test_the_sandbox_is_on_the_lowest_line_so_that_it_imports_nothing_of_ours() -> None:
    assert "sandbox" in names_of(LINES[-1])
