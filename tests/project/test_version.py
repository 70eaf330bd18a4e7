"""The package's own version, also where it runs without having been installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

import pytest

from customerio_tool import CustomerIoTool, version
from customerio_tool.version import DISTRIBUTION, installed_version
from tests.support.project import pyproject


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as files alone, as bundlers and hosts that copy a folder leave it."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", missing)
    installed_version.cache_clear()
    yield
    installed_version.cache_clear()


def test_the_version_is_that_of_the_project() -> None:
    assert pyproject()["project"]["name"] == DISTRIBUTION
    assert installed_version() == metadata.version(DISTRIBUTION)


@pytest.mark.usefixtures("copied")
def test_a_copy_that_was_never_installed_makes_calls_as_well() -> None:
    with CustomerIoTool.sandbox() as tool:
        assert tool.call("list_segments")["ok"]
        assert tool.local is not None
        (request,) = tool.local.requests()
    assert request["user_agent"] == f"{DISTRIBUTION}/unknown"
