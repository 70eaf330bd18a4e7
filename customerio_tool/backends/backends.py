"""`Backends`: the ledger, approvals, rate limits, telemetry and counters that tools share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from customerio_tool.backends.approvals.memory import MemoryApprovals
from customerio_tool.backends.approvals.waiting import Approvals, can_seal, require_sealing
from customerio_tool.backends.ledger.entry import Ledger
from customerio_tool.backends.ledger.memory import MemoryLedger
from customerio_tool.backends.pacing.local import LocalLimiter
from customerio_tool.backends.pacing.slots import Limiter, permits_of
from customerio_tool.backends.quota import RetryQuota
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.backends.shared_reads import SharedReads
from customerio_tool.backends.telemetry.events import Telemetry
from customerio_tool.backends.telemetry.log import LogTelemetry
from customerio_tool.deadline import Clock
from customerio_tool.errors import ConnectionInvalid, FieldProblem
from customerio_tool.records import shared_record
from customerio_tool.secret import Environment, Secret

if TYPE_CHECKING:
    from customerio_tool.backends.telemetry.audit import AuditTrail

LEDGER_FILE_VARIABLE = "CUSTOMERIO_LEDGER_FILE"
AUDIT_FILE_VARIABLE = "CUSTOMERIO_AUDIT_FILE"
RATES_VARIABLE = "CUSTOMERIO_RATES"
THREADS_VARIABLE = "CUSTOMERIO_THREADS"

THREADS = 64


@shared_record(frozen=True, kw_only=True)
class Backends:
    """The state and the services that several tools share; safe for threads.

    Without one, all tools of a process share `Backends.of_process()`. To choose a part, make one
    `Backends` and give it to every tool:

        backends = Backends(ledger=SqliteLedger("/var/lib/agent/sends.db"))
        tool = CustomerIoTool(saved, backends=backends)

    Tools of different workspaces may share one: every part keeps workspaces separate. By default
    each part is in memory, so only the tools of this process share it. For several processes,
    choose `SqliteLedger` and `SqliteApprovals` (one machine), or `RedisLedger`, `RedisLimiter`
    and `RedisApprovals` (many machines).

    Args:
        limiter: Keeps requests within the vendor's rate limits, see `Pace`.
        ledger: Stores sends, so that a repeated call does not send a message twice.
        telemetry: Notified of each call. By default `LogTelemetry`: one line per call on the
            logger `customerio_tool`.
        best_effort: Whether to send, with a warning in the log, if the ledger cannot be used. By
            default such a call is refused with `LedgerUnavailable`.
        quota: The budget of retries of each workspace and API.
        spare: What this process itself counted and kept, for when the ledger is lost.
        approvals: The calls that wait for a person, for `Policy.confirm`. Outside the process they
            are sealed with the credentials of the connection (extra `approvals`).
        reads: Shares the answers of equal reads that name no person, such as `list_segments`.
        threads: How many calls from asyncio (`acall`, MCP, HTTP) run at once in this process, and
            how many idle connections to a host it keeps. A call that waits for its answer costs a
            thread some 70 KiB; beyond 300 or so they no longer make more calls a second.

    Raises:
        ImportError: The approvals are shared, and the extra `approvals` is not installed.
        TypeError: The ledger lacks a method of `Ledger`, or the approvals one of `Approvals`.
        ValueError: `threads` is less than 1.
    """

    limiter: Limiter = field(default_factory=LocalLimiter)
    ledger: Ledger = field(default_factory=MemoryLedger)
    telemetry: Sequence[Telemetry] = field(default_factory=lambda: (LogTelemetry(),))
    best_effort: bool = False
    quota: RetryQuota = field(default_factory=RetryQuota)
    spare: MemoryLedger = field(default_factory=MemoryLedger)
    approvals: Approvals = field(default_factory=MemoryApprovals)
    reads: SharedReads = field(default_factory=SharedReads)
    threads: int = THREADS

    def __post_init__(self) -> None:
        """Refuse a part that lacks something now: later it would fail in the middle of a send."""
        _refuse_lacking("ledger", self.ledger, Ledger)
        _refuse_lacking("approvals", self.approvals, Approvals)
        if self.approvals.is_shared:
            require_sealing()
        if self.threads < 1:
            raise ValueError("threads must be 1 or more.")

    @classmethod
    def on_clock(cls, clock: Clock) -> Backends:
        """Return new backends that measure rate limits by this clock."""
        return cls(limiter=LocalLimiter(monotonic=clock.monotonic))

    @classmethod
    def of_process(cls, *hosts: str) -> Backends:
        """Return the backends that the tools of this process share by default.

        Args:
            hosts: The operator's own hosts, if the connection has some. Each set of hosts has its
                own backends: a message sent to a sandbox was not sent to Customer.io.
        """
        return _OF_PROCESS.setdefault(hosts, cls())  # atomic: all threads get the same

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, shared: Backends | None = None
    ) -> Backends:
        """Return backends whose parts are chosen by environment variables; each may be absent.

        - `CUSTOMERIO_REDIS_URL`: limits, ledger and approvals in Redis, for workers on many
          machines (extra `redis`)
        - `CUSTOMERIO_LEDGER_FILE`: the ledger in this SQLite file, and the approvals in another one
          beside it, whose name has `-approvals` at its end; for the processes of one machine. Both
          have precedence over Redis
        - `CUSTOMERIO_RATES`: other rate limits than Customer.io's, such as `app=5,send=200`; see
          `LocalLimiter`
        - `CUSTOMERIO_THREADS`: how many calls from asyncio run at once, such as 128
        - `CUSTOMERIO_AUDIT_FILE`: an audit trail in this file, in addition to the other telemetry

        Approvals stay in memory, so that only this process can decide about its calls, if the
        library `cryptography` is not installed (extra `approvals`).

        Args:
            environ: The variables; by default those of the process.
            shared: The source of all other parts; by default `of_process()`.

        Raises:
            ConnectionInvalid: The audit file cannot be written, or the rates or the number of
                threads cannot be read.
            ImportError: Redis is chosen, and the extra `redis` is not installed.
            ValueError: `CUSTOMERIO_REDIS_URL` is not the URL of a Redis server.
        """
        source = Environment(environ)
        del environ
        shared = shared or cls.of_process()
        url = Secret(source.get(REDIS_URL_VARIABLE, "").strip())
        rates = _rates(source.get(RATES_VARIABLE, ""))
        if url.reveal():
            limiter = _redis_limiter(url, rates)
            shared = replace(shared, limiter=limiter, ledger=_redis_ledger(url))
        elif rates:
            shared = replace(shared, limiter=_local_limiter(rates))
        path = source.get(LEDGER_FILE_VARIABLE, "").strip()
        if path:
            shared = replace(shared, ledger=_sqlite_ledger(Path(path).absolute()))
        if can_seal() and (path or url.reveal()):
            file = Path(f"{path}-approvals").absolute()
            approvals = _sqlite_approvals(file) if path else _redis_approvals(url)
            shared = replace(shared, approvals=approvals)
        if path := source.get(AUDIT_FILE_VARIABLE, "").strip():
            shared = replace(shared, telemetry=(*shared.telemetry, _audit_trail(path)))
        if text := source.get(THREADS_VARIABLE, "").strip():
            shared = replace(shared, threads=_threads(text))
        return shared

    def let_go(self) -> None:
        """Close the files of SQLite until their next use; other tools may go on using them."""
        for part in (self.ledger, self.approvals):
            if let_go := getattr(part, "let_go", None):
                let_go()


def _refuse_lacking(name: str, part: object, protocol: type) -> None:
    members = {name: what for name, what in vars(protocol).items() if not name.startswith("_")}
    lacking = [
        name
        for name, what in members.items()
        if not (hasattr(part, name) if isinstance(what, property) else _has_method(part, name))
    ]
    if lacking:
        lacks = ", ".join(lacking)
        raise TypeError(f"`{name}` lacks {lacks}; `{protocol.__name__}` says what they do.")


def _has_method(part: object, name: str) -> bool:
    return callable(getattr(part, name, None))


_OF_PROCESS: dict[tuple[str, ...], Backends] = {}


def _rates(text: str) -> tuple[tuple[str, int], ...]:
    """Return the rates in a text such as `app=5,send=200`, by name.

    Raises:
        ConnectionInvalid: It has another form, an unknown name, or a number that is no rate.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        rates = {name.strip().lower(): int(number) for name, _, number in pairs}
        permits_of(rates)
    except ValueError:
        right = "give track, app, send or broadcast a whole number from 1, such as app=5,send=200"
        problem = FieldProblem(RATES_VARIABLE, "holds what is no rate", right)
    else:
        return tuple(sorted(rates.items()))
    raise ConnectionInvalid(f"The rate limits cannot be read. {problem}.", fields=[problem])


def _threads(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text[:6]) > 0:
        return int(text[:6])
    problem = FieldProblem(THREADS_VARIABLE, "is no number of threads", "give a whole one from 1")
    raise ConnectionInvalid(f"The calls cannot be run. {problem}.", fields=[problem])


@cache
def _local_limiter(rates: tuple[tuple[str, int], ...]) -> LocalLimiter:
    """Return the limiter of some rates, always the same one: all tools of a process share it."""
    return LocalLimiter(rates=dict(rates))


@cache
def _redis_limiter(url: Secret[str], rates: tuple[tuple[str, int], ...]) -> Limiter:
    """Return the limiter of a URL, always the same one: a process counts as one worker."""
    from customerio_tool.backends.pacing.redis import RedisLimiter

    return RedisLimiter(url.reveal(), fallback=LocalLimiter(rates=dict(rates)))


@cache
def _redis_ledger(url: Secret[str]) -> Ledger:
    from customerio_tool.backends.ledger.redis import RedisLedger

    return RedisLedger(url.reveal())


@cache
def _redis_approvals(url: Secret[str]) -> Approvals:
    from customerio_tool.backends.approvals.redis import RedisApprovals

    return RedisApprovals(url.reveal())


@cache
def _sqlite_approvals(path: Path) -> Approvals:
    from customerio_tool.backends.approvals.sqlite import SqliteApprovals

    return SqliteApprovals(path)


@cache
def _sqlite_ledger(path: Path) -> Ledger:
    from customerio_tool.backends.ledger.sqlite import SqliteLedger

    return SqliteLedger(path)


def _audit_trail(path: str) -> AuditTrail:
    from customerio_tool.backends.telemetry.audit import AuditTrail

    try:
        return AuditTrail(path)
    except (OSError, ValueError):  # ValueError: a path with a NUL character
        pass
    right = "name a file of its own that this process may write, in a directory that exists"
    wrong = "cannot be written, or is the file of another program"
    problem = FieldProblem(AUDIT_FILE_VARIABLE, wrong, right)
    raise ConnectionInvalid(f"The audit trail cannot be kept. {problem}.", fields=[problem])
