"""The definition of a subtool in the form that each provider of models takes.

Each form is a pure function of the plain definition. Only that one has `title`, `annotations` and
`output_schema`: most providers have no place for them, and output schemas would triple the size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Literal, TypeAlias, get_args

Dialect: TypeAlias = Literal["plain", "openai", "openai_strict", "anthropic", "gemini"]
"""The name of a form: `plain` is MCP's tool with its member names in snake_case."""

Definition: TypeAlias = dict[str, Any]
Examples: TypeAlias = Sequence[Mapping[str, Any]]
Form: TypeAlias = Callable[[Definition, Examples], Definition]

JSON_TEXT = "A JSON object, as text."
"""Describes an argument that strict mode takes as text, because no schema there leaves it open."""


def form_of(dialect: str) -> Form:
    """Return the function that brings a plain definition and its examples into a dialect.

    Raises:
        ValueError: There is no such dialect; the message names all.
    """
    form = _FORMS.get(dialect)
    if form is None:
        known = ", ".join(repr(each) for each in get_args(Dialect))
        raise ValueError(f"{dialect!r} is no dialect; choose from {known}")
    return form


def openai(definition: Definition) -> Definition:
    """Return the flat function tool of OpenAI's Responses API, not strict.

    Chat Completions nests the same members, but for `type`: `{"type": "function", "function":
    {"name", "description", "parameters", "strict"}}`.
    """
    # Left out, `strict` is true for the Responses API, which would close every free map.
    return _openai(definition, definition["input_schema"], is_strict=False)


def openai_strict(definition: Definition) -> Definition:
    """Return the function tool of OpenAI's Responses API in strict mode.

    Strict mode takes closed objects only, with every member required. So an argument that may be
    left out may be null, which means the same, and a map with names of the caller's own is the
    text of a JSON object. A limit that strict mode cannot hold is left to the call, which checks
    all of them.
    """
    return _openai(definition, _closed(definition["input_schema"]), is_strict=True)


def anthropic(definition: Definition, examples: Examples) -> Definition:
    """Return the tool of Anthropic's Messages API, with the arguments of calls as `input_examples`.

    It is not strict: Anthropic compiles all strict tools of a request into one grammar, whose size
    has an unpublished limit. An example with an argument that the schema does not show is left
    out, because one that is not valid fails the whole request; without any, so is the member. A
    cloud that serves Anthropic's models without `input_examples` needs that member removed.
    """
    shown = definition["input_schema"]["properties"].keys()
    fitting = [deepcopy(dict(each)) for each in examples if each.keys() <= shown]
    return {
        "name": definition["name"],
        "description": definition["description"],
        "input_schema": definition["input_schema"],
        **({"input_examples": fitting} if fitting else {}),
    }


def gemini(definition: Definition) -> Definition:
    """Return a function declaration of Google's Gemini, for `google.genai`.

    The REST API has the same members in camelCase: `parametersJsonSchema`.
    """
    return {
        "name": definition["name"],
        "description": definition["description"],
        "parameters_json_schema": definition["input_schema"],
    }


_FORMS: Mapping[str, Form] = {
    "plain": lambda definition, _: definition,
    "openai": lambda definition, _: openai(definition),
    "openai_strict": lambda definition, _: openai_strict(definition),
    "anthropic": anthropic,
    "gemini": lambda definition, _: gemini(definition),
}


def _openai(definition: Definition, parameters: Any, *, is_strict: bool) -> Definition:
    return {
        "type": "function",
        "name": definition["name"],
        "description": definition["description"],
        "parameters": parameters,
        "strict": is_strict,
    }


_STRICT_KEYWORDS = frozenset(
    (
        *("type", "description", "enum", "properties", "items", "minItems", "maxItems"),
        *("pattern", "format", "multipleOf", "minimum", "maximum"),
        *("exclusiveMinimum", "exclusiveMaximum"),
    )
)
"""The keywords of our schemas that strict mode takes, without those that a closed object gets."""


def _strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of one value for strict mode, which has one plain type here."""
    if schema["type"] == "object":
        return _closed(schema) if "properties" in schema else _as_text(schema)
    kept = {word: value for word, value in schema.items() if word in _STRICT_KEYWORDS}
    return {**kept, "items": _strict(schema["items"])} if "items" in schema else kept


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with all of its members required, and no others."""
    kept = {word: value for word, value in schema.items() if word in _STRICT_KEYWORDS}
    required = schema.get("required", ())
    members = {
        name: _strict(member) if name in required else _nullable(_strict(member))
        for name, member in schema["properties"].items()
    }
    closing = {"required": list(members), "additionalProperties": False}
    return {**kept, "properties": members, **closing}


def _as_text(schema: Mapping[str, Any]) -> dict[str, Any]:
    described = f"{schema.get('description', '')} {JSON_TEXT}".strip()
    return {"description": described, "type": "string"}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that also takes null.

    A list of types serves plain values only: OpenAI refuses it beside `items`, and `enum` would
    need null among its words.
    """
    if schema["type"] not in ("array", "object") and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    described = {word: schema[word] for word in ("description",) if word in schema}
    plain = {word: value for word, value in schema.items() if word not in described}
    return {**described, "anyOf": [plain, {"type": "null"}]}
