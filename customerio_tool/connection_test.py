"""The test of a saved connection: two reads that prove both keys, the region and the workspace."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from customerio_tool.client import REGION_PROBE, AnswerLost, Client
from customerio_tool.connection import REGIONS, Api, Region
from customerio_tool.deadline import Deadline
from customerio_tool.errors import CustomerIoError
from customerio_tool.wire import Reply, Request, json_of

APP_PROBE = Request(Api.APP, "GET", "/v1/segments")
"""A cheap read: Customer.io has no endpoint that only checks an App key."""

_WRONG_PAIR = "Customer.io rejected site_id with track_api_key; copy both again."
_WRONG_KEY = "Customer.io rejected app_api_key; copy it again."
_NARROW = "app_api_key is right, but its scope does not allow reading segments."


def check_connection(client: Client, deadline: Deadline) -> dict[str, Any]:
    """Return the result of testing each key that the connection has.

    Returns:
        `ok` and `summary`; `track` and `app`, each `{"ok", "problem"?, "http_status"?}`; `region`
        and `workspace_id` as Customer.io told them for the Track key.
    """
    found: dict[str, dict[str, Any]] = {}
    facts: dict[str, Any] = {}
    if Api.TRACK in client.connection.apis:
        found["track"], facts = _track(client, deadline)
    if Api.APP in client.connection.apis:
        found["app"] = _app(client, deadline, facts.get("region"))
    problems = [finding["problem"] for finding in found.values() if not finding["ok"]]
    return {"ok": not problems, "summary": _summary(problems, facts), **facts, **found}


def _summary(problems: list[str], facts: dict[str, Any]) -> str:
    if problems:
        return " ".join(problems)
    where = f" to workspace {facts['workspace_id']} in {facts['region']}" if facts else ""
    return f"The connection works{where}."


def _track(client: Client, deadline: Deadline) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask `accounts/region`, which answers on either host and so names the right region."""
    configured = client.connection.region
    finding = _probe(client, deadline, configured or "us", REGION_PROBE)
    told = finding.pop("told", None)
    if not isinstance(told, dict) or told.get("region") not in REGIONS:
        return _explained(finding, _WRONG_PAIR), {}
    facts = {"region": told["region"], "workspace_id": told.get("environment_id")}
    if configured not in (None, facts["region"]) and not client.connection.has_own_host(Api.TRACK):
        problem = f"The account is in {facts['region']}, not {configured}: correct the region."
        finding |= {"ok": False, "problem": problem}
    return finding, facts


def _app(client: Client, deadline: Deadline, told: Region | None) -> dict[str, Any]:
    regions = (client.connection.region or told,)
    for region in regions if regions[0] else REGIONS:
        finding = _probe(client, deadline, region or "us", APP_PROBE)
        finding.pop("told", None)
        if finding["ok"]:
            return finding
    return _explained(finding, _WRONG_KEY)


def _probe(client: Client, deadline: Deadline, region: Region, request: Request) -> dict[str, Any]:
    try:
        reply: Reply = client.exchange_in(region, request, deadline)
    except (CustomerIoError, AnswerLost) as error:
        return {"ok": False, "problem": str(error)}
    ok = reply.status == HTTPStatus.OK
    return {"ok": ok, "http_status": reply.status, **({"told": json_of(reply)} if ok else {})}


def _explained(finding: dict[str, Any], wrong_key: str) -> dict[str, Any]:
    words = {
        HTTPStatus.UNAUTHORIZED: wrong_key,
        HTTPStatus.FORBIDDEN: _NARROW,
        HTTPStatus.OK: "The answer is not Customer.io's; check the URLs of the connection.",
    }
    status = finding.get("http_status", 0)
    problem = words.get(status, f"Customer.io answered HTTP {status}; try again later.")
    return {"problem": problem, **finding, "ok": False}
