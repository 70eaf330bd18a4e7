"""Makes the tool of a command from environment variables."""

from __future__ import annotations

from collections.abc import Collection

from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.subtools.declare import Api
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
