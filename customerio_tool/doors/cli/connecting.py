"""Makes the tool of a command: on the environment's connection, or on a new local Customer.io."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from customerio_tool.connection import Connection
from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.ground import Ground
from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import with_switch
from customerio_tool.subtools.declare import Api
from customerio_tool.tool import CustomerIoTool


@contextmanager
def ground(apis: Collection[Api], *, on_sandbox: bool) -> Iterator[Ground]:
    """Yield what the environment names, or a sandbox that stops with the block.

    Args:
        apis: The APIs that it is for; the credentials of the other one are not needed.
        on_sandbox: Whether to start a sandbox; then the stores of the environment are not used.

    Raises:
        ConnectionInvalid: The environment's connection cannot be used.
        Exit: The stores of the environment cannot be used; the reason was printed.
    """
    if not on_sandbox:
        yield from_env(apis)
        return
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as local:
        yield Ground.on(local, apis)


@contextmanager
def connected(
    apis: Collection[Api], *, on_sandbox: bool, lookups: bool = False
) -> Iterator[CustomerIoTool]:
    """Yield a tool under the environment's policy; `ground` says on what.

    Args:
        apis: The APIs that it is for.
        on_sandbox: Whether to start a sandbox.
        lookups: Whether the look-ups are on, unless the policy keeps them off.

    Raises:
        ConnectionInvalid: The environment's connection or policy cannot be used.
        Exit: The stores of the environment cannot be used; the reason was printed.
    """
    with (
        ground(apis, on_sandbox=on_sandbox) as standing,
        standing.tool(env_policy(lookups=lookups)) as tool,
    ):
        yield tool


def env_policy(*, lookups: bool) -> Policy:
    """Return the environment's policy, with the look-ups on if an option says so.

    Raises:
        ConnectionInvalid: The environment's policy cannot be used.
    """
    return with_switch(Policy.from_env(), lookups or None)


def from_env(apis: Collection[Api]) -> Ground:
    """Return the ground that the environment names.

    Args:
        apis: The APIs that it is for; the credentials of the other one are not needed.

    Raises:
        ConnectionInvalid: The environment's connection cannot be used.
        Exit: The stores of the environment cannot be used; the reason was printed.
    """
    connection = Connection.from_env(apis=apis)
    try:
        return Ground.of(connection)
    except (ImportError, ValueError) as error:  # about CUSTOMERIO_REDIS_URL
        fail(str(error), Exit.CONNECTION)
