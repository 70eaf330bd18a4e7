"""A connection in the forms in which other programs take it, with a place for each key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from customerio_tool.connection import Connection
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.doors.workbench.exports import Export

_PLACES = "Put the keys in the places of <...>: the workbench never shows them."


def exports_of(connection: Connection) -> list[Export]:
    """Return every form of a connection; none holds a key."""
    values = _values(connection)
    return [
        Export(
            "env",
            "Environment",
            f"For a .env file, or the environment of a process. {_PLACES}",
            "".join(f"{VARIABLES[key]}={shlex.quote(value)}\n" for key, value in values.items()),
            "customerio.env",
        ),
        Export(
            "json",
            "JSON",
            f"A saved connection, as CustomerIoTool and this workbench take it. {_PLACES}",
            _json(values),
            "customerio-connection.json",
        ),
        Export(
            "phinite",
            "Phinite",
            "What goes into each field of the studio's form. It publishes no format to import, so "
            f"copy the values one by one. {_PLACES}",
            _json([_filled_in(key, value) for key, value in values.items()]),
            "customerio-phinite.json",
        ),
    ]


def _values(connection: Connection) -> Mapping[str, str]:
    """Return the fields that are given; instead of a key, the place to put it."""
    given = {key: getattr(connection, key) for key in connection_fields()}
    return {
        key: f"<{field.label}>" if field.secret else str(given[key])
        for key, field in connection_fields().items()
        if given[key] is not None
    }


def _filled_in(key: str, value: str) -> dict[str, object]:
    field = connection_fields()[key]
    return {"key": key, "label": field.label, "secret": field.secret, "value": value}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
