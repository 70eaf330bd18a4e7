"""What some requests changed, as plain data: each row before and after, and whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .store import Row
from .workspace import Workspace

MOST = 50  # changes of one table that are told one by one; of more, their number is
_JSON = ("attributes", "data", "errors")
_REALLY_CHANGED = "before IS NOT after"  # a row may come and go within one request


def made_by(ws: Workspace, requests: Sequence[int]) -> dict[str, Any]:
    """What requests changed, by their numbers in the log; nothing of what was not recorded.

    ``requests`` tells of each whether it was applied, and if not, why. ``quiet`` has the reasons
    with their subject. ``changes`` has at most ``MOST`` of each table, ``counts`` how many there
    are. ``due`` is the time at which a delayed write will be applied, null when there is none.
    """
    marks = ",".join("?" * len(requests))
    found = [row for table in _tables(ws, marks, requests) for row in table]
    shown = [_shown(ws, row, marks, requests) for row in found]
    return {
        "requests": _log(ws, marks, requests),
        "due": ws.store.scalar(
            f"SELECT max(due) FROM pending WHERE request IN ({marks})",  # noqa: S608 - marks
            requests,
        ),
        "quiet": [each["after"] for each in shown if each["table"] == "activity"],
        "changes": [each for each in shown if each["table"] != "activity"],
        "counts": _counts(ws, marks, requests),
    }


def _log(ws: Workspace, marks: str, requests: Sequence[int]) -> list[dict[str, Any]]:
    sql = f"""SELECT n, status, applied, reason, fault FROM requests
              WHERE n IN ({marks}) ORDER BY n"""  # noqa: S608 - marks
    rows = ws.store.all(sql, requests)
    return [{**dict(row), "applied": bool(row["applied"])} for row in rows]


def _counts(ws: Workspace, marks: str, requests: Sequence[int]) -> dict[str, int]:
    sql = f"""SELECT tbl, count(DISTINCT key) AS n FROM temp.journal
              WHERE request IN ({marks}) AND {_REALLY_CHANGED} GROUP BY tbl"""  # noqa: S608 - marks
    return {row["tbl"]: row["n"] for row in ws.store.all(sql, requests)}


def _tables(ws: Workspace, marks: str, requests: Sequence[int]) -> Iterator[list[Row]]:
    for table in _counts(ws, marks, requests):
        sql = f"""SELECT tbl, key, before, after FROM temp.journal
                  WHERE request IN ({marks}) AND tbl=? AND {_REALLY_CHANGED}
                  ORDER BY n LIMIT {MOST}"""  # noqa: S608 - marks
        yield ws.store.all(sql, (*requests, table))


def _shown(ws: Workspace, row: Row, marks: str, requests: Sequence[int]) -> dict[str, Any]:
    before, after = _opened(row["before"]), _opened(row["after"])
    told: dict[str, Any] = {"table": row["tbl"], "before": before, "after": after}
    known = {**(before or {}), **(after or {})}
    if known.get("person") is not None:
        sql = "SELECT cio_id, id, email FROM people WHERE pk=?"
        told["person"] = _now_or_before(ws, sql, "people", known["person"], marks, requests)
    if "segment" in known:
        sql = "SELECT id, name FROM segments WHERE id=?"
        told["segment"] = _now_or_before(ws, sql, "segments", known["segment"], marks, requests)
    return told


def _opened(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    row: dict[str, Any] = json.loads(text)
    return {name: json.loads(each) if name in _JSON else each for name, each in row.items()}


def _now_or_before(
    ws: Workspace, sql: str, table: str, key: int, marks: str, requests: Sequence[int]
) -> dict[str, Any] | None:
    """A row that a change is about: as it is now, or as it was when the requests deleted it."""
    if row := ws.store.one(sql, (key,)):
        return dict(row)
    gone = f"""SELECT before FROM temp.journal
               WHERE request IN ({marks}) AND tbl=? AND key=?"""  # noqa: S608 - marks
    return _opened(ws.store.scalar(gone, (*requests, table, f"[{key}]")))
