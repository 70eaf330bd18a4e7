"""The 24 subtools, found in the sibling modules: whatever is a `Subtool` there is one."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import pairwise
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customerio_tool.errors import SubtoolUnknown
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.wording import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find", "subtools"]


@cache
def subtools() -> Mapping[str, Subtool[Any]]:
    """Return every declared subtool by name, in the order of their places.

    Raises:
        TypeError: Two declarations have one name or one place.
    """
    names = [module.name for module in iter_modules(__path__) if not module.ispkg]
    modules = [import_module(f"{__name__}.{name}") for name in names]
    values = [value for module in modules for value in vars(module).values()]
    found = sorted((v for v in values if isinstance(v, Subtool)), key=lambda v: v.place)
    for one, other in pairwise(found):
        if one.place == other.place:
            raise TypeError(f"{one.name} and {other.name} have one place")
    by_name = {subtool.name: subtool for subtool in found}
    if len(by_name) < len(found):
        raise TypeError("two subtools have one name")
    return MappingProxyType(by_name)


def find(name: object) -> Subtool[Any]:
    """Return the subtool of a name, whatever a model or a person sent as one.

    Raises:
        SubtoolUnknown: There is none; the nearest is named, or all of them.
    """
    known = subtools()
    if isinstance(name, str) and name in known:
        return known[name]
    raise SubtoolUnknown(f"There is no such subtool; {nearest(str(name), known)} Nothing was sent.")
