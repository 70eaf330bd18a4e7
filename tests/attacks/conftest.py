"""Knows whom the attacks are made on: a tool with everything open, on a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.sandbox import Sandbox
from tests.support.clients import AnyPace


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=False) as running:
        yield running


@pytest.fixture(scope="module")
def tool(sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    with CustomerIoTool(
        sandbox.connection(), policy="open", backends=Backends(limiter=AnyPace())
    ) as made:
        yield made
