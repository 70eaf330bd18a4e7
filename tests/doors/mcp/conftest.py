"""A local Customer.io for the MCP server, and the server in each way that hosts reach it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from customerio_tool.sandbox import Sandbox
from tests.support.mcp_doors import WAYS, Way, serving, through_pipe, variables


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The sandbox of the module, as new."""
    running.reset()
    running.faults.clear()
    return running


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit trail of the servers, which they create."""
    return tmp_path_factory.mktemp("audit") / "trail.jsonl"


@pytest.fixture(scope="module")
def env(running: Sandbox, audit: Path) -> dict[str, str]:
    return variables(running, CUSTOMERIO_AUDIT_FILE=str(audit))


@pytest.fixture(scope="module")
def http_url(env: dict[str, str]) -> Iterator[str]:
    """The URL of one server for all tests of a module."""
    with serving(env) as served:
        yield served.url


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def server(way: Way, env: dict[str, str], request: pytest.FixtureRequest) -> Any:
    """What an official client connects to, for the way of the test."""
    if way.transport == "http":
        return request.getfixturevalue("http_url")
    return through_pipe(env)
