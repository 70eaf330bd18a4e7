"""The tool's manifest: everything that a host needs to offer the tool before any call.

The studio publishes no manifest format, so the format is this project's own. It is versioned, and
`MANIFEST_SCHEMA` is its JSON Schema.
"""

from __future__ import annotations

from importlib.metadata import metadata
from typing import Any

from customerio_tool.calls.recovery import CALL_SECONDS, SEND_SECONDS
from customerio_tool.calls.retry import MAX_ATTEMPTS
from customerio_tool.connection.fields import connection_fields
from customerio_tool.deadline import Timeouts
from customerio_tool.subtools import lookups, subtools
from customerio_tool.subtools.declare import Effect, Example, Subtool
from customerio_tool.subtools.declare.schema import JSON_SCHEMA
from customerio_tool.version import DISTRIBUTION, __version__

SCHEMAS = "schemas"
"""The folder of the published schemas, beside the manifest."""

TITLE = "Customer.io"
DESCRIPTION = (
    "Manage Customer.io people, events, devices, segments, campaigns, transactional messages, and "
    "message history via the Track and App APIs."
)
"""From the product's page (https://docs.phinite.ai/docs/integrations-hub/customer-io)."""

ENVIRONMENTS = ("DEV", "UAT", "PROD")
"""The studio's environments: its form takes one set of credentials for each. Source: the form's
screenshots in https://docs.phinite.ai."""


def manifest() -> dict[str, Any]:
    """Return the manifest as plain values, in the order of publication."""
    package = metadata(DISTRIBUTION)
    return {
        "manifest_version": 1,
        "id": "customer_io",
        "name": "CustomerIoTool",
        "title": TITLE,
        "version": __version__,
        "description": DESCRIPTION,
        "category": "Marketing & Social",
        "sub_category": "predefined-tools",
        "icon": "https://storage.googleapis.com/phinite-public/integrations/customer-io.svg",
        "documentation_url": "https://docs.phinite.ai/docs/integrations-hub/customer-io",
        "provider_documentation_url": "https://docs.customer.io/",
        "license": package["License-Expression"],
        "runtime": {
            "language": "python",
            "requires_python": package["Requires-Python"],
            "distribution": DISTRIBUTION,
            "entry_point": "customerio_tool:CustomerIoTool",
            "main": "customerio_tool.doors.studio:main",
        },
        "connection": _connection(),
        "governance": GOVERNANCE,
        "defaults": _defaults(),
        "subtools": [_entry(subtool) for subtool in subtools().values()],
        "optional_subtools": [_entry(subtool) for subtool in lookups().values()],
    }


def schema_path(name: str) -> str:
    """Return the path of a schema, relative to the manifest."""
    return f"{SCHEMAS}/{name}.json"


def subtool_schema_path(subtool: Subtool[Any]) -> str:
    """Return the path of a subtool's schema: those of the look-ups are in a folder of their own."""
    return schema_path(f"{_LOOKUPS}/{subtool.name}" if subtool.is_lookup else subtool.name)


_LOOKUPS = "lookups"

GOVERNANCE = schema_path("phinite-policy")
"""The path of the policies for the studio's own governance."""


def credentials_of(subtool: Subtool[Any]) -> list[str]:
    """Return the connection fields that a subtool requires."""
    fields = connection_fields().items()
    return [key for key, field in fields if field.required and field.api in subtool.apis]


def _connection() -> dict[str, Any]:
    fields = connection_fields().items()
    return {
        "schema": schema_path("connection"),
        "scope": {"environments": list(ENVIRONMENTS), "assistants": "selectable"},
        "fields": [field.as_form(key) for key, field in fields if not field.operator],
        "test": {
            "callable": "customerio_tool:CustomerIoTool.test_connection",
            "read_only": True,
            "checks": ["track", "region", "app"],
            "minimal_subtool": "list_segments",
        },
    }


def _defaults() -> dict[str, float]:
    """Return the default limits of a call."""
    timeouts = Timeouts()
    return {
        "connect_timeout_seconds": timeouts.connect,
        "read_timeout_seconds": timeouts.read,
        "total_deadline_seconds": CALL_SECONDS,
        "send_deadline_seconds": SEND_SECONDS,
        "max_attempts": MAX_ATTEMPTS,
    }


def _entry(subtool: Subtool[Any]) -> dict[str, Any]:
    return {
        "id": subtool.name,
        "title": subtool.title,
        "description": subtool.description,
        "api": subtool.endpoint.api.value,
        "credentials": credentials_of(subtool),
        "effect": subtool.effect.word,
        "annotations": subtool.effect.annotations,
        "schema": subtool_schema_path(subtool),
        "reference": subtool.reference,
        "examples": [_example(example) for example in subtool.examples],
    }


def _example(example: Example) -> dict[str, Any]:
    title = {"title": example.title} if example.title else {}
    return {**title, "input": dict(example.arguments)}


def _closed(properties: dict[str, Any], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "pattern": r"\S"}
_URL = {"type": "string", "format": "uri", "pattern": "^https://"}
_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}
_CALLABLE = {"type": "string", "pattern": r"^[a-z_.]+:[A-Za-z_.]+$"}
_SCHEMA_PATH = {"type": "string", "pattern": f"^{SCHEMAS}/(?:{_LOOKUPS}/)?[a-z][a-z0-9_-]*\\.json$"}
_TRUE_OR_FALSE = {"type": "boolean"}

_FIELD_SCHEMA = {
    **_closed(
        {
            "key": _NAME,
            "type": {"type": "string", "enum": ["string", "enum"]},
            "label": _TEXT,
            "required": _TRUE_OR_FALSE,
            "secret": _TRUE_OR_FALSE,
            "placeholder": _TEXT,
            "help": _TEXT,
            "help_url": _URL,
            "options": {
                "type": "array",
                "items": _closed({"value": _TEXT, "label": _TEXT}),
                "minItems": 1,
            },
        },
        optional=("options",),
    ),
    "if": {"properties": {"type": {"const": "enum"}}},
    "then": {"required": ["options"]},
    "else": {"not": {"required": ["options"]}},
}

_ANNOTATIONS_SCHEMA = {
    **_closed(dict.fromkeys(Effect.READ.annotations, _TRUE_OR_FALSE)),
    "if": {"properties": {"readOnlyHint": {"const": True}}},
    "then": {"properties": {"destructiveHint": {"const": False}}},
}

_SUBTOOL_SCHEMA = _closed(
    {
        "id": _NAME,
        "title": _TEXT,
        "description": _TEXT,
        "api": {"type": "string", "enum": ["track", "app"]},
        "credentials": {"type": "array", "items": _NAME, "minItems": 1, "uniqueItems": True},
        "effect": {"type": "string", "enum": [effect.word for effect in Effect]},
        "annotations": _ANNOTATIONS_SCHEMA,
        "schema": _SCHEMA_PATH,
        "reference": _URL,
        "examples": {
            "type": "array",
            "items": _closed({"title": _TEXT, "input": {"type": "object"}}, optional=("title",)),
            "minItems": 2,
        },
    }
)

MANIFEST_SCHEMA: dict[str, Any] = {
    "$schema": JSON_SCHEMA,
    "$id": f"urn:{DISTRIBUTION}:manifest",
    "title": "Tool manifest",
    "description": (
        "The layout of tool_manifest.yaml, version 1. Paths are relative to the manifest; `effect` "
        "says what MCP's hints cannot: that a call reaches real people."
    ),
    **_closed(
        {
            "manifest_version": {"const": 1},
            "id": _NAME,
            "name": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9]*$"},
            "title": _TEXT,
            "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
            "description": _TEXT,
            "category": _TEXT,
            "sub_category": _TEXT,
            "icon": _URL,
            "documentation_url": _URL,
            "provider_documentation_url": _URL,
            "license": _TEXT,
            "runtime": _closed(
                {
                    "language": {"const": "python"},
                    "requires_python": _TEXT,
                    "distribution": _TEXT,
                    "entry_point": _CALLABLE,
                    "main": _CALLABLE,
                }
            ),
            "connection": _closed(
                {
                    "schema": _SCHEMA_PATH,
                    "scope": _closed(
                        {
                            "environments": {"type": "array", "items": _TEXT, "minItems": 1},
                            "assistants": {"const": "selectable"},
                        }
                    ),
                    "fields": {"type": "array", "items": _FIELD_SCHEMA, "minItems": 1},
                    "test": _closed(
                        {
                            "callable": _CALLABLE,
                            "read_only": {"const": True},
                            "checks": {"type": "array", "items": _NAME, "minItems": 1},
                            "minimal_subtool": _NAME,
                        }
                    ),
                }
            ),
            "governance": _SCHEMA_PATH,
            "defaults": _closed(
                {
                    **{name: {"type": "number", "exclusiveMinimum": 0} for name in _defaults()},
                    "max_attempts": {"type": "integer", "minimum": 1},
                }
            ),
            "subtools": {"type": "array", "items": _SUBTOOL_SCHEMA, "minItems": 1},
            "optional_subtools": {
                "type": "array",
                "description": "Off unless the saved connection's `lookups` is true.",
                "items": _SUBTOOL_SCHEMA,
            },
        }
    ),
}
