"""The App routes for messages: sending transactional ones, and reading deliveries."""

from __future__ import annotations

from ..limits import ARCHIVED_A_DAY, MESSAGES_PAGE
from ..refusal import Refused
from ..rules import campaigns, deliveries, transactional
from ..rules.deliveries import Search
from ..rules.transactional import Sent
from ..serving.http import Reply, Request, app_reads, json_reply, page_size, send_errors
from ..serving.routes import Routes
from ..store.workspace import Workspace
from . import app_people
from .app_segments import path_number

_SPEC = "https://docs.customer.io/files/journeys-app.json"
_DEFAULT_PAGE = 50
SENDS = Routes("app", send_errors)
MESSAGES = Routes("app", app_reads)


@SENDS.route("POST", "/v1/send/email", operation="send_email", source=_SPEC)
def send_email(ws: Workspace, request: Request) -> Reply:
    """Queue a transactional e-mail."""
    return _sent(transactional.send_email(ws, request.json_object(), len(request.body)))


@SENDS.route("POST", "/v1/send/push", operation="send_push", source=_SPEC)
def send_push(ws: Workspace, request: Request) -> Reply:
    """Queue a transactional push."""
    return _sent(transactional.send_push(ws, request.json_object(), len(request.body)))


def _sent(sent: Sent) -> Reply:
    answer: dict[str, object] = {"delivery_id": sent.delivery_id, "queued_at": sent.queued_at}
    if sent.send_at is not None:
        answer["send_at"] = sent.send_at
    return json_reply(answer)


@MESSAGES.route("GET", "/v1/messages", operation="list_messages", source=_SPEC)
def list_messages(ws: Workspace, request: Request) -> Reply:
    """A page of deliveries, newest first."""
    return _page(ws, request)


@MESSAGES.route(
    "GET",
    "/v1/broadcasts/{broadcast_id}/messages",
    operation="broadcast_messages",
    source=_SPEC,
)
def broadcast_messages(ws: Workspace, request: Request, broadcast_id: str) -> Reply:
    """A page of one broadcast's deliveries."""
    row = campaigns.get(ws, path_number(broadcast_id, "broadcast_id"), "broadcast")
    return _page(ws, request, row["id"])


@MESSAGES.route(
    "GET",
    "/v1/customers/{customer_id}/messages",
    operation="customer_messages",
    source=_SPEC,
)
def customer_messages(ws: Workspace, request: Request, customer_id: str) -> Reply:
    """A page of one person's deliveries; only the times filter it."""
    wanted = Search(
        person=app_people.addressed(ws, request, customer_id)["pk"],
        start_ts=request.query_int("start_ts"),
        end_ts=request.query_int("end_ts"),
        cursor=request.query.get("start") or None,
        limit=page_size(request, _DEFAULT_PAGE, MESSAGES_PAGE),
    )
    return _found(ws, request, wanted)


def _page(ws: Workspace, request: Request, broadcast: int | None = None) -> Reply:
    wanted = Search(
        channel=request.query.get("type") or None,
        metric=request.query.get("metric") or None,
        drafts=request.query_bool("drafts"),
        campaign=request.query_int("campaign_id"),
        broadcast=broadcast,
        action=request.query_int("action_id"),
        newsletter=request.query_int("newsletter_id"),
        transactional=request.query_int("transactional_id"),
        template=request.query_int("template_id"),
        content=request.query_int("content_id"),
        trigger=request.query_int("trigger_id"),
        start_ts=request.query_int("start_ts"),
        end_ts=request.query_int("end_ts"),
        cursor=request.query.get("start") or None,
        limit=page_size(request, _DEFAULT_PAGE, MESSAGES_PAGE),
    )
    return _found(ws, request, wanted)


def _found(ws: Workspace, request: Request, wanted: Search) -> Reply:
    rows, following = deliveries.search(ws, wanted)
    messages = [deliveries.shown(ws, row) for row in rows]
    if request.query_bool("get_tracked_responses"):
        messages = [{**message, "tracked_responses": {}} for message in messages]
    answer: dict[str, object] = {"messages": messages}
    last = ws.options.last_page_next
    if following is not None or last is not None:
        answer["next"] = last if following is None else following
    return json_reply(answer)


@MESSAGES.route("GET", "/v1/messages/{message_id}", operation="get_message", source=_SPEC)
def get_message(ws: Workspace, _request: Request, message_id: str) -> Reply:
    """One delivery."""
    return json_reply({"message": deliveries.shown(ws, deliveries.find(ws, message_id))})


@MESSAGES.route(
    "GET",
    "/v1/messages/{message_id}/archived_message",
    operation="archived_message",
    source=_SPEC,
)
def archived_message(ws: Workspace, _request: Request, message_id: str) -> Reply:
    """What one delivery said; at most 100 times in a day."""
    row = deliveries.find(ws, message_id)
    since = ws.now - 86400  # UNVERIFIED whether a day is that, or ends at midnight
    sql = "SELECT count(*) FROM requests WHERE operation=? AND status=200 AND time>?"
    if ws.store.scalar(sql, ("archived_message", since)) >= ARCHIVED_A_DAY:
        raise Refused("rate limit exceeded", "too_many")
    return json_reply({"archived_message": deliveries.archived(row)})
