"""The JSON Schema of the member `policy` of a saved connection, derived from `Policy`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from customerio_tool.policy.policy import PRESETS, Policy
from customerio_tool.policy.values import AskedEffect
from customerio_tool.sets import sets
from customerio_tool.subtools import all_subtools

_AS_TEXT = {"array": r"\S", "boolean": r"\S", "integer": r"^\s*[0-9]+\s*$"}
"""The pattern of a field that is given as text; the validators of `Policy` are stricter."""


def policy_schema() -> dict[str, Any]:
    """Return the schema: the name of a preset, an object of fields, or such an object as text.

    It accepts every JSON value that `Policy.load` accepts; null counts as absent.
    """
    declared = Policy.model_json_schema()["properties"]
    fields = {name: _field(name, field) for name, field in declared.items()}
    return {
        "type": ["object", "string", "null"],
        "title": "Policy",
        "description": (
            "For builders: what an agent may do. The name of a preset "
            f"({', '.join(PRESETS)}), or an object of the fields below, which may be JSON text."
        ),
        "pattern": rf"^\s*\{{|{_any_case(PRESETS)}",
        "properties": {"preset": _preset(), **fields},
        "additionalProperties": False,
    }


def _preset() -> dict[str, Any]:
    return {
        "type": ["string", "null"],
        "pattern": _any_case(PRESETS),
        "description": "The named policy that the other fields change; none undoes read_only.",
    }


def _field(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return pydantic's schema of a field, widened by the text that its validator accepts."""
    meaning = {"description": declared["description"]}
    plain = next(iter(declared.get("anyOf", [declared])))
    if name == "confirm":
        return {**_confirm(plain["enum"]), **meaning}
    kind = plain["type"]
    schema: dict[str, Any] = {"type": [kind, "string", "null"], "pattern": _AS_TEXT[kind]}
    if kind == "integer":
        schema["minimum"] = 0
    if kind == "array":
        entry = _one_of((*all_subtools(), *sets())) if name == "enabled" else r"\S"
        schema["items"] = {"type": "string", "pattern": entry}
    return {**schema, **meaning}


def _confirm(words: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a word, or of an object or a text with a word for each effect."""
    word = {"type": "string", "pattern": _any_case(words)}
    return {
        "type": ["string", "object", "null"],
        "pattern": rf"{word['pattern']}|^\s*\{{|=",
        "properties": dict.fromkeys(get_args(AskedEffect), word),
        "additionalProperties": False,
        "minProperties": 1,
    }


def _one_of(words: Iterable[str]) -> str:
    return rf"^\s*(?:{'|'.join(words)})\s*$"


def _any_case(words: Iterable[str]) -> str:
    """Return a pattern for these words in any case; JSON Schema has no case-insensitive flag."""
    return _one_of(re.sub("[a-z]", lambda c: f"[{c[0].upper()}{c[0]}]", word) for word in words)
