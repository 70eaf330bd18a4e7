"""Finds the subtools: every `Subtool` that a module of this package defines."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from customerio_tool.errors import SubtoolUnknown
from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.wording import nearest
from customerio_tool.subtools.parts.invented import meant_subtool

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PAGE", "find", "subtools"]

PAGE = (
    "identify_customer",
    "delete_customer",
    "suppress_customer",
    "unsuppress_customer",
    "track_event",
    "track_anonymous_event",
    "track_page_view",
    "add_device",
    "delete_device",
    "merge_customers",
    "add_to_segment",
    "remove_from_segment",
    "get_campaign",
    "list_campaigns",
    "get_campaign_metrics",
    "trigger_broadcast",
    "send_transactional_email",
    "send_transactional_push",
    "list_segments",
    "get_segment",
    "create_manual_segment",
    "delete_segment",
    "get_customer_attributes",
    "list_messages",
)
"""Names of the subtools on the product's page, in its order; every one must be declared."""


@cache
def subtools() -> Mapping[str, Subtool[Any]]:
    """Return all subtools by name: first those of `PAGE`, then the others in alphabetical order.

    Raises:
        TypeError: Two subtools have the same name, or a name in `PAGE` is not declared.
    """
    module_names = [module.name for module in iter_modules(__path__) if not module.ispkg]
    modules = [import_module(f"{__name__}.{name}") for name in module_names]
    values = [value for module in modules for value in vars(module).values()]
    declared = [value for value in values if isinstance(value, Subtool)]
    by_name = {subtool.name: subtool for subtool in declared}
    if len(by_name) < len(declared):
        raise TypeError("two subtools have one name")
    if missing := set(PAGE) - by_name.keys():
        raise TypeError(f"no subtool is declared as {', '.join(sorted(missing))}")
    order = (*PAGE, *sorted(by_name.keys() - set(PAGE)))
    return MappingProxyType({name: by_name[name] for name in order})


def find(name: object) -> Subtool[Any]:
    """Return the subtool with a name; a model or person may have sent any value as the name.

    Raises:
        SubtoolUnknown: No subtool has this name. The error suggests the nearest name, or lists all.
    """
    known = subtools()
    if isinstance(name, str) and name in known:
        return known[name]
    instead = meant_subtool(str(name), known) or nearest(str(name), known)
    raise SubtoolUnknown(f"There is no such subtool; {instead} Nothing was sent.")
