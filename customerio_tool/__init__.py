"""The Customer.io tool for AI agents: 24 subtools over the Track and App APIs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customerio_tool.backends import Backends
    from customerio_tool.calls.call import CallContext
    from customerio_tool.connection import Connection
    from customerio_tool.deadline import Clock
    from customerio_tool.errors import CustomerIoError
    from customerio_tool.policy import Policy
    from customerio_tool.subtools.declare import Api
    from customerio_tool.tool import CustomerIoTool

__all__ = [
    "Api",
    "Backends",
    "CallContext",
    "Clock",
    "Connection",
    "CustomerIoError",
    "CustomerIoTool",
    "Policy",
]

# Loaded when first asked for: the pytest plugin lies in this package and is imported by every run.
_MODULES = {
    "Api": "subtools.declare",
    "Backends": "backends",
    "CallContext": "calls.call",
    "Clock": "deadline",
    "Connection": "connection",
    "CustomerIoError": "errors",
    "CustomerIoTool": "tool",
    "Policy": "policy",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
