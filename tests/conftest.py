"""Knows what all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import responses
from hypothesis import HealthCheck, settings

from customerio_tool import CustomerIoTool
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.clients import SAVED_US
from tests.support.facts import Facts, load
from tests.support.loopback import nobody_listening
from tests.support.retries import SkippingClock, Tries
from tests.support.vendor_spec import VARIABLE, TrackSpecification

# Our plugins are named here and not imported, so that pytest loads them first.
pytest_plugins = [
    *("pytester", "tests.support.requirements", "tests.support.redis_server"),
    *("tests.support.chromium", "tests.support.order", "tests.support.quick"),
]


pytest.register_assert_rewrite("tests.support.looks")  # it has tests, whose failures say why


LONGEST = (
    *("test_a_25th_subtool.py", "test_packaging.py", "test_demo.py"),
    *("test_fresh_install.py", "test_many_calls.py", "test_killed.py"),
)
"""Files of few tests that take long: at the end, they would keep one core while others are idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


# How fast a machine is decides no test: a busy one draws its examples slowly. Where a run decides
# about a change, the draws are the same each time, so few suffice; other runs look for new ones.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "a change",
    parent=settings.get_profile("any machine"),
    derandomize=True,
    database=None,
    max_examples=40,
)
settings.load_profile("a change" if os.environ.get("REQUIRE_ALL") else "any machine")


@pytest.fixture(scope="session", autouse=True)
def _an_environment_without_a_connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Keep what this machine says of Customer.io from the tests, and from what they start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CUSTOMERIO_")]:
            if name != VARIABLE:
                patch.delenv(name)
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    """The network: what a test did not register is seen, and fails."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def tool() -> Iterator[CustomerIoTool]:
    """A tool that waits for nothing, on the Customer.io whose part `net` plays."""
    with CustomerIoTool(
        SAVED_US, clock=Clock(now=lambda: 1_763_900_000.5, sleep=lambda _: None)
    ) as made:
        yield made


@pytest.fixture
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which no proxy and no other root certificates are named."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local Customer.io, begun anew."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def clock() -> SkippingClock:
    """Time that passes only where somebody waits."""
    return SkippingClock()


@pytest.fixture
def tries() -> Tries:
    """Who is told of every attempt of a tool made with it."""
    return Tries()


@pytest.fixture(scope="session")
def facts() -> Facts:
    """The recorded facts of Customer.io's API."""
    return load()


@pytest.fixture(scope="session")
def vendor_track() -> TrackSpecification:
    """The vendor's Track specification; tests.support.requirements says what happens without it."""
    return TrackSpecification.read(os.environ[VARIABLE])


@pytest.fixture
def closed_url() -> Iterator[str]:
    """A URL that refuses connections."""
    with nobody_listening() as url:
        yield url
