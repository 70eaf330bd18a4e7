"""What the tools of a door stand on: a connection, the stores and the clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customerio_tool.backends import Backends
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.policy import Policy
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from customerio_tool.sandbox import Sandbox


@dataclass(frozen=True)
class Ground:
    """What tools stand on: the connection, the stores and the clock.

    Args:
        connection: The connection.
        backends: The stores.
        clock: The sandbox's clock; None on the environment's connection.
        local: The sandbox, if it is one of this process.
    """

    connection: Connection
    backends: Backends
    clock: Clock | None = None
    local: Sandbox | None = None

    @classmethod
    def on(cls, local: Sandbox, apis: Collection[Api] = ALL_APIS) -> Ground:
        """Return the ground of tools on a running sandbox, with stores of their own.

        Args:
            local: The sandbox.
            apis: The APIs that the tools are for.
        """
        clock = Clock(now=local.clock.now)
        connection = Connection.load(local.connection(), apis=apis)
        return cls(connection, Backends.on_clock(clock), clock, local)

    @classmethod
    def of(cls, connection: Connection) -> Ground:
        """Return the ground of tools on a connection, with the stores that the environment names.

        Raises:
            ConnectionInvalid: The environment's audit file or rates cannot be used.
            ImportError: The environment names Redis, and the extra `redis` is not installed.
            ValueError: `CUSTOMERIO_REDIS_URL` is not the URL of a Redis server.
        """
        shared = Backends.of_process(*connection.own_hosts)
        return cls(connection, Backends.from_env(shared=shared))

    def tool(self, policy: Policy) -> CustomerIoTool:
        """Return a tool under a policy."""
        return CustomerIoTool(
            self.connection, policy=policy, backends=self.backends, clock=self.clock
        )
