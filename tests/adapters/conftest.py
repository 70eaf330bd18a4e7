"""What the tests of adapters share: agents on the sandbox, and no way to the outside."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from tests.support.frameworks.hosts import HOSTS, Host, host_of

collect_ignore_glob = [] if sys.version_info >= (3, 11) else ["test_*.py"]
"""The extra `frameworks` is empty for an older Python, which the frameworks do not run on."""


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no framework call anybody: neither its provider nor its maker."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            assert address[0] in {"127.0.0.1", "::1", "localhost"}, f"a call to {address[0]}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def made(sandbox: Sandbox) -> Iterator[Callable[..., CustomerIoTool]]:
    """Makes tools on the sandbox, with a policy."""
    with ExitStack() as tools:

        def make(**policy: Any) -> CustomerIoTool:
            return tools.enter_context(CustomerIoTool(sandbox.connection(), policy=policy))

        yield make


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> Callable[..., Host]:
    """Makes an agent of each framework in turn."""
    return host_of(request.param)
