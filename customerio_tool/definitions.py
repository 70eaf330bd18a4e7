"""What can be told of each subtool before its declaration is imported: definition and module.

`customerio-tool publish` writes `definitions.json` from the declarations. A host that only lists
subtools reads that file, and imports neither the declarations nor the libraries that they need.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeAlias

FILE = "definitions.json"
"""The file, beside this module."""

Record: TypeAlias = dict[str, Any]
"""What the file has of one subtool: `module`, `definition`, `brief` and `examples`.

`module` is the module that declares the subtool, below `customerio_tool.subtools`; `definition` is
the plain one, `brief` its short form, and `examples` are the arguments of the example calls.
"""

_SHARED = "error"
"""The member of every output schema that the file has once, for all of them."""


def packed(records: Mapping[str, Record], lookups: Mapping[str, Record]) -> dict[str, Any]:
    """Return the content of the file.

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
    return list(_records()) if lookups else list(_file()["subtools"])


def lookup_names() -> list[str]:
    """Return the names of the look-ups in the order of lists."""
    return list(_file().get("lookups", ()))


def module_of(name: str) -> str | None:
    """Return the module that declares a subtool, as the file knows it; None if it does not."""
    record = _records().get(name)
    return None if record is None else record["module"]


def definition_of(name: str) -> dict[str, Any]:
    """Return the plain definition of a subtool, as the caller's own.

    Raises:
        KeyError: The file has no such subtool.
    """
    definition: dict[str, Any] = deepcopy(_records()[name]["definition"])
    definition["output_schema"]["properties"][_SHARED] = deepcopy(_file()[_SHARED])
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
    return {**_file()["subtools"], **_file().get("lookups", {})}


def tell(content: dict[str, Any]) -> None:
    """Tell of this content in this process, in place of the file's.

    `publish` begins so: what it writes comes from the declarations, and not from what it replaces.
    """
    _told[:] = [content]


_told: list[dict[str, Any]] = []


def _file() -> dict[str, Any]:
    return _told[0] if _told else _read()


@cache
def _read() -> dict[str, Any]:
    # The loader reads from a zip too, and needs no module for it that is not there already.
    loader: Any = __spec__.loader
    path = __file__.rpartition("definitions.")[0] + FILE
    content: dict[str, Any] = json.loads(loader.get_data(path))
    return content
