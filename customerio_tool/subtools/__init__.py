"""The 24 subtools, found in the sibling modules: whatever is a `Subtool` there is one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customerio_tool.spec import Subtool

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["subtools"]


@cache
def subtools() -> Mapping[str, Subtool[Any]]:
    """Return every declared subtool by name, in the order of their places.

    Raises:
        TypeError: Two declarations have one name or one place.
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    values = [value for module in modules for value in vars(module).values()]
    found = sorted((v for v in values if isinstance(v, Subtool)), key=lambda v: v.place)
    for one, other in pairwise(found):
        if one.place == other.place:
            raise TypeError(f"{one.name} and {other.name} have one place")
    by_name = {subtool.name: subtool for subtool in found}
    if len(by_name) < len(found):
        raise TypeError("two subtools have one name")
    return MappingProxyType(by_name)
