"""The request log: one row for each request that was answered, without credentials."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..json_text import parse_json
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump
from .http import Reply, Request

BODY_KEPT = 262_144  # bytes


@dataclass(frozen=True)
class Entry:
    """One request and its answer; ``reason`` says why the call had no effect or part of it."""

    api: str
    operation: str
    request: Request
    reply: Reply
    reason: str | None

    @property
    def status(self) -> int | None:
        """The status that the client gets, ``None`` when a fault leaves it without an answer."""
        fault = self.request.fault
        if fault is None:
            return self.reply.status
        return (fault.status or self.reply.status) if fault.answers else None


def add(ws: Workspace, entry: Entry) -> int:
    """Add an entry; returns its number. Of the headers, only two harmless ones are logged."""
    request = entry.request
    number = ws.store.insert(
        "requests",
        time=ws.time,
        api=entry.api,
        operation=entry.operation,
        method=request.method,
        path=request.path,
        query=dump(request.query),
        body=request.body[:BODY_KEPT].decode("utf-8", "replace"),
        body_bytes=len(request.body),
        status=entry.status,
        user_agent=request.headers.get("user-agent", ""),
        retry_count=request.headers.get("x-retry-count"),
        applied=int(entry.reply.status < 400 and not entry.reason),
        reason=entry.reason,
        fault=None if request.fault is None else request.fault.action,
    )
    ws.store.claim_changes(number)
    if ws.options.requests_kept:
        oldest = number - ws.options.requests_kept
        ws.store.execute("DELETE FROM requests WHERE n<=?", (oldest,))
    return number


def entries(ws: Workspace, after: int = 0, operation: str | None = None) -> list[dict[str, Any]]:
    """The entries with a number above ``after``, oldest first; of one operation, if one is given.

    ``applied`` is true when the whole call took effect. Otherwise ``reason`` says why it was
    refused, ignored or applied only in part. ``fault`` is the action of the fault that hit it;
    ``status`` is null when the fault left the client without an answer.
    """
    sql = "SELECT * FROM requests WHERE n>? AND coalesce(operation=?, 1) ORDER BY n"
    return [_shown(row) for row in ws.store.all(sql, (after, operation))]


def _shown(row: Row) -> dict[str, Any]:
    parsed = None
    with suppress(Refused):  # such as a body that was cut for the log
        parsed = parse_json(row["body"].encode()) if row["body"] else None
    return {
        **dict(row),
        "query": json.loads(row["query"]),
        "applied": bool(row["applied"]),
        "json": parsed,
    }


def first_number(ws: Workspace) -> int:
    """The number of the oldest entry, 0 when there is none; above 1 when older ones are gone."""
    return int(ws.store.scalar("SELECT min(n) FROM requests") or 0)


def last_number(ws: Workspace) -> int:
    """The number of the newest entry, 0 when there is none."""
    return int(ws.store.scalar("SELECT max(n) FROM requests") or 0)


def count(ws: Workspace, after: int, operation: str | None = None) -> int:
    """How many entries ``entries`` would return."""
    sql = "SELECT count(*) FROM requests WHERE n>? AND coalesce(operation=?, 1)"
    return int(ws.store.scalar(sql, (after, operation)))


class Wait:
    """A wait until the log holds ``wanted`` entries. Each check reads only the new entries.

    Args:
        after: ignore entries up to this number.
        operation: ignore all other operations.
        wanted: how many entries to wait for.
    """

    def __init__(self, after: int, operation: str | None, wanted: int) -> None:
        self._after, self._operation, self._wanted = after, operation, wanted
        self._log, self._seen, self._found = "", after, 0

    def is_over(self, ws: Workspace) -> bool:
        """Whether the log holds enough entries.

        Raises:
            ValueError: the log keeps fewer entries than ``wanted``.
        """
        self._check_kept(ws.options.requests_kept)
        ws.store.renew()
        if self._log != ws.store.generation:  # another workspace, with a log of its own
            self._log, self._seen, self._found = ws.store.generation, self._after, 0
        self._found += count(ws, self._seen, self._operation)
        self._seen = max(self._seen, last_number(ws))
        if self._found >= self._wanted:  # the log may have dropped some of them meanwhile
            self._found = count(ws, self._after, self._operation)
        return self._found >= self._wanted

    def _check_kept(self, kept: int) -> None:
        if kept and self._wanted > kept:
            raise ValueError(
                f"wait_for cannot see {self._wanted} requests in a log that keeps the newest"
                f" {kept}: ask for fewer, or raise options.requests_kept"
            )
