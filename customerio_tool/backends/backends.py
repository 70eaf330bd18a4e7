"""What stands behind the calls of a tool: limits, ledger, watchers, and what a process remembers.

`Backends.from_env` reads the environment: `CUSTOMERIO_REDIS_URL` shares ledger and limits among
machines; `CUSTOMERIO_LEDGER_FILE` keeps the ledger in a SQLite file, for the processes of one
machine; `CUSTOMERIO_AUDIT_FILE` is appended one line per call, beside the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from customerio_tool.backends.approvals import Approvals
from customerio_tool.backends.budget import SendBudget
from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.slots import Limiter
from customerio_tool.backends.quota import RetryQuota
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.backends.telemetry.audit import AuditTrail
from customerio_tool.backends.telemetry.events import Telemetry
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.errors import ConnectionInvalid, FieldProblem
from customerio_tool.secret import Environment

if TYPE_CHECKING:
    from customerio_tool.deadline import Clock

LEDGER_FILE_VARIABLE = "CUSTOMERIO_LEDGER_FILE"
AUDIT_FILE_VARIABLE = "CUSTOMERIO_AUDIT_FILE"


@dataclass(frozen=True, kw_only=True)
class Backends:
    """What the tools that share it remember together; each part tells workspaces apart.

    A host that chooses a part makes one value, once, and gives it to each of its tools.

    Args:
        limiter: Hands out slots in the vendor's rate classes.
        ledger: Remembers sends, so that none happens twice.
        telemetry: Who is notified of calls; by default the logger `customerio_tool`, with one
            line per call.
        best_effort: Whether to send although the ledger is lost; by default that is refused.
        quota: The repeats that are left.
        budget: The sends that runs have had.
        approvals: The calls that wait for a person.
    """

    limiter: Limiter = field(default_factory=LocalLimiter)
    ledger: Ledger = field(default_factory=MemoryLedger)
    telemetry: Sequence[Telemetry] = field(default_factory=lambda: (LogTelemetry(),))
    best_effort: bool = False
    quota: RetryQuota = field(default_factory=RetryQuota)
    budget: SendBudget = field(default_factory=SendBudget)
    approvals: Approvals = field(default_factory=Approvals)

    @classmethod
    def on_clock(cls, clock: Clock) -> Backends:
        """Return backends of their own, whose limits live by a clock."""
        return cls(limiter=LocalLimiter(monotonic=clock.monotonic))

    @classmethod
    def of_process(cls, *hosts: str) -> Backends:
        """Return the backends that the tools of this process share unless they are given others.

        Args:
            hosts: The operator's own hosts, which stand apart: what a local Customer.io took was
                not sent by the real one, though the keys may be the same.
        """
        return _OF_PROCESS.setdefault(hosts, cls())  # one step, so that threads get the same

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, shared: Backends | None = None
    ) -> Backends:
        """Return shared backends, with the parts that the environment asks for instead.

        Args:
            environ: Where to read, in place of the process's environment.
            shared: Where the other parts are from; by default those of the process.

        Raises:
            ConnectionInvalid: `CUSTOMERIO_AUDIT_FILE` cannot be written.
            ImportError: `CUSTOMERIO_REDIS_URL` is set, and the extra `redis` is not installed.
            ValueError: `CUSTOMERIO_REDIS_URL` holds no address of a Redis server.
        """
        source = Environment(environ)
        del environ
        shared = shared or cls.of_process()
        if url := source.get(REDIS_URL_VARIABLE, "").strip():
            shared = replace(shared, limiter=_redis_limiter(url), ledger=_redis_ledger(url))
        if path := source.get(LEDGER_FILE_VARIABLE, "").strip():
            shared = replace(shared, ledger=_sqlite_ledger(path))
        if path := source.get(AUDIT_FILE_VARIABLE, "").strip():
            shared = replace(shared, telemetry=(*shared.telemetry, _audit_trail(path)))
        return shared


_OF_PROCESS: dict[tuple[str, ...], Backends] = {}


@cache
def _redis_limiter(url: str) -> Limiter:
    """Return the one limiter on a Redis, so that a process is one worker however many its tools."""
    from customerio_tool.backends.pacing.redis import RedisLimiter

    return RedisLimiter(url)


@cache
def _redis_ledger(url: str) -> Ledger:
    from customerio_tool.backends.ledger.redis import RedisLedger

    return RedisLedger(url)


def _sqlite_ledger(path: str) -> Ledger:
    from customerio_tool.backends.ledger.sqlite import SqliteLedger

    return SqliteLedger(path)


def _audit_trail(path: str) -> AuditTrail:
    try:
        return AuditTrail(path)
    except (OSError, ValueError):  # ValueError: a path with a NUL character
        pass
    right = "name a file that this process may write, in a directory that exists"
    problem = FieldProblem(AUDIT_FILE_VARIABLE, "cannot be written", right)
    raise ConnectionInvalid(f"The audit trail cannot be kept. {problem}.", fields=[problem])
