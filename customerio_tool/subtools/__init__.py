"""The 24 subtools, found in the sibling modules: whatever is a `Subtool` there is one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customerio_tool.spec import Subtool

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["subtools"]


@cache
def subtools() -> Mapping[str, Subtool[Any]]:
    """Return every declared subtool by name, in the order of modules and of lines.

    Raises:
        TypeError: Two declarations have one name.
    """
    found: dict[str, Subtool[Any]] = {}
    for module in sorted(module.name for module in iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Subtool):
                if value.name in found:
                    raise TypeError(f"{value.name} is declared twice")
                found[value.name] = value
    return MappingProxyType(found)
