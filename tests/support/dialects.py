"""The published rules for the definition of a tool, and calls as a provider's models fill them.

- OpenAI: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas, and
  .../guides/function-calling#strict-mode
- Anthropic: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
- Google: https://ai.google.dev/api/caching#FunctionDeclaration; where the pages of the Gemini API
  and of Vertex AI differ on names, the narrower rule is taken
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from customerio_tool.dialects import JSON_TEXT

Schema = Mapping[str, Any]

PARAMETERS = {
    "plain": "input_schema",
    "openai": "parameters",
    "openai_strict": "parameters",
    "anthropic": "input_schema",
    "gemini": "parameters_json_schema",
}
"""The member of a definition that holds the schema of the arguments, for each dialect."""

_STRICT_TYPES = {"string", "number", "boolean", "integer", "object", "array", "null"}
_STRICT_KEYWORDS = {
    *("type", "description", "enum", "const", "anyOf", "$defs", "$ref"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("pattern", "format", "multipleOf", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum"),
}
_GEMINI_KEYWORDS = {
    *("type", "format", "title", "description", "enum", "anyOf", "propertyOrdering"),
    *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    *("items", "prefixItems", "minItems", "maxItems", "minimum", "maximum"),
    *("pattern", "minLength", "maxLength", "default", "example"),
}


def nodes(schema: Schema, depth: int = 1) -> Iterator[tuple[Schema, int]]:
    """Yield each schema inside of a schema with its depth of objects, itself first."""
    yield schema, depth
    for member in schema.get("properties", {}).values():
        yield from nodes(member, depth + 1)
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])):
        yield from nodes(inner, depth)


def types_of(schema: Schema) -> list[str]:
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else list(given)


def _openai(tool: Schema, *, strict: bool) -> Iterator[str]:
    if tool.keys() != {"type", "name", "description", "parameters", "strict"}:
        yield "other members than those of a function tool"
    if tool.get("type") != "function" or tool.get("strict") is not strict:
        yield "type or strict is wrong"
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool["name"]):
        yield "the name is not allowed"
    if len(tool["description"]) > 1024:
        yield "the description is too long"
    yield from _root(tool["parameters"])


def _openai_strict(tool: Schema) -> Iterator[str]:
    yield from _openai(tool, strict=True)
    parts = list(nodes(tool["parameters"]))
    for part, depth in parts:
        yield from _strict_node(part)
        if depth > 10:
            yield "more than 10 levels of nesting"
    names = [name for part, _ in parts for name in part.get("properties", {})]
    words = [str(word) for part, _ in parts for word in part.get("enum", ())]
    if len(names) > 5000 or len(words) > 1000 or len("".join(names + words)) > 120_000:
        yield "too many properties or words"


def _strict_node(part: Schema) -> Iterator[str]:
    if unknown := part.keys() - _STRICT_KEYWORDS:
        yield f"keywords that strict mode does not take: {sorted(unknown)}"
    types = types_of(part)
    if not (types or "anyOf" in part) or set(types) - _STRICT_TYPES:
        yield "no type of strict mode"
    if len(types) > 1 and {"array", "object"} & set(types):
        yield "a list of types beside items or properties"
    if "array" in types and "items" not in part:
        yield "an array without items"
    if "object" in types:
        yield from _strict_object(part)
    if "enum" in part:
        yield from _strict_enum(part)


def _strict_object(part: Schema) -> Iterator[str]:
    if part.get("additionalProperties") is not False:
        yield "an object that is not closed"
    if set(part.get("required", ())) != set(part.get("properties", {})):
        yield "an object with a member that is not required"


def _strict_enum(part: Schema) -> Iterator[str]:
    types, words = types_of(part), part["enum"]
    if any(not Draft202012Validator({"type": types}).is_valid(word) for word in words):
        yield "an enum with a word of another type"
    if "null" in types and None not in words:
        yield "an enum that null cannot meet"
    if len(words) > 250 and len("".join(map(str, words))) > 15_000:
        yield "an enum that is too long"


def _anthropic(tool: Schema) -> Iterator[str]:
    if tool.keys() - {"input_examples"} != {"name", "description", "input_schema"}:
        yield "other members than those of a tool"
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool["name"]):
        yield "the name is not allowed"
    schema = tool["input_schema"]
    yield from _root(schema)
    if {"anyOf", "oneOf", "allOf"} & schema.keys():
        yield "a choice of schemas at the root"
    for part, _ in nodes(schema):
        if not all(
            re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name) for name in part.get("properties", {})
        ):
            yield "the name of a property is not allowed"
    for example in tool.get("input_examples", ()):
        if not Draft202012Validator(schema).is_valid(example):
            yield "an example that is not valid, which fails the request"


def _gemini(tool: Schema) -> Iterator[str]:
    if tool.keys() != {"name", "description", "parameters_json_schema"}:
        yield "other members than those of a function declaration"
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,62}", tool["name"]):
        yield "the name is not allowed"
    yield from _root(tool["parameters_json_schema"])
    for part, _ in nodes(tool["parameters_json_schema"]):
        if unknown := part.keys() - _GEMINI_KEYWORDS:
            yield f"keywords that Gemini does not know: {sorted(unknown)}"
        if not all(
            re.fullmatch(r"[a-zA-Z_]\w{0,63}", name, re.ASCII)
            for name in part.get("properties", {})
        ):
            yield "the name of a property is not allowed"
        if not all(isinstance(word, str) for word in part.get("enum", ())):
            yield "an enum with other words than texts"


def _root(schema: Schema) -> Iterator[str]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        yield "no JSON Schema"
    if schema.get("type") != "object" or "properties" not in schema:
        yield "the arguments are no object"


_RULES: Mapping[str, Callable[[Schema], Iterator[str]]] = {
    "openai": lambda tool: _openai(tool, strict=False),
    "openai_strict": _openai_strict,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
PROVIDERS = tuple(_RULES)
"""The dialects with rules of a provider."""


def problems(dialect: str, tool: Schema) -> list[str]:
    """Return which rules of its provider a definition breaks."""
    return list(_RULES[dialect](tool))


def as_filled(schema: Schema, value: Any) -> Any:
    """Return arguments as a model fills a schema: what is not given as null, where null may stand.

    An object is written as text where the schema asks for that. Members come in the order of
    the schema, and those that it does not have come last.
    """
    if "anyOf" in schema:
        return None if value is None else as_filled(schema["anyOf"][0], value)
    if isinstance(value, dict) and "properties" in schema:
        return _object(schema["properties"], value)
    if isinstance(value, list) and "items" in schema:
        return [as_filled(schema["items"], each) for each in value]
    is_text = str(schema.get("description", "")).endswith(JSON_TEXT)
    return json.dumps(value) if isinstance(value, dict) and is_text else value


def _object(properties: Mapping[str, Schema], value: dict[str, Any]) -> dict[str, Any]:
    known = {
        name: as_filled(member, value.get(name))
        for name, member in properties.items()
        if name in value or _takes_null(member)
    }
    return {**known, **{name: each for name, each in value.items() if name not in known}}


def _takes_null(schema: Schema) -> bool:
    return Draft202012Validator(schema).is_valid(None)
