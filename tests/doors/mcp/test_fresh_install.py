"""In an environment that has only the extra `mcp`, one command serves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from tests.support.project import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed from this checkout into an environment of its own."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet"]
    done = subprocess.run([*pip, f"{ROOT}[mcp]"], capture_output=True, text=True)
    if done.returncode and re.search("NewConnectionError|NameResolutionError", done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "customerio-tool"


def test_one_command_serves_without_an_account(installed: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    server = StdioServerParameters(
        command=str(installed),
        args=["mcp", "--sandbox"],
        env=environment,
        cwd=installed.parent,
    )

    async def conversation() -> bool:
        async with Client(server, mode="legacy") as client:
            result = await client.call_tool("list_segments", {})
        return bool(result.structured_content["ok"])

    assert anyio.run(conversation)
