"""What tests of the workbench share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from customerio_tool.doors.workbench.trials import Trials
from customerio_tool.sandbox import Sandbox
from tests.support.workbench import Bench, workbench


@pytest.fixture
def bench(sandbox: Sandbox) -> Iterator[Bench]:
    """A workbench on a new local Customer.io, and a browser that it let in."""
    with workbench(sandbox) as running:
        yield running


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    """One workbench for all tests of a file."""
    with Sandbox() as local, workbench(local) as made:
        local.snapshot("the start")
        yield made


@pytest.fixture
def begun_anew(running: Bench) -> Iterator[Bench]:
    """The workbench of a file as it was at its start, which is quicker than a new one."""
    yield running
    local, workspace = running.local, running.workspaces.current
    local.faults.clear()
    local.clock.restart()
    local.configure(delay_seconds=0)
    local.restore("the start")
    workspace.policy, workspace.trials = workspace.bound, Trials()


@pytest.fixture
def same_bench(running: Bench) -> Bench:
    """The workbench of the file with the choices with which it began, for tests without calls."""
    first, *others = running.workspaces.all
    for each in others:
        running.workspaces.remove(each.key)
    running.workspaces.choose(first.key)
    running.workspaces.kept = None
    first.policy, first.found = first.bound, None
    return running
