"""The names that users import: all of them there, typed, and loaded only when asked for."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys

import pytest

import customerio_tool
from tests.support.project import ROOT

EARLIER_PATHS = {
    "customerio_tool.connection": ["Api", "Connection"],
    "customerio_tool.policy": ["Policy"],
    "customerio_tool.shapes": ["contains", "listing"],
    "customerio_tool.spec": [
        "Args",
        "Call",
        "Effect",
        "Endpoint",
        "Example",
        "Pace",
        "Sends",
        "Subtool",
    ],
    "customerio_tool.subtools.pages": ["Full", "Limit", "NamePart", "Offset"],
}
"""What the README has shown, where it showed it."""


def run(*command: str) -> str:
    ended = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return ended.stdout


@pytest.mark.parametrize("name", customerio_tool.__all__)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert getattr(customerio_tool, name) is not None
    assert name in dir(customerio_tool)


def test_a_type_checker_sees_every_public_name() -> None:
    tree = ast.parse((ROOT / "customerio_tool" / "__init__.py").read_text(encoding="utf-8"))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = [
        alias.name
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(seen) == sorted(customerio_tool.__all__)


def test_all_errors_are_public() -> None:
    assert set(importlib.import_module("customerio_tool.errors").__all__) <= set(
        customerio_tool.__all__
    )


@pytest.mark.parametrize("module", EARLIER_PATHS)
def test_the_paths_that_the_readme_showed_stay(module: str) -> None:
    for name in EARLIER_PATHS[module]:
        assert hasattr(importlib.import_module(module), name), name


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nobody"):
        customerio_tool.Nobody  # noqa: B018 - it is the access that fails


def test_the_package_loads_nothing_until_it_is_asked() -> None:
    loaded = run("-c", "import sys, customerio_tool; print(*sys.modules)").split()
    assert [name for name in loaded if name.startswith("customerio_tool.")] == []
    assert not {"pydantic", "requests", "jsonschema"} & set(loaded)


def test_the_package_can_be_run() -> None:
    told = run("-m", "customerio_tool", "--version")
    assert told.split() == ["customerio-tool", customerio_tool.__version__]
