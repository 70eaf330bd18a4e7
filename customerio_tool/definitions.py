"""What can be told of each subtool before its declaration is imported: definition and module.

`customerio-tool publish` writes `definitions.json` and `modules.json` from the declarations. A host
that only lists subtools reads the first, and imports neither the declarations nor the libraries
that they need. The second is a hundredth of it: all that a call needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeAlias

DEFINITIONS, MODULES = "definitions.json", "modules.json"
"""The files, beside this module."""

Record: TypeAlias = dict[str, Any]
"""What the first file has of one subtool: `definition`, `brief` and `examples`.

`definition` is the plain one, `brief` its short form, and `examples` are the arguments of the
example calls.
"""

Modules: TypeAlias = Mapping[str, Mapping[str, str]]
"""What the second file has: the module that declares each subtool, and each look-up, by its name.

It is a module below `customerio_tool.subtools`. The names are in the order of lists.
"""

_SHARED = "error"
"""The member of every output schema that the file has once, for all of them."""


def packed(records: Mapping[str, Record], lookups: Mapping[str, Record]) -> dict[str, Any]:
    """Return the content of the file of definitions.

    Args:
        records: The records of the subtools, by name and in the order of lists.
        lookups: Those of the look-ups.
    """
    shared: list[Any] = []
    subtools, optional = deepcopy(dict(records)), deepcopy(dict(lookups))
    for record in (*subtools.values(), *optional.values()):
        results = record["definition"]["output_schema"]["properties"]
        shared.append(results[_SHARED])
        results[_SHARED] = {}
    if any(each != shared[0] for each in shared):
        raise ValueError(f"the output schemas differ in {_SHARED}, which the file has only once")
    return {_SHARED: shared[0], "subtools": subtools, "lookups": optional}


def names(*, lookups: bool = False) -> list[str]:
    """Return the names of the subtools in the order of lists, and behind them of the look-ups.

    Args:
        lookups: Whether the look-ups are wanted too.
    """
    known = _modules()
    return [*known["subtools"], *(known["lookups"] if lookups else ())]


def lookup_names() -> list[str]:
    """Return the names of the look-ups in the order of lists."""
    return list(_modules()["lookups"])


def module_of(name: str) -> str | None:
    """Return the module that declares a subtool, as the file knows it; None if it does not."""
    known = _modules()
    return known["subtools"].get(name) or known["lookups"].get(name)


def definition_of(name: str) -> dict[str, Any]:
    """Return the plain definition of a subtool, as the caller's own.

    Raises:
        KeyError: The file has no such subtool.
    """
    definition: dict[str, Any] = deepcopy(_records()[name]["definition"])
    definition["output_schema"]["properties"][_SHARED] = deepcopy(_definitions()[_SHARED])
    return definition


def brief_of(name: str) -> dict[str, Any]:
    """Return the short form of a subtool's definition, as `details.Brief` says.

    Raises:
        KeyError: The file has no such subtool.
    """
    brief: dict[str, Any] = _records()[name]["brief"]
    return brief


def examples_of(name: str) -> list[dict[str, Any]]:
    """Return the arguments of a subtool's example calls, as the caller's own.

    Raises:
        KeyError: The file has no such subtool.
    """
    examples: list[dict[str, Any]] = deepcopy(_records()[name]["examples"])
    return examples


def _records() -> Mapping[str, Record]:
    return {**_definitions()["subtools"], **_definitions()["lookups"]}


def tell(content: Mapping[str, Any], modules: Modules) -> None:
    """Tell of this content in this process, in place of that of the files.

    `publish` begins so: what it writes comes from the declarations, and not from what it replaces.
    """
    _told.update({DEFINITIONS: content, MODULES: modules})


_told: dict[str, Mapping[str, Any]] = {}


def _definitions() -> Mapping[str, Any]:
    return _told.get(DEFINITIONS) or _read(DEFINITIONS)


def _modules() -> Modules:
    return _told.get(MODULES) or _read(MODULES)


@cache
def _read(file: str) -> Mapping[str, Any]:
    # The loader reads from a zip too, and needs no module for it that is not there already.
    loader: Any = __spec__.loader
    path = __file__.rpartition("definitions.")[0] + file
    content: Mapping[str, Any] = json.loads(loader.get_data(path))
    return content
