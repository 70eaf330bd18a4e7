"""Selects the members of a result that a ledger keeps, and those that may come back from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.characters import visible
from customerio_tool.subtools.declare.vendor_json import cut


def kept_facts(subtool: Subtool[Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that `ledger_keeps` names, if their types are those of its results.

    Another program may write to a store: no member that it adds reaches a result.
    """
    types, names = subtool.shape.plain_types, subtool.ledger_keeps or ()
    return {n: _shown(facts[n]) for n in names if n in facts and type(facts[n]) in types[n]}


def _shown(value: Any) -> Any:
    return cut(visible(value)) if type(value) is str else value
