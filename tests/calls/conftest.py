"""What tests of confirmations share."""

from __future__ import annotations

import re

import pytest
import responses

from tests.support.confirming import Time


@pytest.fixture
def time() -> Time:
    """A clock that the test moves."""
    return Time()


@pytest.fixture
def vendor(net: responses.RequestsMock) -> responses.RequestsMock:
    """A Customer.io that accepts whatever comes."""
    for method in ("GET", "POST", "PUT", "DELETE"):
        net.add(method, re.compile("https://"), json={})
    return net
