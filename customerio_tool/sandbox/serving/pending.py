"""Delayed Track writes, accepted at once and applied later: eventual consistency on demand.

They are kept in the workspace, so that no accepted write is lost when the process dies. A delayed
write bears the time of its request, and changes the workspace as it is when the write is due.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..refusal import Refused
from ..store.store import Store
from ..store.workspace import Workspace
from .http import Reply, Request
from .routes import Route, Router

_LOG = logging.getLogger(__name__)
NOT_YET = "not applied yet"


@dataclass(frozen=True)
class Delayed:
    """One delayed write. ``received`` is Unix seconds, ``logged`` its number in the request log."""

    number: int
    received: float
    request: Request
    logged: int


def dry_run(ws: Workspace, route: Route, request: Request, parameters: dict[str, str]) -> Reply:
    """Answer a write and undo its effects. Raises Refused."""
    with ws.store.savepoint(keep=False):
        reply: Reply = route.handler(ws, request, **parameters)
    ws.quiet_failures[:] = [NOT_YET]
    ws.is_delayed = True
    return reply


def add(ws: Workspace, request: Request, logged: int) -> None:
    """Keep a write for ``delay_seconds``."""
    ws.store.insert(
        "pending",
        due=ws.time + ws.options.delay_seconds,
        time=ws.time,
        method=request.method,
        target=request.target,
        body=request.body,
        request=logged,
    )


def due(store: Store, now: float) -> list[Delayed]:
    """The delayed writes that are due, in order."""
    rows = store.all("SELECT * FROM pending WHERE due<=? ORDER BY due, n", (now,))
    return [
        Delayed(
            row["n"],
            row["time"],
            Request(row["method"], row["target"], body=row["body"]),
            row["request"],
        )
        for row in rows
    ]


def apply(ws: Workspace, write: Delayed, router: Router) -> None:
    """Apply a delayed write, and record in the request log if it is refused."""
    route, parameters = router.find(write.request)
    ws.operation = route.operation
    try:
        with ws.store.savepoint():
            route.handler(ws, write.request, **parameters)
        reason = ws.reason
    except Refused as refused:
        reason = refused.message
    except Exception:
        _LOG.exception("a late %s failed", route.operation)
        reason = "internal error"
    ws.store.execute("DELETE FROM pending WHERE n=?", (write.number,))
    ws.store.execute(
        "UPDATE requests SET applied=?, reason=? WHERE n=?", (reason is None, reason, write.logged)
    )
    ws.store.claim_changes(write.logged)
