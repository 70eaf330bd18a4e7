"""A workspace in which every form of the console has something to change."""

from __future__ import annotations

import pytest

from tests.support.sandbox_api import Api


@pytest.fixture
def kept(api: Api) -> Api:
    api.sandbox.snapshot("kept")
    api.sandbox.fault(operation="track", status=500)
    api.identify("later")
    return api
