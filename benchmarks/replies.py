"""What the server of the benchmarks answers: replies as Customer.io's, with many rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

CREATED = 1_795_843_478
HEADERS = (
    b"Content-Type: application/json; charset=utf-8\r\n"
    b"Cache-Control: no-cache, no-store, must-revalidate, max-age=0\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"Date: Mon, 30 Nov 2026 05:24:39 GMT\r\n"
)


def message(number: int) -> dict[str, Any]:
    """Return a delivery as `GET /v1/messages` lists it."""
    person, at = f"u{number}", CREATED + number
    steps = ("created", "attempted", "sent", "delivered", "opened", "clicked")
    return {
        "id": f"bq_YgWz9HI5Zqc{number:06}=",
        "deduplicate_id": f"bq_YgWz9HI5Zqc{number:06}=:{at}",
        "type": "email",
        "customer_id": person,
        "customer_identifiers": {
            "id": person,
            "email": f"{person}@example.com",
            "cio_id": f"d9c1{number:08x}",
        },
        "recipient": f"{person}@example.com",
        "subject": "Welcome",
        "created": at,
        "metrics": {name: at + 60 * n for n, name in enumerate(steps[: 3 + number % 4])},
        "failure_message": None,
        "campaign_id": 12,
        "newsletter_id": None,
        "broadcast_id": None,
        "content_id": None,
        "action_id": 51,
        "parent_action_id": None,
        "trigger_event_id": None,
        "message_template_id": 51,
        "forgotten": False,
    }


def campaign(number: int) -> dict[str, Any]:
    """Return a campaign as `GET /v1/campaigns` lists it."""
    return {
        "id": number,
        "deduplicate_id": f"{number}:{CREATED}",
        "name": f"Campaign {number}",
        "type": "event",
        "active": True,
        "state": "running",
        "event_name": "signed_up",
        "description": "What people get who have signed up",
        "created": CREATED,
        "updated": CREATED,
        "first_started": CREATED,
        "actions": [{"type": "email", "id": 5 * number}, {"type": "push", "id": 5 * number + 1}],
        "tags": ["demo"],
        "filter_segment_ids": [],
    }


def _segment(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "deduplicate_id": f"{number}:{CREATED}",
        "name": f"Segment {number}",
        "description": "",
        "state": "finished",
        "progress": None,
        "type": "manual",
        "tags": None,
        "created_at": CREATED,
        "updated_at": CREATED,
    }


def _attributes() -> dict[str, Any]:
    ids = {"id": "u1", "email": "ada@example.com", "cio_id": "d9c106000001"}
    own = {**ids, "created_at": str(CREATED), "first_name": "Ada", "plan": "pro", "seats": "5"}
    return {
        "customer": {
            "id": "u1",
            "identifiers": ids,
            "attributes": own,
            "timestamps": dict.fromkeys(own, CREATED),
            "unsubscribed": False,
            "devices": [],
        }
    }


def _messages(limit: int) -> dict[str, Any]:
    return {"messages": [message(n) for n in range(limit)], "next": "MTc5NTg0MzQ3ODoyOA=="}


_PATHS: dict[str, Callable[[int], dict[str, Any]]] = {
    "/v1/messages": _messages,
    "/v1/campaigns": lambda _: {"campaigns": [campaign(n) for n in range(1, 201)]},
    "/v1/segments": lambda _: {"segments": [_segment(n) for n in range(1, 6)]},
    "/v1/send/email": lambda _: {
        "delivery_id": "RPILAgUBcRhIBqSp7kiPPw==",
        "queued_at": CREATED,
    },
    "/v1/customers/u1/attributes": lambda _: _attributes(),
}


def reply_to(target: str, last: bytes = b"") -> bytes:
    """Return the whole reply to a request for a target; Track answers `{}`."""
    parts = urlsplit(target)
    limit = int(parse_qs(parts.query).get("limit", ["20"])[0])
    made = _PATHS.get(parts.path)
    body = made(limit) if made else {}
    return whole(json.dumps(body, separators=(",", ":")).encode(), last)


def whole(body: bytes, last: bytes = b"") -> bytes:
    """Return a reply with the headers that Customer.io sends, and one more."""
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\n" + HEADERS + length + last + b"\r\n" + body
