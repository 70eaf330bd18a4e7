"""The version stands in one place."""

from __future__ import annotations

from importlib import metadata

import customerio_tool
from customerio_tool import CustomerIoTool
from customerio_tool.version import DISTRIBUTION
from tests.support.project import pyproject


def test_the_version_is_that_of_the_distribution() -> None:
    assert pyproject()["project"]["name"] == DISTRIBUTION
    assert customerio_tool.__version__ == metadata.version(DISTRIBUTION)


def test_a_call_names_the_version() -> None:
    with CustomerIoTool.sandbox() as tool:
        assert tool.call("list_segments")["ok"]
        assert tool.local is not None
        (request,) = tool.local.requests()
    assert request["user_agent"] == f"{DISTRIBUTION}/{customerio_tool.__version__}"
