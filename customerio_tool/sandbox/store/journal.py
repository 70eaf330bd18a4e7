"""The journal: what each request changed, written down by SQLite while somebody wants to know.

Triggers on the connection write it, into a table that is no part of the workspace. So it costs
nothing until it is asked for, reads no more than what changes, and follows a transaction that is
rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

Execute: TypeAlias = Callable[..., object]

KEPT = 50_000  # changes; those of the newest request are kept whatever their number
_NOBODYS = 0  # the request of a change that no request has claimed yet

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "people": ("pk", "cio_id", "id", "email", "unsubscribed", "created", "attributes"),
    "devices": ("person", "token", "platform", "last_used", "attributes"),
    "events": (*("pk", "person", "anonymous_id", "name", "type", "event_id", "timestamp", "data"),),
    "anonymous_ids": ("anonymous_id", "person"),
    "suppressions": ("kind", "value"),
    "objects": ("pk", "type", "id", "attributes"),
    "relationships": ("person", "type", "object", "attributes"),
    "segments": ("id", "name", "description", "type"),
    "members": ("segment", "person"),
    "templates": ("id", "name", "channel"),
    "triggers": ("broadcast", "id", "failed", "audience", "recipients", "errors"),
    "deliveries": (
        *("pk", "id", "type", "person", "recipient", "subject", "draft", "failure_message"),
        *("campaign", "broadcast", "trigger_id", "template"),
    ),
    "activity": ("n", "reason", "subject"),
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "devices": ("person", "token"),
    "anonymous_ids": ("anonymous_id",),
    "suppressions": ("kind", "value"),
    "relationships": ("person", "type", "object"),
    "segments": ("id",),
    "members": ("segment", "person"),
    "templates": ("id",),
    "triggers": ("broadcast", "id"),
    "activity": ("n",),
}
_ACTIONS = ("INSERT", "UPDATE", "DELETE")
_TABLE = """CREATE TEMP TABLE journal (
  n INTEGER PRIMARY KEY, request INTEGER NOT NULL, tbl TEXT NOT NULL, key TEXT NOT NULL,
  before TEXT, after TEXT, UNIQUE (request, tbl, key))"""


def begin(execute: Execute) -> None:
    """Write down from now on what is changed through this connection."""
    for statement in (_TABLE, *_triggers()):
        execute(statement)


def end(execute: Execute) -> None:
    """Write nothing down any more, and forget what was."""
    for table in _COLUMNS:
        for action in _ACTIONS:
            execute(f"DROP TRIGGER temp.journal_{table}_{action}")
    execute("DROP TABLE temp.journal")


def forget_unclaimed(execute: Execute) -> None:
    """Drop what no request changed: a seed, or a form of the console."""
    execute("DELETE FROM temp.journal WHERE request=?", (_NOBODYS,))


def claim(execute: Execute, request: int) -> None:
    """Take the changes of this transaction so far as those of a request."""
    sql = "UPDATE OR REPLACE temp.journal SET request=? WHERE request=?"
    execute(sql, (request, _NOBODYS))
    sql = "DELETE FROM temp.journal WHERE n<=(SELECT max(n) FROM temp.journal)-? AND request<>?"
    execute(sql, (KEPT, request))


def _triggers() -> Iterable[str]:
    for table in _COLUMNS:
        old, new = _row("old", table), _row("new", table)
        yield _trigger(table, "INSERT", "", "new", "NULL", new)
        yield _trigger(table, "UPDATE", f"WHEN {old} <> {new}", "new", old, new)
        yield _trigger(table, "DELETE", "", "old", old, "NULL")


def _trigger(table: str, action: str, when: str, row: str, before: str, after: str) -> str:
    """A trigger that keeps the first state of a row in a transaction, and its last."""
    keys = ", ".join(f"{row}.{column}" for column in _KEYS.get(table, ("pk",)))
    # Of names of our own alone.
    return f"""CREATE TEMP TRIGGER journal_{table}_{action} AFTER {action} ON main.{table} {when}
        BEGIN INSERT INTO journal (request, tbl, key, before, after)
        VALUES ({_NOBODYS}, '{table}', json_array({keys}), {before}, {after})
        ON CONFLICT (request, tbl, key) DO UPDATE SET after=excluded.after; END"""  # noqa: S608 - see above


def _row(row: str, table: str) -> str:
    members = ", ".join(f"'{column}', {row}.{column}" for column in _COLUMNS[table])
    return f"json_object({members})"
