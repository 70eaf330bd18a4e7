"""The official inspector, strict about schemas, finds nothing to complain of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import npm
from tests.support.mcp_doors import command
from tests.support.requirements import requires

INSPECTOR, NODE = "@modelcontextprotocol/inspector@2.12.0", "node@22"
"""The inspector needs Node 22.19; with an older one, npm installs an inspector of 2025 unasked."""

pytestmark = requires("npm")


@pytest.fixture(scope="module")
def tools(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs."""
    folder = npm.installed(pytestconfig, tmp_path_factory, INSPECTOR, NODE)
    return folder / "node_modules" / ".bin"


def inspected(tools: Path, *options: str) -> subprocess.CompletedProcess[str]:
    server = [sys.executable, *command("--sandbox")]
    return subprocess.run(
        [str(tools / "mcp-inspector"), "--cli", *options, "--", *server],
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )


eras = pytest.mark.parametrize("era", ["legacy", "modern"])


@eras
def test_it_lists_the_tools_without_a_warning(tools: Path, era: str) -> None:
    done = inspected(tools, "--protocol-era", era, "--method", "tools/list", "--strict")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["tools"]) > 20
    assert "warning" not in done.stderr.lower(), done.stderr


@eras
def test_it_calls_a_tool(tools: Path, era: str) -> None:
    done = inspected(
        tools,
        *("--protocol-era", era),
        *("--method", "tools/call", "--tool-name", "get_customer_attributes"),
        *("--tool-arg", "customer_id=u1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["structuredContent"]["ok"] is True
