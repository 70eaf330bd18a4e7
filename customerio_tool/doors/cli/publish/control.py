"""The OpenAPI document of the local Customer.io's control routes, made from its route table."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from customerio_tool.doors.cli.publish.tables import table
from customerio_tool.sandbox.api.control import CONTROL, QUERY
from customerio_tool.sandbox.options import Options
from customerio_tool.sandbox.serving.routes import Route
from customerio_tool.version import __version__

DOCUMENT = "docs/reference/sandbox-openapi.json"

_DESCRIPTION = (
    "Inspects and changes a local Customer.io, on loopback only; where it was told to listen "
    "elsewhere, with its App API key as a bearer token. A request that changes something needs "
    "Content-Type: application/json."
)
_TYPES: Mapping[type, str] = {int: "integer", str: "string"}
_IN_COMPONENTS = "#/components/schemas/{model}"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in CONTROL.table:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Local Customer.io: control",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "servers": [{"url": "http://127.0.0.1:8800"}],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def control_block() -> str:
    """Return the table of the routes."""
    rows = [
        (f"`{route.method} {_path(route)}`", _in_markdown(_summary(route)))
        for route in CONTROL.table
    ]
    return f"\n\n{table(('Request', 'What it does'), rows)}\n\n"


def _path(route: Route) -> str:
    return "/" + "/".join(route.segments)


def _summary(route: Route) -> str:
    return (inspect.getdoc(route.handler) or "").partition("\n")[0]


def _in_markdown(text: str) -> str:
    return text.replace("``", "`")


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    told = _in_markdown(inspect.getdoc(route.handler) or "")
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": _in_markdown(_summary(route)),
        "description": told,
        "parameters": [*_parameters(route)],
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": {}}}},
            "4XX": {"description": "Refused: the body says why."},
        },
    }
    if route.takes is not None:
        content = {"application/json": {"schema": _body(route.takes, schemas)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", _path(route)):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, kind in QUERY.get(route.operation, {}).items():
        yield {"name": name, "in": "query", "schema": {"type": _TYPES[kind]}}


def _body(taken: type[Any] | Mapping[str, type[Any]], schemas: dict[str, Any]) -> dict[str, Any]:
    if isinstance(taken, Mapping):
        lists = {name: _list_of(entry, schemas) for name, entry in taken.items()}
        return {"type": "object", "properties": lists, "additionalProperties": False}
    return _reference(taken, schemas)


def _list_of(entry: type[Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _reference(entry, schemas)}


def _reference(kind: type[Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Put the schema of a dataclass among the components, and return a reference to it."""
    schema = TypeAdapter(kind).json_schema(ref_template=_IN_COMPONENTS)
    schemas.update(schema.pop("$defs", {}))
    name = kind.__name__.strip("_")
    if kind is Options:  # credentials are settled when it starts
        shown = Options().shown()
        schema["properties"] = {k: v for k, v in schema["properties"].items() if k in shown}
    schemas[name] = {**_described(kind, schema), "title": name, "additionalProperties": False}
    return {"$ref": _IN_COMPONENTS.format(model=name)}


def _described(kind: type[Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Add what the docstring says of the class and of each of its attributes."""
    told, _, attributes = _in_markdown(inspect.getdoc(kind) or "").partition("\nAttributes:\n")
    words = dict(re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE))
    properties = {
        name: {**each, "description": " ".join(words[name].split())} if name in words else each
        for name, each in schema["properties"].items()
    }
    return {**schema, "description": " ".join(told.split()), "properties": properties}
