"""What the workers of one workspace share, as the environment says: ledger, limits, audit trail.

`CUSTOMERIO_REDIS_URL` shares ledger and limits among machines; `CUSTOMERIO_LEDGER_FILE` keeps the
ledger in a SQLite file, for the processes of one machine. Without them each tool remembers for
itself. `CUSTOMERIO_AUDIT_FILE` is appended one line per call, beside the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from customerio_tool.audit import AuditTrail
from customerio_tool.errors import ConnectionInvalid, FieldProblem
from customerio_tool.ledger import Ledger, MemoryLedger
from customerio_tool.pacing import Pacer
from customerio_tool.redis_pacing import REDIS_URL_VARIABLE, limiter_from_env
from customerio_tool.telemetry import LogTelemetry, Telemetry

LEDGER_FILE_VARIABLE = "CUSTOMERIO_LEDGER_FILE"
AUDIT_FILE_VARIABLE = "CUSTOMERIO_AUDIT_FILE"

__all__ = ["ledger_from_env", "pacer_from_env", "telemetry_from_env"]


def pacer_from_env(
    environ: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Pacer:
    """Return a pacer on the limiter that the environment asks for; raises like that."""
    return Pacer(limiter_from_env(environ), sleep=sleep, monotonic=monotonic)


def ledger_from_env(environ: Mapping[str, str]) -> Ledger:
    """Return the ledger of sends that the environment asks for.

    Raises:
        ImportError: It asks for Redis, and redis-py is not installed.
        ValueError: `CUSTOMERIO_REDIS_URL` holds no address of a Redis server.
    """
    if path := environ.get(LEDGER_FILE_VARIABLE, "").strip():
        from customerio_tool.ledger_sqlite import SqliteLedger

        return SqliteLedger(path)
    if url := environ.get(REDIS_URL_VARIABLE, "").strip():
        from customerio_tool.ledger_redis import RedisLedger

        return RedisLedger(url)
    return MemoryLedger()


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
