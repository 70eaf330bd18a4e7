"""What the workers of one workspace share, as the environment says: ledger, limits, audit trail.

`CUSTOMERIO_REDIS_URL` shares ledger and limits among machines; `CUSTOMERIO_LEDGER_FILE` keeps the
ledger in a SQLite file, for the processes of one machine. Without them each process remembers for
itself, for all its tools: a host may make one for each call. `CUSTOMERIO_AUDIT_FILE` is appended
one line per call, beside the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from customerio_tool.audit import AuditTrail
from customerio_tool.budget import SendBudget
from customerio_tool.confirmation import Approvals
from customerio_tool.connection import Connection
from customerio_tool.errors import ConnectionInvalid, FieldProblem
from customerio_tool.ledger import Ledger, MemoryLedger
from customerio_tool.pacing import Limiter, LocalLimiter, Pacer
from customerio_tool.pacing_redis import limiter_from_env
from customerio_tool.redis_client import REDIS_URL_VARIABLE
from customerio_tool.replay import RetryQuota
from customerio_tool.telemetry import LogTelemetry, Telemetry

LEDGER_FILE_VARIABLE = "CUSTOMERIO_LEDGER_FILE"
AUDIT_FILE_VARIABLE = "CUSTOMERIO_AUDIT_FILE"

__all__ = ["InProcess", "in_process", "ledger_from_env", "pacer_from_env", "telemetry_from_env"]


@dataclass(frozen=True)
class InProcess:
    """What the tools of one process remember together; each part tells workspaces apart.

    Args:
        limiter: The slots that were handed out.
        ledger: The sends that were begun.
        quota: The repeats that are left.
        budget: The sends that runs have had.
        approvals: The calls that wait for a person.
        limiters: By the address of Redis, so that a process is one worker however many its tools.
        ledgers: The same.
    """

    limiter: LocalLimiter = field(default_factory=LocalLimiter)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    quota: RetryQuota = field(default_factory=RetryQuota)
    budget: SendBudget = field(default_factory=SendBudget)
    approvals: Approvals = field(default_factory=Approvals)
    limiters: dict[str, Limiter] = field(default_factory=dict, repr=False)
    ledgers: dict[str, Ledger] = field(default_factory=dict, repr=False)


_of_hosts: dict[tuple[str | None, str | None], InProcess] = {}


def in_process(connection: Connection) -> InProcess:
    """Return what this process remembers of the hosts that a connection is for.

    Hosts of the operator's own stand apart: what a local Customer.io took was not sent by the real
    one, though the keys may be the same.
    """
    own_hosts = (connection.track_url, connection.app_url)
    return _of_hosts.setdefault(own_hosts, InProcess())  # one step, so that threads get the same


def pacer_from_env(
    environ: Mapping[str, str],
    process: InProcess,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Pacer:
    """Return a pacer on the limiter that the environment asks for; raises like that."""
    url = _redis_url(environ)
    limiter = process.limiters.get(url)
    if limiter is None:
        limiter = process.limiters.setdefault(url, limiter_from_env(environ, process.limiter))
    return Pacer(limiter, sleep=sleep, monotonic=monotonic)


def ledger_from_env(environ: Mapping[str, str], process: InProcess) -> Ledger:
    """Return the ledger of sends that the environment asks for, else that of the process.

    Raises:
        ImportError: It asks for Redis, and redis-py is not installed.
        ValueError: `CUSTOMERIO_REDIS_URL` holds no address of a Redis server.
    """
    if path := environ.get(LEDGER_FILE_VARIABLE, "").strip():
        from customerio_tool.ledger_sqlite import SqliteLedger

        return SqliteLedger(path)
    if not (url := _redis_url(environ)):
        return process.ledger
    from customerio_tool.ledger_redis import RedisLedger

    return process.ledgers.get(url) or process.ledgers.setdefault(url, RedisLedger(url))


def _redis_url(environ: Mapping[str, str]) -> str:
    return environ.get(REDIS_URL_VARIABLE, "").strip()


def telemetry_from_env(environ: Mapping[str, str]) -> list[Telemetry]:
    """Return whom the environment has told of calls: the log, and the audit trail it names.

    Raises:
        ConnectionInvalid: `CUSTOMERIO_AUDIT_FILE` cannot be written.
    """
    watchers: list[Telemetry] = [LogTelemetry()]
    if path := environ.get(AUDIT_FILE_VARIABLE, "").strip():
        watchers.append(_audit_trail(path))
    return watchers


def _audit_trail(path: str) -> AuditTrail:
    try:
        return AuditTrail(path)
    except (OSError, ValueError):  # ValueError: a path with a NUL character
        pass
    right = "name a file that this process may write, in a directory that exists"
    problem = FieldProblem(AUDIT_FILE_VARIABLE, "cannot be written", right)
    raise ConnectionInvalid(f"The audit trail cannot be kept. {problem}.", fields=[problem])
