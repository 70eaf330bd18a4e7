"""The version stands in one place."""

from __future__ import annotations

import sys
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

import pytest

import customerio_tool
from customerio_tool import CustomerIoTool
from customerio_tool.version import DISTRIBUTION, how_to_install
from tests.support.project import pyproject


def test_the_version_is_that_of_the_distribution() -> None:
    assert pyproject()["project"]["name"] == DISTRIBUTION
    assert customerio_tool.__version__ == metadata.version(DISTRIBUTION)


def test_the_line_that_installs_an_extra_installs_it_into_this_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", "/agents/.venv")
    monkeypatch.setattr(sys, "executable", "/my agents/.venv/bin/python")
    monkeypatch.setitem(sys.modules, "pip", module_from_spec(ModuleSpec("pip", None)))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    asked = how_to_install("cli")
    assert asked == "'/my agents/.venv/bin/python' -m pip install 'customerio-tool[cli]'"
    monkeypatch.setenv("VIRTUAL_ENV", "/agents/.venv")
    assert how_to_install("cli") == "pip install 'customerio-tool[cli]'"


def test_without_pip_as_uv_makes_environments_the_line_is_one_for_uv(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", "/agents/.venv")
    monkeypatch.setattr(sys, "executable", "/my agents/.venv/bin/python")
    monkeypatch.setenv("VIRTUAL_ENV", "/agents/.venv")
    monkeypatch.setitem(sys.modules, "pip", None)
    asked = how_to_install("cli")
    assert asked == "uv pip install --python '/my agents/.venv/bin/python' 'customerio-tool[cli]'"


@pytest.mark.parametrize("pip", [None, module_from_spec(ModuleSpec("pip", None))])
def test_where_pipx_installed_the_line_is_one_for_pipx(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pip: ModuleType | None
) -> None:
    environment = tmp_path / "customerio-tool-next"  # pipx install --suffix=-next
    environment.mkdir()
    (environment / "pipx_metadata.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(sys, "executable", str(environment / "bin" / "python"))
    monkeypatch.setitem(sys.modules, "pip", pip)
    asked = how_to_install("cli")
    assert asked == "pipx runpip customerio-tool-next install 'customerio-tool[cli]'"


def test_a_call_names_the_version() -> None:
    with CustomerIoTool.sandbox() as tool:
        assert tool.call("list_segments")["ok"]
        assert tool.local is not None
        (request,) = tool.local.requests()
    assert request["user_agent"] == f"{DISTRIBUTION}/{customerio_tool.__version__}"
