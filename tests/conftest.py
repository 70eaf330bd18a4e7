"""Knows what all tests share."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.contract.facts import Facts, load
from tests.contract.vendor_spec import VARIABLE, TrackSpecification

# Our plugins are named here and not imported, so that pytest loads them first.
pytest_plugins = ["pytester", "tests.requirements", "tests.redis_server"]


# How fast a machine is decides no test: a busy one draws its examples slowly.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _a_process_that_remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tools of one test from what those of another sent."""
    monkeypatch.setattr("customerio_tool.shared._of_hosts", {})


@pytest.fixture(scope="session")
def facts() -> Facts:
    """The recorded facts of Customer.io's API."""
    return load()


@pytest.fixture(scope="session")
def vendor_track() -> TrackSpecification:
    """The vendor's Track specification; tests.requirements says what happens without it."""
    return TrackSpecification.read(os.environ[VARIABLE])
