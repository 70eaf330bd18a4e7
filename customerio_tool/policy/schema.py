"""The JSON Schema of a policy as a saved connection may hold it, read off `Policy` itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from customerio_tool.policy.policy import PRESETS, Policy
from customerio_tool.subtools import subtools

_AS_TEXT = {"array": r"\S", "boolean": r"\S", "integer": r"^\s*[0-9]+\s*$"}
"""What a field must look like that is given as text; the tool itself looks closer."""


def policy_schema() -> dict[str, Any]:
    """Return the schema of `policy`: the name of a preset, or an object of fields, also as text.

    It takes whatever `Policy.load` takes of JSON; a null is not given.
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
    """Widen what pydantic says of a field by the text that its validator reads as well."""
    meaning = {"description": declared["description"]}
    plain = next(iter(declared.get("anyOf", [declared])))
    if "enum" in plain:
        return {"type": ["string", "null"], "pattern": _any_case(plain["enum"]), **meaning}
    kind = plain["type"]
    schema: dict[str, Any] = {"type": [kind, "string", "null"], "pattern": _AS_TEXT[kind]}
    if kind == "integer":
        schema["minimum"] = 0
    if kind == "array":
        entry = _one_of(subtools()) if name == "enabled" else r"\S"
        schema["items"] = {"type": "string", "pattern": entry}
    return {**schema, **meaning}


def _one_of(words: Iterable[str]) -> str:
    return rf"^\s*(?:{'|'.join(words)})\s*$"


def _any_case(words: Iterable[str]) -> str:
    """Make a pattern for these words in any case: JSON Schema has no flag for that."""
    return _one_of(re.sub("[a-z]", lambda c: f"[{c[0].upper()}{c[0]}]", word) for word in words)
