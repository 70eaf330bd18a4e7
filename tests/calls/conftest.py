"""What tests of calls share."""

from __future__ import annotations

import re

import pytest
import responses

from tests.support.confirming import Time
from tests.support.ledger_calls import Clock, NotingLedger, Sender


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


@pytest.fixture
def ledger() -> NotingLedger:
    """A ledger that writes down what is asked of it."""
    return NotingLedger()


@pytest.fixture
def sender(ledger: NotingLedger) -> Sender:
    """A worker that sends through it."""
    return Sender(ledger, Clock())
