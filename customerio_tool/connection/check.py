"""Checks a connection with two reads, which prove both keys, the region and the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from customerio_tool.connection.client import Client
from customerio_tool.connection.exchange import Reply, json_of
from customerio_tool.connection.failures import AnswerLost
from customerio_tool.connection.fields import Region
from customerio_tool.connection.region import PROBES, region_from_reply
from customerio_tool.deadline import Clock, Deadline
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.vendor_json import object_in, whole_in

_WRONG = {
    Api.TRACK: "Customer.io rejected site_id with track_api_key; copy both again.",
    Api.APP: "Customer.io rejected app_api_key; copy it again, or allow this IP address.",
}
_NARROW = {
    Api.TRACK: "Customer.io knows site_id with track_api_key, but does not let them in.",
    Api.APP: "app_api_key is right, but its scope or IP addresses do not allow reading segments.",
}
_OTHER_WORKSPACE = "workspace_id names another workspace than that of site_id; correct one of them."
_FOREIGN = "The answer is not Customer.io's; check the URLs of the connection."


@dataclass(frozen=True)
class _Finding:
    """The result of testing one key; `region` is the region in which the account was found."""

    problem: str = ""
    status: int | None = None
    region: Region | None = None
    workspace_id: int | None = None
    seconds: float | None = None
    clock_ahead: float | None = None

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"ok": not self.problem}
        found |= {"problem": self.problem} if self.problem else {}
        found |= {"http_status": self.status} if self.status else {}
        return found | ({} if self.seconds is None else {"seconds": round(self.seconds, 3)})


def check_connection(
    client: Client, deadline: Deadline, stores: Mapping[str, str], clock: Clock
) -> dict[str, Any]:
    """Test each key of the connection, and return the results.

    Args:
        client: The client of the connection.
        deadline: The deadline of all tests together.
        stores: The problem of each store that was tested, by name; "" if it works.
        clock: Measures the answers, and is compared with the time that they tell.

    Returns:
        What `CustomerIoTool.test_connection` returns. The region is the account's, and the
        workspace is the one in the reply to the Track key.
    """
    found: dict[str, _Finding] = {}
    for api in (api for api in Api if api in client.connection.apis):
        known_region = next((f.region for f in found.values() if f.region), None)
        found[api.value] = _finding(client, api, known_region, _Watch(deadline, clock))
    facts = _facts(list(found.values()))
    named = client.connection.workspace_id
    app = found.get(Api.APP.value)
    if app and not app.problem and named not in (None, str(facts.get("workspace_id", named))):
        found[Api.APP.value] = replace(app, problem=_OTHER_WORKSPACE)
    shared = {name: _Finding(problem) for name, problem in stores.items()}
    problems = [_problem_summary(found), *stores.values()]
    return {
        "ok": not any(problems),
        "summary": " ".join(filter(None, problems)) or _success_summary(facts),
        **facts,
        **{name: finding.as_json() for name, finding in {**found, **shared}.items()},
    }


def _facts(findings: list[_Finding]) -> dict[str, Any]:
    regions = [f.region for f in findings if f.region]
    workspaces = [f.workspace_id for f in findings if f.workspace_id is not None]
    ahead = [f.clock_ahead for f in findings if f.clock_ahead is not None]
    facts: dict[str, Any] = {"region": regions[0]} if regions else {}
    facts |= {"workspace_id": workspaces[0]} if workspaces else {}
    return facts | ({"clock_ahead_seconds": round(ahead[0], 1)} if ahead else {})


def _problem_summary(found: dict[str, _Finding]) -> str:
    """Return the problems as sentences: one if all APIs have the same, else one per API."""
    problems = {name: finding.problem for name, finding in found.items()}
    if len(set(problems.values())) == 1:
        return next(iter(problems.values()))
    return " ".join(f"{name.capitalize()} API: {each}" for name, each in problems.items() if each)


def _success_summary(facts: dict[str, Any]) -> str:
    names = {"workspace_id": "workspace", "region": "region"}
    named = [f"{name} {facts[key]}" for key, name in names.items() if key in facts]
    return f"The connection works: {', '.join(named)}." if named else "The connection works."


@dataclass(frozen=True)
class _Watch:
    """The deadline of all tests, and the clock that measures each."""

    deadline: Deadline
    clock: Clock


def _finding(client: Client, api: Api, known_region: Region | None, watch: _Watch) -> _Finding:
    """Try the hosts in turn until one knows the key; if none does, return the best clue."""
    tried: list[_Finding] = []
    for region in [known_region] if known_region else client.regions(api):
        finding = _probe(client, api, region, watch)
        if finding.region:
            return _with_region_problem(client, api, finding)
        tried.append(finding)
    # Each Track host knows every pair, so one refusal is proof. An App key is known to one host
    # only: if that is down, the other's refusal proves nothing, so another failure comes first.
    refusals_first = api is Api.TRACK
    is_refusal = [finding.status == HTTPStatus.UNAUTHORIZED for finding in tried]
    return tried[is_refusal.index(refusals_first)] if refusals_first in is_refusal else tried[0]


def _with_region_problem(client: Client, api: Api, finding: _Finding) -> _Finding:
    """Return the finding, with a problem added if the connection names another region."""
    if client.connection.has_own_host(api):
        return finding if api is Api.TRACK else replace(finding, region=None)
    named = client.connection.region
    if finding.problem or named in (None, finding.region):
        return finding
    problem = f"The account is in {finding.region}, not {named}: correct the region."
    return replace(finding, problem=problem)


def _probe(client: Client, api: Api, region: Region, watch: _Watch) -> _Finding:
    began, asked_at = watch.clock.monotonic(), watch.clock.now()
    try:
        reply = client.exchange_in(region, PROBES[api], watch.deadline)
    except (CustomerIoError, AnswerLost) as failure:
        return _Finding(str(failure))
    seconds = watch.clock.monotonic() - began
    found = region_from_reply(api, region, reply)
    payload = object_in(json_of(reply)) if found and api is Api.TRACK else {}
    return _Finding(
        _problem(api, reply.status, found),
        reply.status,
        found,
        whole_in(payload.get("environment_id")),
        seconds,
        _clock_ahead(reply, asked_at + seconds / 2),
    )


def _clock_ahead(reply: Reply, now: float) -> float | None:
    """Return how many seconds `now` is ahead of the time that a reply tells, in whole seconds."""
    try:
        told = parsedate_to_datetime(reply.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return now - (told.timestamp() + _HALF_A_SECOND)


_HALF_A_SECOND = 0.5
"""The `Date` of a reply is cut to whole seconds."""


def _problem(api: Api, status: int, found: Region | None) -> str:
    words: dict[int, str] = {
        HTTPStatus.OK: "" if found else _FOREIGN,
        HTTPStatus.UNAUTHORIZED: _WRONG[api],
        HTTPStatus.FORBIDDEN: _NARROW[api],
    }
    return words.get(status, f"Customer.io answered HTTP {status}; try again later.")
