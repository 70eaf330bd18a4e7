"""A host that introspects finds the types of every public method, and loads nothing before."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import customerio_tool
from customerio_tool import CallContext, CustomerIoTool, Policy
from customerio_tool.calls import hints
from tests.support.timeouts import PATIENCE

OF_EXTRAS = {"OtelTelemetry", "RedisApprovals", "RedisLedger", "RedisLimiter"}
"""Their constructors name types of libraries that only their extras install."""

CLASSES = {
    name: getattr(customerio_tool, name)
    for name in customerio_tool.__all__
    if isinstance(getattr(customerio_tool, name), type) and name not in OF_EXTRAS
}


def methods_of(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public methods and properties of a class that are ours, and those of `with` and calls."""
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        method = found.fget if isinstance(found, property) else getattr(kind, name)
        method = getattr(method, "__func__", method)
        is_public = not name.startswith("_") or name in {"__init__", "__enter__", "__exit__"}
        if is_public and inspect.isfunction(method) and "customerio_tool" in method.__module__:
            yield name, method


METHODS = {
    f"{kind.__name__}.{name}": method
    for kind in CLASSES.values()
    for name, method in methods_of(kind)
}


@pytest.mark.parametrize("name", METHODS)
def test_the_hints_of_a_public_method_can_be_resolved(name: str) -> None:
    assert "return" in typing.get_type_hints(METHODS[name])


@pytest.mark.parametrize("name", CLASSES)
def test_the_hints_of_a_public_class_can_be_resolved(name: str) -> None:
    typing.get_type_hints(CLASSES[name])


def test_hints_are_the_public_classes() -> None:
    found = typing.get_type_hints(CustomerIoTool.call)
    assert typing.get_args(found["context"]) == (CallContext, type(None))
    assert typing.get_type_hints(CustomerIoTool.under)["policy"] is Policy
    assert set(hints.__all__) == set(hints._MODULES)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nobody"):
        hints.Nobody  # noqa: B018 - it is the access that fails


def test_the_hints_load_nothing_until_they_are_resolved() -> None:
    program = "from customerio_tool import CustomerIoTool; CustomerIoTool.definitions()"
    told = subprocess.run(
        [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    loaded = set(told.stdout.split())
    assert "customerio_tool.calls.hints" in loaded
    assert not loaded & {"pydantic", "requests", "jsonschema", "customerio_tool.sandbox"}
