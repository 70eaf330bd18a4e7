"""The Customer.io tool for AI agents: subtools over the Track and App APIs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customerio_tool.backends import Backends
    from customerio_tool.backends.approvals.memory import MemoryApprovals
    from customerio_tool.backends.approvals.redis import RedisApprovals
    from customerio_tool.backends.approvals.sqlite import SqliteApprovals
    from customerio_tool.backends.ledger.memory import MemoryLedger
    from customerio_tool.backends.ledger.redis import RedisLedger
    from customerio_tool.backends.ledger.sqlite import SqliteLedger
    from customerio_tool.backends.pacing.local import LocalLimiter
    from customerio_tool.backends.pacing.redis import RedisLimiter
    from customerio_tool.backends.shared_reads import SharedReads
    from customerio_tool.backends.telemetry.audit import AuditTrail
    from customerio_tool.backends.telemetry.events import Telemetry
    from customerio_tool.backends.telemetry.log import LogTelemetry
    from customerio_tool.backends.telemetry.otel import OtelTelemetry
    from customerio_tool.calls.call import CallContext
    from customerio_tool.connection import Connection
    from customerio_tool.deadline import Clock, Timeouts
    from customerio_tool.details import Detail
    from customerio_tool.dialects import Dialect
    from customerio_tool.errors import (
        Answered,
        ArgumentsInvalid,
        Cancelled,
        ConfirmationRequired,
        ConfirmationUnknown,
        ConnectionInvalid,
        CredentialsRejected,
        CustomerIoError,
        FieldProblem,
        LedgerUnavailable,
        Look,
        NextStep,
        NotFound,
        OutcomeUnknown,
        PermissionDenied,
        PolicyRefused,
        Problem,
        RateLimited,
        Refused,
        ReplyUnreadable,
        RequestRejected,
        SendInProgress,
        ServiceFailed,
        SubtoolDisabled,
        SubtoolUnknown,
        TookEffect,
        ToolClosed,
        Unreachable,
    )
    from customerio_tool.policy import Policy
    from customerio_tool.sandbox import Sandbox
    from customerio_tool.subtools.declare import Api
    from customerio_tool.tool import CustomerIoTool
    from customerio_tool.version import __version__

__all__ = [
    "Answered",
    "Api",
    "ArgumentsInvalid",
    "AuditTrail",
    "Backends",
    "CallContext",
    "Cancelled",
    "Clock",
    "ConfirmationRequired",
    "ConfirmationUnknown",
    "Connection",
    "ConnectionInvalid",
    "CredentialsRejected",
    "CustomerIoError",
    "CustomerIoTool",
    "Detail",
    "Dialect",
    "FieldProblem",
    "LedgerUnavailable",
    "LocalLimiter",
    "LogTelemetry",
    "Look",
    "MemoryApprovals",
    "MemoryLedger",
    "NextStep",
    "NotFound",
    "OtelTelemetry",
    "OutcomeUnknown",
    "PermissionDenied",
    "Policy",
    "PolicyRefused",
    "Problem",
    "RateLimited",
    "RedisApprovals",
    "RedisLedger",
    "RedisLimiter",
    "Refused",
    "ReplyUnreadable",
    "RequestRejected",
    "Sandbox",
    "SendInProgress",
    "ServiceFailed",
    "SharedReads",
    "SqliteApprovals",
    "SqliteLedger",
    "SubtoolDisabled",
    "SubtoolUnknown",
    "Telemetry",
    "Timeouts",
    "TookEffect",
    "ToolClosed",
    "Unreachable",
    "__version__",
]

# Imported on first use: pytest imports this package in every run, for the plugin that it contains.
_NAMES_IN = {
    "backends": ("Backends",),
    "backends.approvals.memory": ("MemoryApprovals",),
    "backends.approvals.redis": ("RedisApprovals",),
    "backends.approvals.sqlite": ("SqliteApprovals",),
    "backends.ledger.memory": ("MemoryLedger",),
    "backends.ledger.redis": ("RedisLedger",),
    "backends.ledger.sqlite": ("SqliteLedger",),
    "backends.pacing.local": ("LocalLimiter",),
    "backends.pacing.redis": ("RedisLimiter",),
    "backends.shared_reads": ("SharedReads",),
    "backends.telemetry.audit": ("AuditTrail",),
    "backends.telemetry.events": ("Telemetry",),
    "backends.telemetry.log": ("LogTelemetry",),
    "backends.telemetry.otel": ("OtelTelemetry",),
    "calls.call": ("CallContext",),
    "connection": ("Connection",),
    "deadline": ("Clock", "Timeouts"),
    "details": ("Detail",),
    "dialects": ("Dialect",),
    "errors": (
        "Answered",
        "ArgumentsInvalid",
        "Cancelled",
        "ConfirmationRequired",
        "ConfirmationUnknown",
        "ConnectionInvalid",
        "CredentialsRejected",
        "CustomerIoError",
        "FieldProblem",
        "LedgerUnavailable",
        "Look",
        "NextStep",
        "NotFound",
        "OutcomeUnknown",
        "PermissionDenied",
        "PolicyRefused",
        "Problem",
        "RateLimited",
        "Refused",
        "ReplyUnreadable",
        "RequestRejected",
        "SendInProgress",
        "ServiceFailed",
        "SubtoolDisabled",
        "SubtoolUnknown",
        "TookEffect",
        "ToolClosed",
        "Unreachable",
    ),
    "policy": ("Policy",),
    "sandbox": ("Sandbox",),
    "subtools.declare": ("Api",),
    "tool": ("CustomerIoTool",),
    "version": ("__version__",),
}
_MODULES = {name: module for module, names in _NAMES_IN.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
