"""What tests of the workbench share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool.sandbox import Sandbox
from tests.support.workbench import Bench, workbench


@pytest.fixture
def bench(sandbox: Sandbox) -> Iterator[Bench]:
    """A workbench on a new local Customer.io, and a browser that it let in."""
    with workbench(sandbox) as running:
        yield running
