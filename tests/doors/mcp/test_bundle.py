"""The registry's `server.json` and the bundle in `mcpb/` keep the rules of those who read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import tomli
from jsonschema import Draft202012Validator
from mcp import StdioServerParameters

from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.cli.publish.mcp_files import BUNDLE, REGISTRY_NAME, SERVER_FILE
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.version import __version__
from tests.support import npm
from tests.support.mcp_doors import talk, variables
from tests.support.project import ROOT, pyproject
from tests.support.requirements import requires

PACKER = "@anthropic-ai/mcpb@2.1.2"

_SHORT = {"type": "string", "minLength": 1, "maxLength": 100}
_ARGUMENT = {
    "type": "object",
    "properties": {
        "type": {"enum": ["positional", "named"]},
        "name": {"type": "string", "pattern": "^--"},
        "value": {"type": "string", "minLength": 1},
    },
    "required": ["type", "value"],
    "additionalProperties": False,
    "if": {"properties": {"type": {"const": "named"}}},
    "then": {"required": ["name"]},
}
_VARIABLE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[A-Z][A-Z_]*$"},
        "description": {"type": "string", "minLength": 1},
        "isRequired": {"type": "boolean"},
        "isSecret": {"type": "boolean"},
        "choices": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "required": ["name", "description", "isRequired", "isSecret"],
    "additionalProperties": False,
}
REGISTRY_RULES = {
    "type": "object",
    "properties": {
        "$schema": {
            "const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
        },
        "name": {
            "type": "string",
            "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$",
            "minLength": 3,
            "maxLength": 200,
        },
        "title": _SHORT,
        "description": _SHORT,
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+", "maxLength": 255},
        "packages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "registryType": {"const": "pypi"},
                    "identifier": {"type": "string"},
                    "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                    "runtimeHint": {"const": "uvx"},
                    "runtimeArguments": {"type": "array", "items": _ARGUMENT},
                    "packageArguments": {"type": "array", "items": _ARGUMENT},
                    "transport": {"const": {"type": "stdio"}},
                    "environmentVariables": {"type": "array", "items": _VARIABLE},
                },
                "required": ["registryType", "identifier", "transport"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["$schema", "name", "description", "version"],
    "additionalProperties": False,
}
"""What the registry's schema of 2025-12-11 says of the members that the file has
(https://github.com/modelcontextprotocol/registry), and no other member."""


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / SERVER_FILE).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def bundle() -> dict[str, Any]:
    text = (ROOT / BUNDLE / "manifest.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_registrys_file_keeps_the_registrys_rules(server: dict[str, Any]) -> None:
    Draft202012Validator(REGISTRY_RULES).validate(server)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s.update(description="x" * 101),
        lambda s: s.update(name="customerio"),
        lambda s: s.update(colour="blue"),
        lambda s: s["packages"][0].pop("transport"),
        lambda s: s["packages"][0]["runtimeArguments"][0].pop("name"),
        lambda s: s["packages"][0]["environmentVariables"][0].pop("isSecret"),
    ],
)
def test_the_rules_refuse_what_the_registry_would(server: dict[str, Any], spoil: Any) -> None:
    spoilt = json.loads(json.dumps(server))
    spoil(spoilt)
    assert not Draft202012Validator(REGISTRY_RULES).is_valid(spoilt)


def test_the_registry_installs_this_version_with_the_extra(server: dict[str, Any]) -> None:
    (package,) = server["packages"]
    assert (package["identifier"], package["version"]) == (
        pyproject()["project"]["name"],
        __version__,
    )
    (source,) = package["runtimeArguments"]
    assert (source["name"], source["value"]) == ("--from", f"customerio-tool[mcp]=={__version__}")
    assert "mcp" in pyproject()["project"]["optional-dependencies"]


def test_the_registry_asks_for_the_fields_of_the_form(server: dict[str, Any]) -> None:
    asked = {each["name"]: each for each in server["packages"][0]["environmentVariables"]}
    for key, field in connection_fields().items():
        name = f"CUSTOMERIO_{key.upper()}"
        assert (name in asked) is (not field.operator)
        if not field.operator:
            assert asked[name]["isSecret"] is field.secret
            assert asked[name]["isRequired"] is field.required


def test_the_readme_proves_to_the_registry_who_owns_the_package(server: dict[str, Any]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"mcp-name: (\S+)", readme) == [REGISTRY_NAME] == [server["name"]]


def test_the_bundle_hands_each_setting_on(bundle: dict[str, Any]) -> None:
    run = bundle["server"]["mcp_config"]
    used = set(re.findall(r"\$\{user_config\.(\w+)\}", json.dumps(run)))
    assert used == set(bundle["user_config"])
    for key, setting in bundle["user_config"].items():
        if key in connection_fields():
            assert setting["sensitive"] is connection_fields()[key].secret
            assert run["env"][f"CUSTOMERIO_{key.upper()}"] == f"${{user_config.{key}}}"
        assert setting["required"] or setting["default"] == ""


def test_the_bundle_names_the_subtools_and_files_that_there_are(bundle: dict[str, Any]) -> None:
    assert [tool["name"] for tool in bundle["tools"]] == list(subtools())
    assert (ROOT / BUNDLE / bundle["server"]["entry_point"]).is_file()
    project = tomli.loads((ROOT / BUNDLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"customerio-tool[mcp]=={__version__}"]
    assert project["requires-python"] == bundle["compatibility"]["runtimes"]["python"]


def test_the_bundle_serves_with_the_settings_that_a_person_left_blank(
    bundle: dict[str, Any],
) -> None:
    with Sandbox() as sandbox:
        env = {**variables(sandbox), "CUSTOMERIO_REGION": "", "CUSTOMERIO_WORKSPACE_ID": ""}
        program = str(ROOT / BUNDLE / bundle["server"]["entry_point"])
        preset = bundle["user_config"]["preset"]["default"]
        started = StdioServerParameters(
            command=sys.executable, args=[program, "--preset", preset], env=env
        )
        result = talk(started, "handshake", lambda c: c.call_tool("list_segments", {}))
    assert result.structured_content["ok"] is True


@requires("npm")
def test_the_official_packer_takes_the_bundle(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = npm.installed(pytestconfig, tmp_path_factory, PACKER)
    packer = [str(folder / "node_modules" / ".bin" / "mcpb")]
    checked = subprocess.run(
        [*packer, "validate", str(ROOT / BUNDLE / "manifest.json")], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    packed = tmp_path / "customerio.mcpb"
    done = subprocess.run(
        [*packer, "pack", str(ROOT / BUNDLE), str(packed)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(packed) as archive:
        assert set(archive.namelist()) == {"manifest.json", "pyproject.toml", "server.py"}
    assert packed.stat().st_size < 10_000
