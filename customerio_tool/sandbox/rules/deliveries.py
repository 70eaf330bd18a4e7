"""Deliveries: one row for each message to one recipient, and its metrics with their times."""

from __future__ import annotations

import base64
import hashlib
import json
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, get_args

from ..refusal import Refused
from ..store.schema import LISTED
from ..store.store import Row
from ..store.workspace import Workspace, dump
from . import devices, people
from .rendering import Message, Rendered, render

WINDOW_MONTHS = 6
_LIQUID_TYPES = {"event": "transactional", "segment": "behavioral"}
"""How Liquid calls the types of campaigns whose name it does not take over."""

MessageType = Literal[
    "email", "webhook", "twilio", "whatsapp", "slack", "push", "in_app", "live_notification"
]
TYPES = frozenset(get_args(MessageType))


@dataclass(frozen=True)
class Origin:
    """The source of a delivery, by id: an action of a campaign or broadcast, or a template."""

    campaign: int | None = None
    action: int | None = None
    broadcast: int | None = None
    trigger_id: int | None = None
    template: int | None = None
    trigger_event_id: str | None = None


@dataclass(frozen=True)
class Failure:
    """Why a delivery fails, and the metric that records it.

    Only ``dropped``, for somebody suppressed, is documented (WH). The others are UNVERIFIED.
    """

    message: str
    metric: Literal["failed", "undeliverable", "dropped"] = "failed"


@dataclass(frozen=True)
class NewDelivery:
    """A delivery to add. ``person`` is ``None`` for an address that belongs to nobody.

    ``send_at`` is Unix seconds; a draft is never sent. ``data`` are the values for Liquid beside
    the person's, by their roots, such as ``trigger``. ``attachments`` are files by their names.
    """

    channel: str
    person: Row | None
    recipient: str | None
    subject: str | None = None
    content: dict[str, Any] = field(default_factory=dict)
    origin: Origin = Origin()
    failure: Failure | None = None
    draft: bool = False
    send_at: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)


def address_for(ws: Workspace, channel: str, person: Row | None) -> str | None:
    """The person's address in a channel, if there is one."""
    if person is None:
        return None
    if channel == "email":
        return None if person["email"] is None else str(person["email"])
    if channel == "push":
        found = devices.of(ws, person["pk"])
        return str(found[0]["token"]) if found else None
    if channel in ("twilio", "whatsapp"):
        phone = people.attributes(person).get("phone")
        return None if phone is None else str(phone)
    return str(person["cio_id"])


def create(ws: Workspace, new: NewDelivery) -> str:
    """Add a delivery with its metrics, also the future ones; returns its id.

    Its texts are rendered now, also those of a delivery to come (UNVERIFIED), unless it fails
    anyway. A text that cannot be rendered fails it (fact liquid-failure).
    """
    person = new.person
    who = people.identifiers(person) if person else {"id": None, "email": None, "cio_id": None}
    pk = ws.store.insert(
        "deliveries",
        type=new.channel,
        person=person["pk"] if person else None,
        identifiers=dump(who),
        recipient=new.recipient,
        created=ws.now,
        draft=int(new.draft),
        content="{}",
        **vars(new.origin),
    )
    delivery_id = make_id(pk)
    failure = _fill(ws, pk, delivery_id, new)
    for name, content in new.attachments.items():
        ws.store.insert("attachments", delivery=pk, name=name, content=content)
    record(ws, pk, "created", ws.now)
    if new.draft:
        record(ws, pk, "drafted", ws.now)
    else:
        _send(ws, pk, max(ws.now, new.send_at or 0), failure)
    return delivery_id


def _fill(ws: Workspace, pk: int, delivery_id: str, new: NewDelivery) -> Failure | None:
    """Store what a delivery holds, rendered; returns why it fails, if it does."""
    content = {"subject": new.subject, **new.content}
    made, failure = Rendered(content), new.failure
    if failure is None:
        data = {**_about(ws, new), **new.data}
        made = render(ws, Message(content, new.person, data, delivery_id))
        failure = Failure(made.problem) if made.problem else None
    sql = "UPDATE deliveries SET id=?, subject=?, failure_message=?, content=?, source=? WHERE pk=?"
    subject = made.content["subject"]
    kept = {name: each for name, each in made.content.items() if name in new.content}
    message = failure.message if failure else None
    ws.store.execute(sql, (delivery_id, subject, message, dump(kept), dump(made.source), pk))
    return failure


def _about(ws: Workspace, new: NewDelivery) -> dict[str, Any]:
    """What Liquid knows of a message, and of what sends it (fact liquid-meta)."""
    origin = new.origin
    message: dict[str, Any] = {
        "id": origin.action or origin.template,
        "type": f"{new.channel}_action",
    }
    if new.subject is not None:
        message["subject"] = new.subject
    table, number = "campaigns", origin.campaign or origin.broadcast
    if origin.template is not None:
        table, number = "templates", origin.template
    row = ws.store.one(f"SELECT * FROM {table} WHERE id=?", (number,))  # noqa: S608 - two names
    campaign: dict[str, Any] = {"id": number}
    if row is not None:
        kind = row["type"] if table == "campaigns" else "transactional_message"
        campaign = {"id": number, "name": row["name"], "type": _LIQUID_TYPES.get(kind, kind)}
    return {"campaign": campaign, "message": message}


def _send(ws: Workspace, pk: int, start: int, failure: Failure | None) -> None:
    sent = start + ws.options.sent_after
    if failure:
        record(ws, pk, failure.metric, sent)
        return
    record(ws, pk, "attempted", sent)
    record(ws, pk, "sent", sent)
    record(ws, pk, "delivered", start + ws.options.delivered_after)


def make_id(pk: int) -> str:
    """A delivery id in the vendor's form, base64 with a final ``=``; the same in every run."""
    digest = hashlib.sha256(f"delivery {pk}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:14]).decode()


def record(ws: Workspace, pk: int, name: str, at: int) -> bool:
    """Add a metric with its time; returns false if the delivery has that metric already."""
    sql = "INSERT OR IGNORE INTO metrics VALUES (?,?,?)"
    return bool(ws.store.execute(sql, (pk, name, at)).rowcount)


def find(ws: Workspace, delivery_id: str) -> Row:
    """One delivery. Raises Refused ``not_found``."""
    row = ws.store.one("SELECT * FROM deliveries WHERE id=?", (delivery_id,))
    if row is None:
        raise Refused("message not found", "not_found")
    return row


def metrics_of(ws: Workspace, pk: int) -> dict[str, int]:
    """The metrics recorded up to now, by name."""
    sql = "SELECT at, rowid, name FROM metrics WHERE delivery=? AND at<=?"
    return {name: at for at, _, name in sorted(map(tuple, ws.store.all(sql, (pk, ws.now))))}


def shown(ws: Workspace, row: Row) -> dict[str, Any]:
    """A delivery as the App API shows a message (fact list_messages)."""
    who = json.loads(row["identifiers"])
    metrics = metrics_of(ws, row["pk"])
    return {
        "id": row["id"],
        "deduplicate_id": f"{row['id']}:{max([row['created'], *metrics.values()])}",
        "type": row["type"],
        "customer_id": who["id"],
        "customer_identifiers": who,
        "recipient": row["recipient"],
        "subject": row["subject"],
        "created": row["created"],
        "metrics": metrics,
        "failure_message": row["failure_message"],
        "campaign_id": row["campaign"],
        "newsletter_id": None,
        "broadcast_id": row["broadcast"],
        "content_id": None,
        "action_id": row["action"],
        "parent_action_id": None,
        "trigger_event_id": row["trigger_event_id"],
        "message_template_id": row["template"] or row["action"],
        "forgotten": row["person"] is None and who["cio_id"] is not None,
    }


def archived(row: Row) -> dict[str, Any]:
    """What a delivery said, as the App API shows it (fact archived-retention)."""
    stored = json.loads(row["content"])
    kept: dict[str, Any] = {"id": row["id"], "recipient": row["recipient"] or ""}
    if stored.get("disable_message_retention") is True:
        return {**kept, "forgotten": True}
    return {
        **kept,
        "subject": row["subject"] or "",
        "body": stored.get("body") or stored.get("message") or "",
        "from": stored.get("from") or "",
        "reply_to": stored.get("reply_to") or "",
        "cc": stored.get("cc") or "",
        "bcc": stored.get("bcc") or "",
        "fake_bcc": stored.get("fake_bcc") is True,
        "preheader_text": stored.get("preheader") or "",
        "headers": json.dumps(stored.get("headers") or {}),
        "forgotten": False,
    }


@dataclass(frozen=True)
class Search:
    """The filters of a message list (fact list_messages). Times are Unix seconds of creation.

    ``campaign`` is a campaign's or a broadcast's number, ``person`` a person's key.
    """

    channel: str | None = None
    metric: str | None = None
    drafts: bool = False
    campaign: int | None = None
    broadcast: int | None = None
    action: int | None = None
    newsletter: int | None = None
    transactional: int | None = None
    template: int | None = None
    content: int | None = None
    trigger: int | None = None
    person: int | None = None
    start_ts: int | None = None
    end_ts: int | None = None
    cursor: str | None = None
    limit: int = 50


def search(ws: Workspace, wanted: Search) -> tuple[list[Row], str | None]:
    """One page, newest first, and the cursor of the next page, ``None`` at the end.

    Raises:
        Refused: an unknown type or metric, or a made-up cursor.
    """
    where, values = _conditions(ws, wanted)
    sql = f"SELECT * FROM deliveries WHERE {where} ORDER BY created DESC, pk DESC LIMIT ?"  # noqa: S608 - fixed texts
    rows = ws.store.all(sql, (*values, wanted.limit + 1))
    page = rows[: wanted.limit]
    if len(rows) <= wanted.limit:
        return page, None
    last = f"{page[-1]['created']}:{page[-1]['pk']}"
    return page, base64.urlsafe_b64encode(last.encode()).decode()


def _conditions(ws: Workspace, wanted: Search) -> tuple[str, list[Any]]:
    since, until = window(ws.now, wanted.start_ts, wanted.end_ts)
    numbers = _numbers(ws, wanted)
    # The plus keeps SQLite from choosing the index of drafts where another one finds fewer.
    conditions: list[tuple[str, tuple[Any, ...]]] = [
        ("created BETWEEN ? AND ?", (since, min(until, ws.now - ws.options.listed_after))),
        ("+draft=?" if numbers else "draft=?", (int(wanted.drafts),)),
        *numbers,
    ]
    if wanted.channel is not None:
        if wanted.channel not in TYPES:
            raise Refused("type is not a message type", field="type")
        conditions.append(("type=?", (wanted.channel,)))
    if wanted.metric is not None:
        conditions += _having(ws, wanted.metric)
    if wanted.newsletter is not None or wanted.content is not None:
        conditions.append(("0", ()))  # there are no newsletters here
    if wanted.cursor:
        conditions.append(("(created, pk) < (?, ?)", _read_cursor(wanted.cursor)))
    where = " AND ".join(condition for condition, _ in conditions)
    return where, [value for _, values in conditions for value in values]


def _having(ws: Workspace, metric: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Those with a metric up to now; an index alone tells who never has it."""
    if metric not in LISTED:
        raise Refused("metric is not a metric of messages", field="metric")
    recorded = "SELECT 1 FROM metrics WHERE delivery=deliveries.pk AND name=? AND at<=?"
    return [
        ("recorded & ?", (1 << LISTED.index(metric),)),
        (f"EXISTS ({recorded})", (metric, ws.now)),
    ]


def _numbers(ws: Workspace, wanted: Search) -> list[tuple[str, tuple[int, ...]]]:
    """The conditions on a number; of ``coalesce(template, action)`` there is an index."""
    message = "coalesce(template, action)=?"
    sql = "SELECT kind FROM campaigns WHERE id=?"
    owner = ws.store.scalar(sql, (wanted.campaign,)) or "campaign"  # its column has this name
    each: list[tuple[str, int | None]] = [
        (f"{owner}=?", wanted.campaign),
        ("broadcast=?", wanted.broadcast),
        (f"action=? AND {message}", wanted.action),
        (f"template=? AND {message}", wanted.transactional),
        (message, wanted.template),
        ("trigger_id=?", wanted.trigger),
        ("person=?", wanted.person),
    ]
    return [
        (condition, (number,) * condition.count("?"))
        for condition, number in each
        if number is not None
    ]


def _read_cursor(cursor: str) -> tuple[int, int]:
    try:
        created, _, pk = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return int(created), int(pk)
    except ValueError:
        raise Refused("start is not a cursor of this list", field="start") from None


def window(now: int, start: int | None, end: int | None) -> tuple[int, int]:
    """The first and last second of a message list: it covers 6 months at most (A)."""
    until = now if end is None else end
    earliest = months_before(until, WINDOW_MONTHS)
    return (earliest if start is None else max(start, earliest)), until


def months_before(moment: int, months: int) -> int:
    """The same day and time some months earlier; in a shorter month, the last day."""
    moment = min(max(moment, 10**8), 10**11)  # datetime holds these years, 1973 to 5138
    at = datetime.fromtimestamp(moment, timezone.utc)
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    day = min(at.day, monthrange(years, month + 1)[1])
    return int(at.replace(year=years, month=month + 1, day=day).timestamp())
