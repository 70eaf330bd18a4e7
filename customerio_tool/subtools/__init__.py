"""Finds the subtools: every `Subtool` that a module of this package defines, look-ups apart.

A subtool's module is imported when the subtool is first needed. The look-ups are those of the
package `optional`: reads beside the page, which are off by default.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from customerio_tool.definitions import module_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from customerio_tool.subtools.declare import Subtool

__all__ = [
    "PAGE",
    "all_subtools",
    "declared_in",
    "find",
    "lookups",
    "modules",
    "optional_modules",
    "subtools",
]

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
    """Return the subtools by name: first those of `PAGE`, then others in alphabetical order.

    The look-ups are not among them.

    Raises:
        TypeError: Two subtools have the same name, or a name in `PAGE` is not declared.
    """
    by_name = _by_name(modules())
    if missing := set(PAGE) - by_name.keys():
        raise TypeError(f"no subtool is declared as {', '.join(sorted(missing))}")
    order = (*PAGE, *sorted(by_name.keys() - set(PAGE)))
    return MappingProxyType({name: by_name[name] for name in order})


@cache
def lookups() -> Mapping[str, Subtool[Any]]:
    """Return the look-ups by name, in alphabetical order.

    Raises:
        TypeError: Two look-ups have the same name, or a subtool there is not declared as one.
    """
    by_name = _by_name(optional_modules())
    if others := [name for name, each in by_name.items() if not each.is_lookup]:
        raise TypeError(f"no look-up: {', '.join(others)}")
    return MappingProxyType({name: by_name[name] for name in sorted(by_name)})


@cache
def all_subtools() -> Mapping[str, Subtool[Any]]:
    """Return the subtools and behind them the look-ups, by name.

    Raises:
        TypeError: A subtool and a look-up have the same name.
    """
    if twice := sorted(subtools().keys() & lookups().keys()):
        raise TypeError(f"a subtool and a look-up have the name {twice[0]}")
    return MappingProxyType({**subtools(), **lookups()})


def _by_name(module_names: Iterable[str]) -> dict[str, Subtool[Any]]:
    declared = [subtool for module in module_names for subtool in declared_in(module)]
    by_name = {subtool.name: subtool for subtool in declared}
    if len(by_name) < len(declared):
        raise TypeError("two subtools have one name")
    return by_name


def modules() -> list[str]:
    """Return the names of the modules of this package that declare subtools."""
    from pkgutil import iter_modules

    return [module.name for module in iter_modules(__path__) if not module.ispkg]


def optional_modules() -> list[str]:
    """Return the names of the modules that declare look-ups, below this package."""
    from pkgutil import iter_modules

    package = import_module(f"{__name__}.optional")
    return [f"optional.{module.name}" for module in iter_modules(package.__path__)]


def declared_in(module: str) -> list[Subtool[Any]]:
    """Return the subtools that a module of this package declares; it is imported for that."""
    from customerio_tool.subtools.declare import Subtool

    values = vars(import_module(f"{__name__}.{module}")).values()
    return [value for value in values if isinstance(value, Subtool)]


_found: dict[str, Subtool[Any]] = {}


def find(name: object, *, has_lookups: bool = True) -> Subtool[Any]:
    """Return the subtool with a name; a model or person may have sent any value as the name.

    Args:
        name: The name.
        has_lookups: Whether the look-ups are on; where they are off, none is found.

    Raises:
        SubtoolUnknown: No subtool has this name. The error suggests the nearest name, or lists all.
    """
    if not isinstance(name, str):
        return _refuse(name, has_lookups=has_lookups)
    known = _found.get(name) or _imported(name) or subtools().get(name)
    if known is None and has_lookups:
        known = lookups().get(name)
    if known is None or (known.is_lookup and not has_lookups):
        return _refuse(name, has_lookups=has_lookups)
    return known


def _imported(name: str) -> Subtool[Any] | None:
    """Return a subtool from the module that is published for it; None where that is out of date."""
    module = module_of(name)
    try:
        declared = [] if module is None else declared_in(module)
    except ModuleNotFoundError:
        return None
    _found.update({subtool.name: subtool for subtool in declared})
    return _found.get(name)


def _refuse(name: object, *, has_lookups: bool) -> NoReturn:
    from customerio_tool.errors import SubtoolUnknown
    from customerio_tool.subtools.declare.wording import nearest
    from customerio_tool.subtools.parts.invented import meant_subtool

    known = all_subtools() if has_lookups else subtools()
    instead = meant_subtool(str(name), known) or nearest(str(name), known)
    raise SubtoolUnknown(f"There is no such subtool; {instead} Nothing was sent.")
