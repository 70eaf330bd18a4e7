"""How much of a definition a model is shown, where every token counts.

Each form is a pure function of the whole definition and of its `Brief`. No detail changes what a
call takes: a shorter schema takes all that the whole one takes, and the call checks the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, get_args

Detail: TypeAlias = Literal["full", "compact", "basic"]
"""`full` is everything; `compact` has every argument in few words and without limits; `basic` is
`compact` without the arguments that a model seldom needs, and says when to use the subtool."""

DEFAULT_DETAIL: Detail = "full"
"""The detail of every door that is told none."""

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "summary": {"type": "string"}},
    "required": ["ok", "summary"],
}
"""What every result fits. Some hosts show models the schemas of results, and the whole ones, which
the detail `full` has, are longer than all the rest of the definitions."""


if TYPE_CHECKING:

    class Brief(TypedDict):  # made at each start, it would cost every process
        """The short form of a definition, as `schemas/` publishes it."""

        description: str
        """The description, in one sentence or two."""
        use: str
        """When to use the subtool, which `basic` says after the description; empty if not told."""
        words: Mapping[str, str]
        """Short words on the arguments that are not plain from their names."""
        basic: list[str]
        """The arguments of the detail `basic`."""


def require_detail(detail: str) -> None:
    """Refuse a word that is no detail.

    Raises:
        ValueError: There is no such detail; the message names all.
    """
    if detail not in get_args(Detail):
        known = ", ".join(repr(each) for each in get_args(Detail))
        raise ValueError(f"{detail!r} is no detail; choose from {known}")


def in_detail(definition: Mapping[str, Any], brief: Brief, detail: Detail) -> dict[str, Any]:
    """Return a plain definition in a detail; `full` is the definition as it is.

    Args:
        definition: The whole definition.
        brief: Its short form.
        detail: How much of it to show.
    """
    require_detail(detail)
    if detail == "full":
        return dict(definition)
    whole = definition["input_schema"]
    shown = brief["basic"] if detail == "basic" else whole["properties"]
    members = {
        name: _described(_open(member), brief["words"].get(name))
        for name, member in whole["properties"].items()
        if name in shown
    }
    required = {"required": list(whole["required"])} if "required" in whole else {}
    return {
        **definition,
        "description": _told(brief, detail),
        "input_schema": {"type": "object", "properties": members, **required},
        "output_schema": deepcopy(dict(RESULT_SCHEMA)),
    }


_KEPT_KEYWORDS = ("type", "enum", "required")
"""The keywords of a schema that tell a model what to write; the others are limits."""


def _open(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without limits and words, which takes all that the schema takes."""
    kept = {word: deepcopy(schema[word]) for word in _KEPT_KEYWORDS if word in schema}
    if "properties" in schema:
        kept["properties"] = {name: _open(each) for name, each in schema["properties"].items()}
    return {**kept, "items": _open(schema["items"])} if "items" in schema else kept


def _told(brief: Brief, detail: Detail) -> str:
    use = brief["use"] if detail == "basic" else ""
    return f"{brief['description']} {use}".rstrip()


def _described(schema: dict[str, Any], words: str | None) -> dict[str, Any]:
    return schema if words is None else {"description": words, **schema}
