"""Makes the tool of a command from environment variables."""

from __future__ import annotations

import os
from collections.abc import Collection

from customerio_tool.connection.fields import connection_fields, is_needed
from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool


def tool_from_env(apis: Collection[Api]) -> CustomerIoTool:
    """Return a tool on the environment's connection, or end with a message about Redis.

    Raises:
        ConnectionInvalid: The environment's connection or policy cannot be used.
    """
    try:
        return CustomerIoTool.from_env(apis=apis)
    except (ImportError, ValueError) as error:  # about CUSTOMERIO_REDIS_URL
        fail(str(error), Exit.CONNECTION)


def apis_of_env() -> Collection[Api]:
    """Return the APIs whose credentials the environment has; all if it has none whole."""
    fields = connection_fields().items()
    found = [
        api
        for api in Api
        if all(
            os.environ.get(f"CUSTOMERIO_{key.upper()}", "").strip()
            for key, field in fields
            if is_needed(field, {api})
        )
    ]
    return found or ALL_APIS
