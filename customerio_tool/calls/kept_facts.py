"""Selects the members of a result that a ledger keeps, and those that may come back from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool.subtools.declare import Subtool
from customerio_tool.subtools.declare.schema import types_of
from customerio_tool.subtools.declare.vendor_json import clean, shortened

_KINDS: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool, "null": type(None)}


def kept_facts(subtool: Subtool[Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that `ledger_keeps` names, if their types are those of its results.

    Another program may write to a store: no member that it adds reaches a result.
    """
    names = [name for name in subtool.ledger_keeps or () if name in facts]
    return {n: shortened(clean(facts[n])) for n in names if _is_declared(subtool, n, facts[n])}


def _is_declared(subtool: Subtool[Any], name: str, value: object) -> bool:
    return type(value) in map(_KINDS.get, types_of(subtool.shape.returns[name]))
