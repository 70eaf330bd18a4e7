"""The App routes for transactional messages: which there are, and what they say."""

from __future__ import annotations

from typing import Any

from ..refusal import Refused
from ..rules import templates
from ..serving.http import Reply, Request, app_reads, json_reply, meta_error, status_of
from ..serving.routes import Routes
from ..store.store import Row
from ..store.workspace import Workspace
from .app_segments import path_number

_SPEC = "https://docs.customer.io/files/journeys-app.json"
_PAGE = "https://docs.customer.io/integrations/api/app/tag/transactional/"


def _contents_errors(refused: Refused) -> Reply:
    """The 400 of contents is documented with ``meta.error``; its 404 is not (UNVERIFIED)."""
    return meta_error(refused) if status_of(refused) == 400 else app_reads(refused)


TEMPLATES = Routes("app", app_reads)
CONTENTS = Routes("app", _contents_errors)


@TEMPLATES.route("GET", "/v1/transactional", operation="list_transactional", source=_SPEC)
def list_transactional(ws: Workspace, _request: Request) -> Reply:
    """All transactional messages, on one page."""
    return json_reply({"messages": [_shown(row) for row in templates.every(ws)]})


@TEMPLATES.route(
    "GET",
    "/v1/transactional/{transactional_id}",
    operation="get_transactional",
    source=_PAGE,
)
def get_transactional(ws: Workspace, _request: Request, transactional_id: str) -> Reply:
    """One transactional message, without its contents."""
    return json_reply({"message": _shown(_row(ws, transactional_id))})


@CONTENTS.route(
    "GET",
    "/v1/transactional/{transactional_id}/contents",
    operation="transactional_contents",
    source=_PAGE,
)
def contents(ws: Workspace, _request: Request, transactional_id: str) -> Reply:
    """What a transactional message says; here in its default language alone."""
    return json_reply({"contents": [templates.shown_content(_row(ws, transactional_id))]})


def _row(ws: Workspace, transactional_id: str) -> Row:
    return templates.get(ws, path_number(transactional_id, "transactional_id"))


def _shown(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": "",
        "send_to_unsubscribed": True,
        "link_tracking": True,
        "open_tracking": True,
        "hide_message_body": False,
        "queue_drafts": False,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
