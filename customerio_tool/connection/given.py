"""The connection as a caller gives it: as one value, or field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customerio_tool.connection.fields import connection_fields
from customerio_tool.secret import Secret
from customerio_tool.subtools.declare.wording import meant, shown


def given_once(
    connection: Secret[Any], fields: Secret[Mapping[str, Any]], options: Iterable[str]
) -> Secret[Any]:
    """Return the connection that a constructor was given, or the mapping of its fields.

    Args:
        connection: The value of the first argument; None if there is none.
        fields: The keyword arguments that are no options.
        options: The names of the constructor's own keyword arguments.

    Raises:
        TypeError: There is no connection, or there are a connection and further keywords.
    """
    if connection.reveal() is None:
        if fields.reveal():
            return fields
        required = [f"{key}=..." for key, field in connection_fields().items() if field.required]
        raise TypeError(
            "There is no connection: give the saved one as the first argument, or its fields as "
            f"keywords ({', '.join(required)}), or use CustomerIoTool.from_env()."
        )
    for name in fields.reveal():
        raise TypeError(_refusal(name, list(options)))
    return connection


def _refusal(name: str, options: list[str]) -> str:
    if name in connection_fields():
        return (
            f"{name} is given beside a connection: give the fields in the mapping, "
            "or all of them as keywords and no mapping."
        )
    near = meant(name, options)
    hint = f"did you mean {near}?" if near else f"the keywords are {', '.join(options)}."
    return f"{shown(name)} is not a keyword of CustomerIoTool; {hint}"
