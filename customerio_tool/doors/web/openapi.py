"""The OpenAPI document of the JSON calls, made from the definitions of the subtools."""

from __future__ import annotations

from typing import Any

from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.subtools import find
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import __version__

_DESCRIPTION = (
    "The subtools of Customer.io, each as one operation. Every result has `ok` and `summary`, and "
    "comes with status 200 also where the call failed: `error` then says what to do next. "
    "The header X-Run-Id may name the agent's run, which the host sets and no model."
)
_REFUSALS = {
    "401": "The bearer token is missing or wrong.",
    "413": "The arguments are too large.",
    "415": "The arguments are not declared as JSON.",
}


def openapi(tool: CustomerIoTool, url: str, detail: Detail = DEFAULT_DETAIL) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Args:
        tool: The tool whose subtools are offered; those that may not run are left out.
        url: The address of the server, without a final slash.
        detail: How much of the definitions it has.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Customer.io", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            f"/api/{each['name']}": {"post": _operation(each)}
            for each in tool.definitions(detail=detail)
        },
    }


def _operation(definition: dict[str, Any]) -> dict[str, Any]:
    schema = definition["input_schema"]
    return {
        "operationId": definition["name"],
        "summary": definition["title"],
        "description": definition["description"],
        "requestBody": {
            "required": bool(schema.get("required")),
            "content": {"application/json": {"schema": schema, "examples": _examples(definition)}},
        },
        "responses": {
            "200": {
                "description": "The result of the call, of a success or a failure.",
                "content": {"application/json": {"schema": definition["output_schema"]}},
            },
            **{status: {"description": words} for status, words in _REFUSALS.items()},
        },
    }


def _examples(definition: dict[str, Any]) -> dict[str, Any]:
    examples = find(definition["name"]).examples
    return {
        f"example{number}": {
            **({"summary": each.title} if each.title else {}),
            "value": dict(each.arguments),
        }
        for number, each in enumerate(examples, 1)
    }
