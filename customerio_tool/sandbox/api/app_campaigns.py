"""The App routes for campaigns and broadcasts: reading them and their metrics, and triggering."""

from __future__ import annotations

import json
from dataclasses import replace

from ..refusal import Refused
from ..rules import broadcasts, campaigns, metrics
from ..serving.http import Reply, Request, app_reads, json_reply
from ..serving.routes import Routes
from ..store.workspace import Workspace
from .app_segments import path_number

_SPEC = "https://docs.customer.io/files/journeys-app.json"
_ERRORS_PAGE = 100
CAMPAIGNS = Routes("app", app_reads)


@CAMPAIGNS.route("GET", "/v1/campaigns", operation="list_campaigns", source=_SPEC)
def list_campaigns(ws: Workspace, _request: Request) -> Reply:
    """All campaigns, on one page."""
    return json_reply({"campaigns": [campaigns.shown(row) for row in campaigns.every(ws)]})


@CAMPAIGNS.route(
    "GET",
    "/v1/campaigns/{campaign_id}",
    operation="get_campaign",
    source=_SPEC,
)
def get_campaign(ws: Workspace, _request: Request, campaign_id: str) -> Reply:
    """One campaign."""
    row = campaigns.get(ws, path_number(campaign_id, "campaign_id"))
    return json_reply({"campaign": campaigns.shown(row)})


@CAMPAIGNS.route(
    "GET",
    "/v1/campaigns/{campaign_id}/metrics",
    operation="campaign_metrics",
    source="https://docs.customer.io/integrations/api/app/tag/automations/campaignMetrics/",
)
def campaign_metrics(ws: Workspace, request: Request, campaign_id: str) -> Reply:
    """A campaign's metrics in buckets."""
    row = campaigns.get(ws, path_number(campaign_id, "campaign_id"))
    return _metrics(ws, request, row["id"])


def _metrics(ws: Workspace, request: Request, owner: int) -> Reply:
    """Metrics version 2 with ``version=2``, otherwise version 1 (A+)."""
    asked = request.query
    query = metrics.Query(owner, asked.get("type") or None)
    if asked.get("version") == "2":
        if not asked.get("res"):
            raise Refused("res is required with version 2")
        period = metrics.read_period(asked["res"], "res")
        zone = metrics.read_zone(asked.get("tz") or metrics.DEFAULT_ZONE)
        span = metrics.Span(request.query_int("start"), request.query_int("end"))
        starts = metrics.buckets(ws, period, span, zone)
        query = replace(query, span=span, version=2)
    else:
        period = metrics.read_period(asked.get("period") or "days", "period")
        starts = metrics.last_steps(ws, period, request.query_int("steps"))
    return json_reply({"metric": {"series": metrics.series(ws, query, starts)}})


@CAMPAIGNS.route(
    "POST",
    "/v1/campaigns/{broadcast_id}/triggers",
    operation="trigger_broadcast",
    source="https://docs.customer.io/journeys/api-triggered-errors",
)
def trigger_broadcast(ws: Workspace, request: Request, broadcast_id: str) -> Reply:
    """Trigger a broadcast; the answer is the trigger's number."""
    number = path_number(broadcast_id, "broadcast_id")
    return json_reply({"id": broadcasts.trigger(ws, number, request.json_object())})


@CAMPAIGNS.route(
    "GET",
    "/v1/campaigns/{broadcast_id}/triggers/{trigger_id}",
    operation="trigger_status",
    source=_SPEC,
)
def trigger_status(ws: Workspace, _request: Request, broadcast_id: str, trigger_id: str) -> Reply:
    """One trigger."""
    number, trigger = (
        path_number(broadcast_id, "broadcast_id"),
        path_number(trigger_id, "trigger_id"),
    )
    return json_reply(broadcasts.shown(ws, broadcasts.get_trigger(ws, number, trigger)))


@CAMPAIGNS.route(
    "GET",
    "/v1/campaigns/{broadcast_id}/triggers/{trigger_id}/errors",
    operation="trigger_errors",
    source=_SPEC,
)
def trigger_errors(ws: Workspace, request: Request, broadcast_id: str, trigger_id: str) -> Reply:
    """A page of a trigger's errors, one string for each failed line; ``next`` is an integer."""
    number, trigger = (
        path_number(broadcast_id, "broadcast_id"),
        path_number(trigger_id, "trigger_id"),
    )
    errors = json.loads(broadcasts.get_trigger(ws, number, trigger)["errors"])
    start = max(request.query_int("start") or 0, 0)
    end = start + max(request.query_int("limit") or _ERRORS_PAGE, 1)
    return json_reply({"errors": errors[start:end], "next": end if end < len(errors) else 0})


@CAMPAIGNS.route("GET", "/v1/broadcasts", operation="list_broadcasts", source=_SPEC)
def list_broadcasts(ws: Workspace, _request: Request) -> Reply:
    """All API-triggered broadcasts."""
    rows = campaigns.every(ws, "broadcast")
    return json_reply({"broadcasts": [campaigns.shown(row) for row in rows]})


@CAMPAIGNS.route(
    "GET",
    "/v1/broadcasts/{broadcast_id}",
    operation="get_broadcast",
    source=_SPEC,
)
def get_broadcast(ws: Workspace, _request: Request, broadcast_id: str) -> Reply:
    """One broadcast."""
    row = campaigns.get(ws, path_number(broadcast_id, "broadcast_id"), "broadcast")
    return json_reply({"broadcast": campaigns.shown(row)})


@CAMPAIGNS.route(
    "GET",
    "/v1/broadcasts/{broadcast_id}/metrics",
    operation="broadcast_metrics",
    source=_SPEC,
)
def broadcast_metrics(ws: Workspace, request: Request, broadcast_id: str) -> Reply:
    """A broadcast's metrics in buckets."""
    row = campaigns.get(ws, path_number(broadcast_id, "broadcast_id"), "broadcast")
    return _metrics(ws, request, row["id"])


@CAMPAIGNS.route(
    "GET",
    "/v1/broadcasts/{broadcast_id}/triggers",
    operation="list_triggers",
    source=_SPEC,
)
def list_triggers(ws: Workspace, _request: Request, broadcast_id: str) -> Reply:
    """The triggers of a broadcast, newest first."""
    rows = broadcasts.triggers(ws, path_number(broadcast_id, "broadcast_id"))
    return json_reply({"triggers": [broadcasts.shown(ws, row) for row in rows]})
