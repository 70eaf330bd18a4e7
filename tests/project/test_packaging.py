"""The wheel as a stranger installs it: what it carries, what it needs, what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from customerio_tool.doors.cli.publish.skill_file import SKILL
from customerio_tool.subtools import subtools
from tests.support.project import ROOT, pyproject

PROJECT = pyproject()["project"]

REPORT = """
import json, sys
import customerio_tool
from importlib.metadata import distributions
unused = sorted(sys.modules)
saved = {"site_id": "site", "track_api_key": "track", "app_api_key": "app"}
with customerio_tool.CustomerIoTool(saved) as tool:
    names = [definition["name"] for definition in tool.definitions()]
print(json.dumps({
    "file": customerio_tool.__file__,
    "installed": [distribution.name for distribution in distributions()],
    "on_import": unused,
    "on_listing": sorted(sys.modules),
    "definitions": names,
}))
"""


def canonical(requirement: str) -> str:
    """The name of a requirement's distribution as indexes compare it."""
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


RUNTIME = {canonical(requirement) for requirement in PROJECT["dependencies"]}
EXTRAS = {
    canonical(requirement)
    for requirements in PROJECT["optional-dependencies"].values()
    for requirement in requirements
} - {PROJECT["name"]}
MODULES = {
    "openai-agents": "agents",
    "opentelemetry-api": "opentelemetry",
    "pydantic-ai-slim": "pydantic_ai",
    "pyyaml": "yaml",
    "splintr-rs": "splintr",
}
"""What extras are imported as, where that is not their name."""


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel and what it needs, and nothing else."""

    bin: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs far from the checkout, with nothing of this process's paths."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
        return subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.bin,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in an environment of its own; what it needs comes from the package index."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    environment = Installed(folder / "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet"]
    done = subprocess.run([*pip, str(wheel)], capture_output=True, text=True)
    if done.returncode and re.search("NewConnectionError|NameResolutionError", done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return environment


@pytest.fixture(scope="module")
def report(installed: Installed) -> dict[str, list[str]]:
    """What a program sees that imports the package and lists the definitions."""
    done = installed.run("python", "-W", "error", "-c", REPORT)
    assert done.returncode == 0, done.stderr
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def test_the_wheel_carries_the_published_schemas_and_the_types_marker(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        schemas = {
            n.partition("/_schemas/")[2]: archive.read(n) for n in names if "/_schemas/" in n
        }
    assert {"customerio_tool/py.typed", SKILL} <= names
    folder = ROOT / "schemas"
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert schemas == {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"customerio_tool"}


def test_definitions_need_no_library_and_no_file_outside_the_archive(wheel: Path) -> None:
    program = (
        f"import json, sys; sys.path.insert(0, {str(wheel)!r})\n"
        "from customerio_tool import CustomerIoTool\n"
        "print(json.dumps(CustomerIoTool.definitions()))"
    )
    done = subprocess.run([sys.executable, "-ISc", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [each.definition() for each in subtools().values()]


def test_the_wheel_needs_three_libraries_and_has_the_rest_as_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(path).decode().splitlines()
    needed = [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist: ")]
    always = {canonical(requirement) for requirement in needed if "extra ==" not in requirement}
    assert always == {"pydantic", "requests", "jsonschema"}


def test_an_empty_environment_with_the_wheel_lists_every_definition(
    report: dict[str, list[str]],
) -> None:
    assert report["definitions"] == list(subtools())
    assert str(ROOT) not in report["file"]


def test_the_wheel_installs_no_extra(report: dict[str, list[str]]) -> None:
    present = {canonical(name) for name in report["installed"]}
    assert present >= {*RUNTIME, PROJECT["name"]}
    assert present & EXTRAS == set()


@pytest.mark.parametrize("moment", ["on_import", "on_listing"])
def test_neither_sandbox_nor_extra_is_loaded(report: dict[str, list[str]], moment: str) -> None:
    loaded = {name.partition(".")[0] for name in report[moment]}
    assert loaded & {MODULES.get(extra, extra.replace("-", "_")) for extra in EXTRAS} == set()
    assert not [name for name in report[moment] if name.startswith("customerio_tool.sandbox")]


def test_the_command_without_its_extra_says_how_to_install_it(installed: Installed) -> None:
    done = installed.run("customerio-tool", "demo")
    assert (done.returncode, done.stdout) == (2, "")
    python = installed.bin / "python"  # without pip, as those of uv are
    assert f"uv pip install --python {python} 'customerio-tool[cli]'" in done.stderr
    assert "Traceback" not in done.stderr
