"""The import contracts in `pyproject.toml` hold, and an import against them is found."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from customerio_tool.subtools import declared_in, modules
from tests.support.project import ROOT

LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"]

AGAINST_THE_LINES = {
    "errors.py": "from customerio_tool.subtools import find",
    "subtools/declare/endpoint.py": "import customerio_tool.tool",
    "connection/exchange.py": "from customerio_tool import policy",
    "backends/quota.py": "def late():\n    from ..connection import Connection",
    "calls/reply.py": "from .. import tool",
    "sandbox/clock.py": "from customerio_tool.errors import NotFound",
    "connection/client.py": "from customerio_tool.sandbox import local",
    "extra.py": "import json",
}
FOUND = [
    "customerio_tool.errors -> customerio_tool.subtools",
    "customerio_tool.subtools.declare.endpoint -> customerio_tool.tool",
    "customerio_tool.connection.exchange -> customerio_tool.policy",
    "customerio_tool.backends.quota -> customerio_tool.connection",
    "customerio_tool.calls.reply -> customerio_tool.tool",
    "customerio_tool.sandbox.clock -> customerio_tool.errors",
    "customerio_tool.connection.client -> customerio_tool.sandbox.local",
    "extra",
]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LINT, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )


def test_every_module_imports_only_from_the_lines_below_it() -> None:
    linted = lint(ROOT)
    assert linted.returncode == 0, linted.stdout


def test_every_import_against_the_lines_is_found(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = shutil.copytree(ROOT / "customerio_tool", tmp_path / "customerio_tool")
    for path, source in AGAINST_THE_LINES.items():
        file = package / path
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(f"{before}\n{source}\n", encoding="utf-8")
    linted = lint(tmp_path)
    assert linted.returncode == 1
    assert [line for line in FOUND if line not in linted.stdout] == [], linted.stdout


def test_a_declaration_has_its_words_from_one_place() -> None:
    package = ROOT / "customerio_tool" / "subtools"
    files = [package / f"{module}.py" for module in modules() if declared_in(module)]
    sources = {
        node.module
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("customerio_tool")
    }
    face, shared = "customerio_tool.subtools.declare", "customerio_tool.subtools.parts."
    siblings = {f"customerio_tool.subtools.{file.stem}" for file in files}
    others = {source for source in sources if not str(source).startswith(shared)}
    assert others <= {face, *siblings}
