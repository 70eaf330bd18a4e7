"""API-triggered broadcasts: checking a trigger's audience, finding its people, sending to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .. import limits
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump
from . import audience_file, campaigns, filters, people
from .campaigns import Journey
from .deliveries import Origin
from .people import Address, IdKind

_KINDS = ("recipients", "ids", "emails", "per_user_data", "data_file_url")
_FLAGS: dict[str, frozenset[str]] = {
    "default": frozenset(),
    "recipients": frozenset(),
    "ids": frozenset({"id_ignore_missing"}),
    "emails": frozenset({"email_ignore_missing", "email_add_duplicates"}),
    "per_user_data": frozenset(
        {"id_ignore_missing", "email_ignore_missing", "email_add_duplicates"}
    ),
}
_FLAGS["data_file_url"] = _FLAGS["per_user_data"]
_ALL_FLAGS = _FLAGS["per_user_data"]


@dataclass(frozen=True)
class Trigger:
    """One call that triggers a broadcast: its number and the member that names the audience."""

    broadcast: Row
    number: int
    audience: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of an audience: its number, from 1, and ``{"id" or "email", "data"?}``."""

    number: int
    user: dict[str, Any]


@dataclass
class Audience:
    """The people that a trigger reaches with their own data, and an error for each bad line."""

    people: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class _Recorded(Refused):
    """A refusal of a trigger that stays in the list of triggers."""

    keep = True


def trigger(ws: Workspace, broadcast_id: int, body: dict[str, Any]) -> int:
    """Send a broadcast to an audience; returns the trigger's number. Each broadcast counts from 1.

    Raises:
        Refused: ``not_found``; ``too_many`` within the interval or with a full queue;
            ``unprocessable`` for a bad audience, and then the trigger is recorded as failed.
    """
    broadcast = campaigns.get(ws, broadcast_id, "broadcast")
    _check_pace(ws, broadcast_id)
    if limits.size(body) > limits.BROADCAST_PAYLOAD:
        raise Refused("payload is too large", "too_large")
    if broadcast["state"] != "running":
        raise Refused("broadcast is not running", ws.options.broadcast_not_running)
    kind = _audience_kind(ws, body)
    number = 1 + (
        ws.store.scalar("SELECT max(id) FROM triggers WHERE broadcast=?", (broadcast_id,)) or 0
    )
    trigger = Trigger(broadcast, number, kind, body)
    try:
        _check(body, kind)
        audience = _find(ws, trigger)
    except Refused as refused:
        _save(ws, trigger, 0, [refused.message])
        message = f"trigger {number}: {refused.message}"
        raise _Recorded(message, refused.kind, pointer=refused.pointer) from None
    if audience.errors:
        _save(ws, trigger, 0, audience.errors)
        message = f"trigger {number}: {audience.errors[0]}"
        raise _Recorded(message, "unprocessable", pointer=f"/data/attributes/{kind}")
    _save(ws, trigger, len(audience.people), [])
    _send(ws, trigger, audience)
    return number


def _check_pace(ws: Workspace, broadcast_id: int) -> None:
    """Refuse a second trigger within the interval, and one too many for the queue.

    Triggers later than now do not count: they are from before the clock went back.
    """
    key = (broadcast_id, ws.now)
    sql = "SELECT max(created_at) FROM triggers WHERE broadcast=? AND created_at<=?"
    last = ws.store.scalar(sql, key)
    if last is not None and ws.now - last < ws.options.trigger_interval:
        raise Refused("too many requests", "too_many")
    sql = "SELECT count(*) FROM triggers WHERE broadcast=? AND created_at<=? AND processed_at>?"
    if ws.store.scalar(sql, (*key, ws.now)) >= ws.options.trigger_queue:
        raise Refused("too many triggers waiting", ws.options.trigger_queue_full)


def _audience_kind(ws: Workspace, body: dict[str, Any]) -> str:
    given = [kind for kind in _KINDS if body.get(kind) is not None]
    if len(given) > 1:
        pointer = f"/data/attributes/{given[1]}"
        raise Refused(
            "only one audience may be given", ws.options.several_audiences, pointer=pointer
        )
    return given[0] if given else "default"


def _check(body: dict[str, Any], kind: str) -> None:
    """Refuse a bad audience, a flag of another kind of audience (Go SDK) and too large data."""
    for flag in sorted(_ALL_FLAGS & body.keys()):
        pointer = f"/data/attributes/{flag}"
        if not isinstance(body[flag], bool):
            raise Refused(f"{flag} must be a boolean", "unprocessable", pointer=pointer)
        if flag not in _FLAGS[kind] and body[flag]:
            raise Refused(f"{flag} does not apply", "unprocessable", pointer=pointer)
    data = body.get("data")
    if data is not None and (
        not isinstance(data, dict) or limits.size(data) > limits.BROADCAST_DATA
    ):
        message = f"data must be an object of at most {limits.BROADCAST_DATA} bytes"
        raise Refused(message, "unprocessable", pointer="/data/attributes/data")
    pointer = f"/data/attributes/{kind}"
    if kind == "recipients":
        if body[kind] == {}:
            message = "empty recipients filter is not valid"
            raise Refused(message, "unprocessable", pointer=pointer)
        filters.check(body[kind], pointer)
    elif kind in ("ids", "emails", "per_user_data"):
        _check_list(body[kind], kind, pointer)


def _check_list(value: Any, kind: str, pointer: str) -> None:
    most = audience_file.MOST_LINES if kind == "data_file_url" else limits.BROADCAST_PEOPLE
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        message = f"{kind} must have 1 to {most} items"
        raise Refused(message, "unprocessable", pointer=pointer)
    for index, each in enumerate(value):
        of_objects = kind in ("per_user_data", "data_file_url")
        if not (_is_user(each) if of_objects else isinstance(each, str)):
            wanted = "an object with id or email" if of_objects else "a string"
            message = f"{kind} item {index} must be {wanted}"
            raise Refused(message, "unprocessable", pointer=f"{pointer}/{index}")


def _is_user(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("data", {}), dict):
        return False
    named = [value[kind] for kind in ("id", "email") if kind in value]
    return len(named) == 1 and isinstance(named[0], str)


def _find(ws: Workspace, trigger: Trigger) -> Audience:
    kind, body = trigger.audience, trigger.body
    if kind in ("default", "recipients"):
        default = json.loads(trigger.broadcast["definition"])["default_recipients"]
        chosen = body["recipients"] if kind == "recipients" else default
        everyone = ws.store.all("SELECT * FROM people ORDER BY pk")
        return Audience([(each, {}) for each in everyone if filters.fits(ws, chosen, each)])
    entries = body[kind]
    if kind == "data_file_url":
        entries = audience_file.read(ws, entries)
        _check_list(entries, kind, audience_file.POINTER)
    audience = Audience()
    for number, entry in enumerate(entries, 1):
        _find_one(ws, audience, Line(number, _as_user(entry, kind)), body)
    return audience


def _as_user(entry: Any, kind: str) -> dict[str, Any]:
    if kind in ("per_user_data", "data_file_url"):
        return dict(entry)
    return {"id": entry} if kind == "ids" else {"email": entry}


def _find_one(ws: Workspace, audience: Audience, line: Line, flags: dict[str, Any]) -> None:
    kind: IdKind = "id" if "id" in line.user else "email"
    value = line.user[kind]
    if kind == "email":
        found = people.with_email(ws, value)
    else:
        found = [each for each in [people.find(ws, Address("id", value))] if each]
    if len(found) > 1 and not flags.get("email_add_duplicates"):
        audience.errors.append(f"line {line.number}: several people have the email {value}")
    elif found:
        audience.people += [(person, line.user.get("data", {})) for person in found]
    elif flags.get(f"{kind}_ignore_missing"):
        ws.fail_quietly("missing recipient ignored", value)
    else:
        audience.errors.append(f"line {line.number}: no person has the {kind} {value}")


def _save(ws: Workspace, trigger: Trigger, recipients: int, errors: list[str]) -> None:
    ws.store.insert(
        "triggers",
        broadcast=trigger.broadcast["id"],
        id=trigger.number,
        created_at=ws.now,
        processed_at=ws.now + ws.options.trigger_duration,
        failed=int(bool(errors)),
        audience=trigger.audience,
        recipients=recipients,
        errors=dump(errors),
    )


def _send(ws: Workspace, trigger: Trigger, audience: Audience) -> None:
    actions = json.loads(trigger.broadcast["definition"])["actions"]
    data = trigger.body.get("data") or {}
    origin = Origin(broadcast=trigger.broadcast["id"], trigger_id=trigger.number)
    for person, own in audience.people:
        if person["unsubscribed"]:
            ws.fail_quietly("unsubscribed: broadcast sends nothing", str(person["cio_id"]))
            continue
        journey = Journey(person, origin, {"trigger": {**data, **own}})
        for action in actions:
            campaigns.send_action(ws, action, journey)


def triggers(ws: Workspace, broadcast_id: int) -> list[Row]:
    """All triggers of a broadcast, newest first. Raises Refused ``not_found``."""
    campaigns.get(ws, broadcast_id, "broadcast")
    sql = "SELECT * FROM triggers WHERE broadcast=? ORDER BY id DESC"
    return ws.store.all(sql, (broadcast_id,))


def get_trigger(ws: Workspace, broadcast_id: int, number: int) -> Row:
    """One trigger. Raises Refused ``not_found``."""
    campaigns.get(ws, broadcast_id, "broadcast")
    sql = "SELECT * FROM triggers WHERE broadcast=? AND id=?"
    row = ws.store.one(sql, (broadcast_id, number))
    if row is None:
        raise Refused("trigger not found", "not_found")
    return row


def shown(ws: Workspace, row: Row) -> dict[str, Any]:
    """A trigger as the App API shows it; ``processed_at`` is null until then."""
    return {
        "id": row["id"],
        "broadcast_id": row["broadcast"],
        "created_at": row["created_at"],
        "processed_at": row["processed_at"] if row["processed_at"] <= ws.now else None,
    }
