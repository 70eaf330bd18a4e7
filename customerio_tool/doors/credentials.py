"""Knows the environment variables of a connection, and which APIs they give credentials of."""

from __future__ import annotations

from collections.abc import Mapping

from customerio_tool.connection.fields import connection_fields
from customerio_tool.subtools.declare import Api

VARIABLES: Mapping[str, str] = {key: f"CUSTOMERIO_{key.upper()}" for key in connection_fields()}
"""The environment variable of each field of a connection."""


def apis_given(environment: Mapping[str, str]) -> set[Api]:
    """Return the APIs whose credentials the environment gives."""
    given = {key: environment.get(name, "") for key, name in VARIABLES.items()}
    required = {key: f.api for key, f in connection_fields().items() if f.required}
    missing = {api for key, api in required.items() if not given[key].strip()}
    return set(Api) - missing


def apis_meant(saved: Mapping[str, str]) -> frozenset[Api]:
    """Return the APIs that a filled-in form is for: those of its keys, so half a pair is missed.

    A site id beside an App API key alone is no half: it names the workspace. Without any key, the
    form is for the APIs of its other fields, or for both.
    """
    fields = connection_fields().items()
    given = [(f.api, f.secret) for key, f in fields if f.api and saved.get(key, "").strip()]
    of_keys = {api for api, is_key in given if is_key}
    return frozenset(of_keys or {api for api, _ in given} or Api)
