"""Makes the tool of a bulk job, with the stores that `--redis` shares among machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from customerio_tool.backends import Backends
from customerio_tool.backends.backends import LEDGER_FILE_VARIABLE
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.doors.cli.connecting import ground
from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.credentials import apis_given
from customerio_tool.policy import Policy
from customerio_tool.subtools import find
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool


@contextmanager
def connected(name: str, redis_url: str | None, *, on_sandbox: bool) -> Iterator[CustomerIoTool]:
    """Yield the tool of a job, under the environment's policy.

    Args:
        name: The name of the subtool.
        redis_url: The Redis that its workers share; None for the stores of the environment.
        on_sandbox: Whether to run it on a new local Customer.io.

    Raises:
        SubtoolUnknown: There is no subtool of that name.
        ConnectionInvalid: The environment's connection or policy cannot be used.
        Exit: The stores cannot be used; the reason was printed.
    """
    apis = {*find(name).apis, *apis_given(os.environ)}
    with ground(ALL_APIS if on_sandbox else apis, on_sandbox=on_sandbox) as standing:
        backends = standing.backends
        shared = _shared(redis_url, backends) if redis_url else backends
        with replace(standing, backends=shared).tool(Policy.from_env()) as tool:
            yield tool


def _shared(redis_url: str, backends: Backends) -> Backends:
    """Return backends whose ledger and rate limits are in a Redis."""
    named = {name: text for name, text in os.environ.items() if name != LEDGER_FILE_VARIABLE}
    try:
        return Backends.from_env({**named, REDIS_URL_VARIABLE: redis_url}, shared=backends)
    except (ImportError, ValueError) as error:
        fail(str(error), Exit.CONNECTION)
