"""The pytest plugin: a local Customer.io as a fixture, and the tool on it.

It comes with the package and imports nothing until a test asks for a fixture, so it costs other
tests nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from customerio_tool import CustomerIoTool
    from customerio_tool.sandbox import Sandbox

MARK = "customerio_sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, so that strict marks know it."""
    text = (
        f"{MARK}(to='seed', **options): start the test's local Customer.io from 'seed' (the demo "
        "workspace), 'empty', or a seed of your own; options are members of Options."
    )
    config.addinivalue_line("markers", text)


@pytest.fixture(scope="session")
def customerio_sandbox_server() -> Iterator[Sandbox]:
    """The one local Customer.io of the session; tests take `customerio_sandbox` instead."""
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def customerio_sandbox(
    request: pytest.FixtureRequest,
    customerio_sandbox_server: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """A local Customer.io in which nothing of an earlier test is left.

    It holds the demo workspace, unless the mark `customerio_sandbox(to="empty")` or
    `customerio_sandbox(to={"people": [...]})` says otherwise. Workspace, request log, faults,
    clock, options and snapshots are back at their start before each test, and `connection()` has
    a site id of its own, so that a tool made in the test remembers nothing of another. Where the
    environment names a proxy, NO_PROXY excepts the sandbox while the test runs.
    """
    _bypass_proxies(monkeypatch)
    sandbox = customerio_sandbox_server
    to, options = _wanted(request)
    sandbox.reset("seed" if to == "seed" else "empty", snapshots=True)
    if to not in ("seed", "empty"):
        sandbox.seed(to)
    sandbox.configure(**options)
    return sandbox


def _bypass_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy reaches this machine's loopback; without one the environment stays as it is."""
    from urllib.request import getproxies_environment

    proxies = getproxies_environment()
    if set(proxies) - {"no"} and proxies.get("no") != "*":  # which excepts all, but in no list
        hosts = ",".join(filter(None, [proxies.get("no"), "127.0.0.1", "localhost"]))
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, hosts)


def _wanted(request: pytest.FixtureRequest) -> tuple[Any, dict[str, Any]]:
    """What the closest mark asks for.

    Raises:
        UsageError: It has a positional argument, or another text than seed and empty.
    """
    mark = request.node.get_closest_marker(MARK)
    if mark is None:
        return "seed", {}
    options = dict(mark.kwargs)
    to = options.pop("to", "seed")
    if mark.args or (isinstance(to, str) and to not in ("seed", "empty")):
        raise pytest.UsageError(
            f"{MARK} takes names only, and to is 'seed', 'empty' or a seed: {request.node.nodeid}"
        )
    return to, options


@pytest.fixture
def customerio_tool(customerio_sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    """A `CustomerIoTool` on `customerio_sandbox`, by its clock, with every subtool enabled."""
    from customerio_tool import Clock, CustomerIoTool

    connection, clock = customerio_sandbox.connection(), customerio_sandbox.clock
    with CustomerIoTool(connection, clock=Clock(now=clock.now)) as tool:
        yield tool
