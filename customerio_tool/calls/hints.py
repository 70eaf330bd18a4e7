"""The types in the hints of a tool's methods, imported when a host resolves these.

`typing.get_type_hints` reads `hints.Policy` as an attribute of this module. A name that is imported
for type checkers alone would be unknown to it, and a plain import would load pydantic and requests
wherever definitions are listed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Session

    from customerio_tool.backends import Backends
    from customerio_tool.calls.call import CallContext
    from customerio_tool.calls.function import Function
    from customerio_tool.calls.waiting_calls import Question
    from customerio_tool.connection import Connection
    from customerio_tool.deadline import Clock, Timeouts
    from customerio_tool.policy import Policy
    from customerio_tool.sandbox import Options
    from customerio_tool.subtools.declare import Api

__all__ = [
    "Api",
    "Backends",
    "CallContext",
    "Clock",
    "Connection",
    "Function",
    "Options",
    "Policy",
    "Question",
    "Session",
    "Timeouts",
]

_MODULES = {
    "Api": "customerio_tool.subtools.declare",
    "Backends": "customerio_tool.backends",
    "CallContext": "customerio_tool.calls.call",
    "Clock": "customerio_tool.deadline",
    "Connection": "customerio_tool.connection",
    "Function": "customerio_tool.calls.function",
    "Options": "customerio_tool.sandbox",
    "Policy": "customerio_tool.policy",
    "Question": "customerio_tool.calls.waiting_calls",
    "Session": "requests",
    "Timeouts": "customerio_tool.deadline",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
