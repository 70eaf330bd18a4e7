"""A framework is imported by the one who uses its adapter, and is missed with good advice."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path

import pytest

from customerio_tool import CustomerIoTool, adapters
from tests.support.clients import SAVED_US
from tests.support.frameworks.hosts import HOSTS

ADAPTERS = {
    "agno": ("toolkit", "agno", "agno"),
    "langchain": ("tools", "langchain_core", "langchain-core langgraph"),
    "openai_agents": ("tools", "agents", "openai-agents"),
    "pydantic_ai": ("toolset", "pydantic_ai", "pydantic-ai-slim"),
}
"""Of each adapter: its function, what it imports, and what is installed for it."""


def test_every_adapter_is_tested() -> None:
    modules = {path.stem for path in Path(adapters.__path__[0]).glob("*.py")}
    public = {name for name in modules if name not in {"__init__", "asking", "gate", "shape"}}
    assert public == ADAPTERS.keys() == {name.partition(",")[0] for name in HOSTS}


def test_importing_the_adapters_imports_no_framework() -> None:
    source = f"""
import sys
from customerio_tool.adapters import {", ".join(ADAPTERS)}
frameworks = "agents agno langchain_core langgraph mcp openai pydantic_ai".split()
assert not [each for each in frameworks if each in sys.modules]
"""
    subprocess.run([sys.executable, "-W", "error", "-c", source], check=True)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_missing_framework_says_what_to_install(
    adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, module, packages = ADAPTERS[adapter]
    monkeypatch.setitem(sys.modules, module, None)
    for loaded in [each for each in sys.modules if each.startswith(f"{module}.")]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setattr(sys, "prefix", "/agents/.venv")
    monkeypatch.setattr(sys, "executable", "/agents/.venv/bin/python")
    monkeypatch.setitem(sys.modules, "pip", module_from_spec(ModuleSpec("pip", None)))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    make = getattr(import_module(f"customerio_tool.adapters.{adapter}"), function)
    advice = f": /agents/.venv/bin/python -m pip install --upgrade {packages}$"
    with CustomerIoTool(SAVED_US) as tool, pytest.raises(ImportError, match=advice):
        make(tool)
