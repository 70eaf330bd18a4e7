"""Makes the tool of a bulk job, with the stores that `--redis` shares among machines.

The id of a job is made from the bytes of its input, so that a copy of it elsewhere is the same job.
What remembers its sends must be found from there too: it is the user's, and not beside the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from customerio_tool.backends import Backends
from customerio_tool.backends.backends import LEDGER_FILE_VARIABLE
from customerio_tool.backends.health import ledger_problem
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.ledger.sqlite import SqliteLedger
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.deadline import Clock
from customerio_tool.doors.bulk.job import JournalLost
from customerio_tool.doors.cli.connecting import ground
from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.credentials import apis_given
from customerio_tool.policy import Policy
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Effect
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import DISTRIBUTION

LEDGER = "bulk-sends.sqlite"
"""The user's ledger of sends, in the folder of the user's settings."""

_ADVICE = f"Name a file elsewhere with {LEDGER_FILE_VARIABLE}."


@contextmanager
def connected(
    name: str, redis_url: str | None, *, on_sandbox: bool, sends: bool = True
) -> Iterator[CustomerIoTool]:
    """Yield the tool of a job, under the environment's policy.

    Args:
        name: The name of the subtool.
        redis_url: The Redis that its workers share; None for the stores of the environment.
        on_sandbox: Whether to run it on a new local Customer.io.
        sends: Whether the job runs, and is not only checked or shown.

    Raises:
        JournalLost: The folder of the user's ledger cannot be made, or its file cannot be used.
        SubtoolUnknown: There is no subtool of that name.
        ConnectionInvalid: The environment's connection or policy cannot be used.
        Exit: The stores cannot be used; the reason was printed.
    """
    apis = {*find(name).apis, *apis_given(os.environ)}
    with ground(ALL_APIS if on_sandbox else apis, on_sandbox=on_sandbox) as standing:
        backends = standing.backends
        if redis_url:
            backends = _shared(redis_url, backends)
        elif sends and not on_sandbox and find(name).effect is Effect.SEND:
            backends = _usable(_lasting(backends))
        with replace(standing, backends=backends).tool(Policy.from_env()) as tool:
            yield tool


def _lasting(backends: Backends) -> Backends:
    """Return backends whose ledger is the user's, unless the environment names another."""
    if not isinstance(backends.ledger, MemoryLedger):
        return backends
    folder = Path(typer.get_app_dir(DISTRIBUTION))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalLost(
            "Nothing was sent: the folder of your settings, which has the ledger of sends, cannot "
            f"be made ({error.strerror}). {_ADVICE}"
        ) from None
    return replace(backends, ledger=SqliteLedger(folder / LEDGER))


def _usable(backends: Backends) -> Backends:
    """Return the backends; a file that cannot be written now is not waited for, as a Redis is."""
    is_file = isinstance(backends.ledger, SqliteLedger)
    if is_file and (problem := ledger_problem(backends.ledger, Clock().now())):
        raise JournalLost(f"{problem} {_ADVICE}")
    return backends


def _shared(redis_url: str, backends: Backends) -> Backends:
    """Return backends whose ledger and rate limits are in a Redis."""
    named = {name: text for name, text in os.environ.items() if name != LEDGER_FILE_VARIABLE}
    try:
        return Backends.from_env({**named, REDIS_URL_VARIABLE: redis_url}, shared=backends)
    except (ImportError, ValueError) as error:
        fail(str(error), Exit.CONNECTION)
