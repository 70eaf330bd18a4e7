"""The pytest plugin: a local Customer.io as a fixture, and the tool on it.

pytest loads it in every run, so it imports nothing of the package until a test uses a fixture.
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
    """Register the mark, as `--strict-markers` requires."""
    text = (
        f"{MARK}(to='seed', **options): start the test's local Customer.io from 'seed' (the demo "
        "workspace), 'empty', or a seed of your own; options are members of Options, or a mapping "
        "of them that is called options."
    )
    config.addinivalue_line("markers", text)


@pytest.fixture(scope="session")
def customerio_sandbox_server() -> Iterator[Sandbox]:
    """The session's local Customer.io; tests use `customerio_sandbox`, which resets it."""
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def customerio_sandbox(
    request: pytest.FixtureRequest,
    customerio_sandbox_server: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Sandbox:
    """A local Customer.io, reset before each test.

    The reset restores workspace, request log, faults, clock, options and snapshots. The workspace
    is the demo's; the mark `customerio_sandbox(to="empty")` or
    `customerio_sandbox(to={"people": [...]})` chooses another. `connection()` has a new site id in
    each test, so a tool made in one test does not share its ledger with a tool of another. If the
    environment sets a proxy, NO_PROXY lists the sandbox during the test.
    """
    _bypass_proxies(monkeypatch)
    sandbox = customerio_sandbox_server
    to, options = _start_and_options(request)
    sandbox.reset("seed" if to == "seed" else "empty", snapshots=True)
    if to not in ("seed", "empty"):
        sandbox.seed(to)
    sandbox.configure(**options)
    return sandbox


def _bypass_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add loopback to NO_PROXY if the environment sets a proxy, which cannot reach it."""
    from urllib.request import getproxies_environment

    proxies = getproxies_environment()
    if set(proxies) - {"no"} and proxies.get("no") != "*":  # `*` is valid only alone
        hosts = ",".join(filter(None, [proxies.get("no"), "127.0.0.1", "localhost"]))
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, hosts)


def _start_and_options(request: pytest.FixtureRequest) -> tuple[Any, dict[str, Any]]:
    """Return the start and the options that the closest mark chooses.

    Raises:
        UsageError: The mark has a positional argument, or `to` is a text but not seed or empty.
    """
    mark = request.node.get_closest_marker(MARK)
    if mark is None:
        return "seed", {}
    options = dict(mark.kwargs)
    to = options.pop("to", "seed")
    options |= options.pop("options", {})
    if mark.args or (isinstance(to, str) and to not in ("seed", "empty")):
        raise pytest.UsageError(
            f"{MARK} takes names only, and to is 'seed', 'empty' or a seed: {request.node.nodeid}"
        )
    return to, options


@pytest.fixture
def customerio_tool(customerio_sandbox: Sandbox) -> Iterator[CustomerIoTool]:
    """A `CustomerIoTool` on `customerio_sandbox` and its clock, with every subtool enabled."""
    from customerio_tool import Clock, CustomerIoTool

    connection, clock = customerio_sandbox.connection(), customerio_sandbox.clock
    with CustomerIoTool(connection, clock=Clock(now=clock.now)) as tool:
        yield tool
