"""Knows the environment variables of a connection, and which APIs they give credentials of."""

from __future__ import annotations

from collections.abc import Mapping

from customerio_tool.connection.fields import connection_fields
from customerio_tool.subtools.declare import Api

VARIABLES: Mapping[str, str] = {key: f"CUSTOMERIO_{key.upper()}" for key in connection_fields()}
"""The environment variable of each field of a connection."""


def apis_given(environment: Mapping[str, str]) -> set[Api]:
    """Return the APIs whose credentials are given."""
    required = {VARIABLES[key]: f.api for key, f in connection_fields().items() if f.required}
    missing = {api for name, api in required.items() if not environment.get(name, "").strip()}
    return set(Api) - missing
