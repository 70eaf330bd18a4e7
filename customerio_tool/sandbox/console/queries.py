"""The console's queries. Each has an index and a limit: a page reads no more than it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..limits import parse_digits
from ..rules import segments as rules
from ..rules.segments import MEMBERS
from ..store.schema import HOUR
from ..store.store import Row
from ..store.terms import normal
from ..store.workspace import Workspace

PAGE = 20
FEW = 8
MOST = 50  # of what has no pages: a person's devices, segments, objects
COUNTED = 100  # a larger number is shown as this one and +
DAYS = 14
_END = 2**63 - 1
_LAST_TEXT = "\U0010ffff"
Owner = Literal["campaign", "broadcast"]


@dataclass(frozen=True)
class Page:
    """Some rows, and where the next page begins; ``None`` at the end."""

    rows: Sequence[Any]
    next: str | None = None


def _page(rows: list[Row], size: int, key: Callable[[Row], object]) -> Page:
    """A page of one more row than is shown, if there are that many."""
    shown = rows[:size]
    return Page(shown, str(key(shown[-1])) if len(rows) > size else None)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def people(ws: Workspace, before: int | None = None, size: int = PAGE) -> Page:
    """People, the newest first."""
    sql = "SELECT * FROM people WHERE pk<? ORDER BY pk DESC LIMIT ?"
    return _page(ws.store.all(sql, (before or _END, size + 1)), size, lambda row: row["pk"])


def search(ws: Workspace, text: str, after: tuple[str, int] | None = None) -> Page:
    """People with a term that begins with a text, by that term.

    The rows have it as ``term``; somebody may come once for each of several terms. ``next`` is the
    number of the last person; the last row has the term of the cursor.
    """
    wanted = normal(text)
    sql = """SELECT people.*, term FROM terms CROSS JOIN people ON people.pk = terms.person
             WHERE (term, person) > (?,?) AND term<? ORDER BY term, person LIMIT ?"""
    term, person = after or (wanted, 0)
    rows = ws.store.all(sql, (max(term, wanted), person, wanted + _LAST_TEXT, PAGE + 1))
    return _page(rows, PAGE, lambda row: row["pk"])


def person(ws: Workspace, cio_id: str) -> Row | None:
    """The person with this cio_id."""
    return ws.store.one("SELECT * FROM people WHERE cio_id=?", (cio_id,))


def named(ws: Workspace, pks: Iterable[int]) -> dict[int, Row]:
    """People by their keys."""
    keys = list(dict.fromkeys(pks))
    sql = f"SELECT pk, cio_id, id, email FROM people WHERE pk IN ({_marks(keys)})"  # noqa: S608 - marks
    return {row["pk"]: row for row in ws.store.all(sql, keys)} if keys else {}


def events(ws: Workspace, pk: int, before: int | None = None) -> Page:
    """A person's events, the last received first."""
    sql = "SELECT * FROM events WHERE person=? AND pk<? ORDER BY pk DESC LIMIT ?"
    rows = ws.store.all(sql, (pk, before or _END, PAGE + 1))
    return _page(rows, PAGE, lambda row: row["pk"])


def devices(ws: Workspace, pk: int) -> list[Row]:
    """A person's devices by token."""
    sql = "SELECT * FROM devices WHERE person=? ORDER BY token LIMIT ?"
    return ws.store.all(sql, (pk, MOST))


def anonymous_ids(ws: Workspace, pk: int) -> list[str]:
    """The anonymous_ids that were bound to a person."""
    sql = "SELECT anonymous_id FROM anonymous_ids WHERE person=? LIMIT ?"
    return [row["anonymous_id"] for row in ws.store.all(sql, (pk, MOST))]


def relationships(ws: Workspace, pk: int) -> list[Row]:
    """A person's relationships with objects."""
    sql = "SELECT * FROM relationships WHERE person=? ORDER BY type, object LIMIT ?"
    return ws.store.all(sql, (pk, MOST))


def segments_of(ws: Workspace, person: Row) -> list[Row]:
    """The segments that hold a person: the manual ones, then the dynamic ones."""
    found: list[Row] = []
    for table in MEMBERS.values():
        sql = f"""SELECT segments.* FROM {table} AS m CROSS JOIN segments ON segments.id = m.segment
                  WHERE m.person=? LIMIT ?"""  # noqa: S608 - two names
        found += ws.store.all(sql, (person["pk"], MOST))
    return found


_OLDER = "(created, pk) < (?,?) ORDER BY created DESC, pk DESC LIMIT ?"
_ALL = f"SELECT * FROM deliveries WHERE {_OLDER}"  # noqa: S608 - fixed
_OF_ONE = {
    name: f"SELECT * FROM deliveries WHERE {name}=? AND {_OLDER}"  # noqa: S608 - fixed names
    for name in ("person", "campaign", "broadcast")
}


@dataclass(frozen=True)
class Of:
    """Whose deliveries are listed: a person's, a campaign's or a broadcast's, by its number."""

    column: Literal["person", "campaign", "broadcast"]
    number: int


def deliveries(
    ws: Workspace, of: Of | None = None, before: str | None = None, size: int = PAGE
) -> Page:
    """Deliveries, the newest first: all, or those of one. ``before`` is the ``next`` of a page."""
    sql, values = (_ALL, ()) if of is None else (_OF_ONE[of.column], (of.number,))
    rows = ws.store.all(sql, (*values, *_place(before), size + 1))
    return _page(rows, size, lambda row: f"{row['created']}-{row['pk']}")


def _place(cursor: str | None) -> tuple[int, int]:
    """The time and key of a delivery in a list; the beginning for what is no cursor."""
    parts = [parse_digits(part) for part in (cursor or "").split("-")]
    created, pk = parts if len(parts) == 2 else (None, None)
    return (_END, _END) if created is None or pk is None else (created, pk)


def attachments(ws: Workspace, pk: int) -> dict[str, bytes]:
    """The files of a delivery by their names, in the order of the message."""
    sql = "SELECT rowid, name, content FROM attachments WHERE delivery=?"
    rows = sorted(ws.store.all(sql, (pk,)), key=lambda row: row["rowid"])
    return {row["name"]: row["content"] for row in rows}


def delivery(ws: Workspace, delivery_id: str) -> Row | None:
    """One delivery."""
    return ws.store.one("SELECT * FROM deliveries WHERE id=?", (delivery_id,))


def metrics(ws: Workspace, rows: Sequence[Row]) -> dict[int, list[Row]]:
    """The metrics of deliveries by their keys, the earliest first; also those to come."""
    keys = [row["pk"] for row in rows]
    sql = f"SELECT rowid, delivery, name, at FROM metrics WHERE delivery IN ({_marks(keys)})"  # noqa: S608 - marks
    found: dict[int, list[Row]] = {key: [] for key in keys}
    for row in ws.store.all(sql, keys) if keys else ():
        found[row["delivery"]].append(row)
    return {
        key: sorted(each, key=lambda row: (row["at"], row["rowid"])) for key, each in found.items()
    }


def campaigns(ws: Workspace, kind: Owner, after: int = 0) -> Page:
    """Campaigns or broadcasts by number."""
    sql = "SELECT * FROM campaigns WHERE kind=? AND id>? ORDER BY id LIMIT ?"
    rows = ws.store.all(sql, (kind, after, PAGE + 1))
    return _page(rows, PAGE, lambda row: row["id"])


def campaign(ws: Workspace, number: int, kind: Owner) -> Row | None:
    """One campaign or broadcast."""
    return ws.store.one("SELECT * FROM campaigns WHERE id=? AND kind=?", (number, kind))


def totals(ws: Workspace, owner: int) -> dict[str, int]:
    """How often each metric of a campaign or broadcast was recorded up to now."""
    sql = "SELECT name, sum(n) AS n FROM tallies WHERE owner=? AND span=? GROUP BY name"
    counts = {row["name"]: row["n"] for row in ws.store.all(sql, (owner, HOUR))}
    sql = """SELECT metrics.name, count(*) AS n FROM metrics
             CROSS JOIN deliveries ON deliveries.pk = metrics.delivery
             WHERE metrics.at>? AND coalesce(campaign, broadcast)=? GROUP BY +metrics.name"""
    for row in ws.store.all(sql, (ws.now, owner)):
        counts[row["name"]] -= row["n"]
    return {name: count for name, count in counts.items() if count}


def daily(ws: Workspace, owner: int, name: str) -> list[tuple[int, int]]:
    """The count of one metric on each of the last days in UTC: the day's start, and the count."""
    today = ws.now // 86400
    counts = dict.fromkeys(range(today - DAYS + 1, today + 1), 0)
    sql = """SELECT slot, n FROM tallies
             WHERE owner=? AND span=? AND name=? AND slot BETWEEN ? AND ?"""
    since = 24 * (today - DAYS + 1)
    for row in ws.store.all(sql, (owner, HOUR, name, since, ws.now // HOUR)):
        counts[row["slot"] // 24] += row["n"]
    return [(86400 * day, count) for day, count in counts.items()]


def triggers(ws: Workspace, broadcast: int, before: int | None = None) -> Page:
    """The triggers of a broadcast, the newest first."""
    sql = "SELECT * FROM triggers WHERE broadcast=? AND id<? ORDER BY id DESC LIMIT ?"
    rows = ws.store.all(sql, (broadcast, before or _END, FEW + 1))
    return _page(rows, FEW, lambda row: row["id"])


def templates(ws: Workspace, after: int = 0) -> Page:
    """The transactional messages by number."""
    sql = "SELECT * FROM templates WHERE id>? ORDER BY id LIMIT ?"
    return _page(ws.store.all(sql, (after, PAGE + 1)), PAGE, lambda row: row["id"])


def segments(ws: Workspace, after: int = 0) -> Page:
    """The segments by number."""
    sql = "SELECT * FROM segments WHERE id>? ORDER BY id LIMIT ?"
    return _page(ws.store.all(sql, (after, PAGE + 1)), PAGE, lambda row: row["id"])


def segment(ws: Workspace, number: int) -> Row | None:
    """One segment."""
    return ws.store.one("SELECT * FROM segments WHERE id=?", (number,))


def size_of(ws: Workspace, segment: Row) -> int:
    """The number of a segment's members; ``COUNTED`` + 1 means more than that."""
    table = MEMBERS[segment["type"]]
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE segment=? LIMIT ?)"  # noqa: S608 - two names
    return int(ws.store.scalar(sql, (segment["id"], COUNTED + 1)))


def members(ws: Workspace, segment: Row, after: int = 0) -> Page:
    """The people of a segment, the oldest first."""
    return _page(rules.members(ws, segment, after, PAGE + 1), PAGE, lambda row: row["pk"])


_SHOWN = """SELECT n, time, api, operation, method, path, status, applied, reason, fault
            FROM requests WHERE"""
_LOG = {
    "all": f"{_SHOWN} n<? ORDER BY n DESC LIMIT ?",
    "quiet": f"{_SHOWN} applied=0 AND n<? ORDER BY n DESC LIMIT ?",
    "operation": f"{_SHOWN} operation=? AND n<? ORDER BY n DESC LIMIT ?",
}


@dataclass(frozen=True)
class Shown:
    """Which entries of the log are listed: all, of one operation, or those without full effect."""

    operation: str | None = None
    quiet: bool = False


def requests(
    ws: Workspace, shown: Shown = Shown(), before: int | None = None, size: int = PAGE
) -> Page:
    """The request log, the newest first."""
    operation = None if shown.quiet else shown.operation
    which = "quiet" if shown.quiet else "all" if operation is None else "operation"
    values = () if operation is None else (operation,)
    rows = ws.store.all(_LOG[which], (*values, before or _END, size + 1))
    return _page(rows, size, lambda row: row["n"])


def requests_after(ws: Workspace, after: int, size: int = PAGE) -> list[Row]:
    """The entries of the request log after a number, the oldest first, so many at most."""
    return ws.store.all(f"{_SHOWN} n>? ORDER BY n LIMIT ?", (after, size))


def request(ws: Workspace, number: int) -> Row | None:
    """One entry of the request log."""
    return ws.store.one("SELECT * FROM requests WHERE n=?", (number,))


def last_request(ws: Workspace) -> int:
    """The number of the newest entry of the request log, 0 when there is none."""
    return int(ws.store.scalar("SELECT max(n) FROM requests") or 0)
