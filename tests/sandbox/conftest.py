"""A local Customer.io per test, its clock frozen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool.sandbox import Clock, Options, Sandbox
from tests.support.sandbox_api import NOW, Api


def serve(**options: Any) -> Iterator[Api]:
    with Sandbox(clock=Clock(frozen_at=NOW), options=Options(**options)) as sandbox:
        api = Api(sandbox)
        with api.session:
            yield api


@pytest.fixture
def api() -> Iterator[Api]:
    yield from serve()


@pytest.fixture
def api_with(request: pytest.FixtureRequest) -> Iterator[Api]:
    """As ``api``, with the options of an indirect parameter."""
    yield from serve(**request.param)
