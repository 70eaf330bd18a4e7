"""What of a subtool's arguments a model is shown, whole and in brief."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from customerio_tool.subtools.declare.endpoint import Effect
from customerio_tool.subtools.declare.marks import IMPLIED, RARE, Short, marks, marks_of

if TYPE_CHECKING:
    from customerio_tool.details import Brief
    from customerio_tool.subtools.declare.arguments import Args
    from customerio_tool.subtools.declare.subtool import Subtool

_SCHEMA_KEYS = ("type", "properties", "required", "additionalProperties")


def whole_schema(args: type[Args]) -> dict[str, Any]:
    """Return the JSON Schema of all arguments that a call takes."""
    from customerio_tool.subtools.declare.schema import ArgumentSchema

    schema = args.model_json_schema(schema_generator=ArgumentSchema)
    return deepcopy({key: schema[key] for key in _SCHEMA_KEYS if key in schema})


def shown_schema(args: type[Args]) -> dict[str, Any]:
    """Return the schema of the arguments without rare ones and those that a form implies."""
    schema = whole_schema(args)
    for name, argument in args.model_fields.items():
        if marks(argument, IMPLIED) or marks(argument, RARE):
            del schema["properties"][name]
    return schema


def brief_of(subtool: Subtool[Any]) -> Brief:
    """Return the short form: the promise, what cannot be undone, when to use it, needed words."""
    shown = shown_schema(subtool.args)
    optional = shown["properties"] if subtool.basic is None else subtool.basic
    arguments = subtool.args.model_fields
    words = {name: marks_of(arguments[name], Short) for name in shown["properties"]}
    warning = " Irreversible." if subtool.effect is Effect.ERASE else ""
    return {
        "description": f"{subtool.promise}{warning}",
        "use": subtool.use,
        "words": {name: found[0].words for name, found in words.items() if found},
        "basic": [
            name
            for name in shown["properties"]
            if name in optional or arguments[name].is_required()
        ],
    }
