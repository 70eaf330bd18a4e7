"""Devices of people: push messages go to their tokens."""

from __future__ import annotations

import json
from typing import Any

from ..limits import seconds
from ..refusal import Refused
from ..store.store import Row
from ..store.workspace import Workspace, dump

_OWN_KEYS = frozenset({"id", "token", "platform", "last_used", "attributes"})
_READ_ONLY = "_last_status"


def read(ws: Workspace, device: Any, token_key: str) -> dict[str, Any]:
    """Read a device object. Track v1 calls the token ``id``, Track v2 and sends ``token``.

    Unknown keys count as attributes: some clients do not nest them.

    Raises:
        Refused: no token, one among the attributes, or a platform other than ios and android.
    """
    if not isinstance(device, dict):
        raise Refused("device is required", field="device")
    token = device.get(token_key)
    if not isinstance(token, str) or not token:
        raise Refused(f"device.{token_key} is required", field="device")
    if device.get("platform") not in ("ios", "android"):
        raise Refused("device.platform must be ios or android", field="device")
    nested = device.get("attributes")
    nested = {} if nested is None else nested
    if not isinstance(nested, dict):
        raise Refused("device.attributes must be an object", field="device")
    if "token" in nested:  # UNVERIFIED: the token stands beside the attributes
        raise Refused("device.attributes cannot have a token", field="device")
    flat = {key: value for key, value in device.items() if key not in _OWN_KEYS}
    return {
        "token": token,
        "platform": device["platform"],
        "last_used": seconds(device.get("last_used"), "device.last_used", ws.now),
        "attributes": {**flat, **nested},
    }


def save(ws: Workspace, pk: int, device: dict[str, Any]) -> None:
    """Add or update a person's device; attributes are merged, ``_last_status`` is read-only."""
    attributes = dict(device["attributes"])
    if _READ_ONLY in attributes:
        del attributes[_READ_ONLY]
        ws.fail_quietly("read-only device attribute", _READ_ONLY)
    token = device["token"]
    if ws.options.device_moves:
        sql = "DELETE FROM devices WHERE token=? AND person<>?"
        if ws.store.execute(sql, (token, pk)).rowcount:
            ws.fail_quietly("device moved from another person", token)
    stored = ws.store.scalar(
        "SELECT attributes FROM devices WHERE person=? AND token=?", (pk, token)
    )
    merged = {**json.loads(stored or "{}"), **attributes}
    row = (pk, token, device["platform"], device["last_used"], dump(merged))
    ws.store.execute(
        """INSERT INTO devices VALUES (?,?,?,?,?) ON CONFLICT (person, token) DO UPDATE
           SET platform=excluded.platform, last_used=excluded.last_used,
               attributes=excluded.attributes""",
        row,
    )


def delete(ws: Workspace, pk: int, token: str) -> None:
    """Delete a person's device; an unknown one is no error (fact device-unknown)."""
    if not ws.store.execute("DELETE FROM devices WHERE person=? AND token=?", (pk, token)).rowcount:
        ws.fail_quietly("unknown device", token)


def of(ws: Workspace, pk: int) -> list[Row]:
    """A person's devices; the last used comes first."""
    sql = "SELECT * FROM devices WHERE person=? ORDER BY last_used DESC, token"
    return ws.store.all(sql, (pk,))


def shown(row: Row) -> dict[str, Any]:
    """A device as the App API shows it."""
    return {
        "id": row["token"],
        "platform": row["platform"],
        "last_used": row["last_used"],
        **({"attributes": extra} if (extra := json.loads(row["attributes"])) else {}),
    }
