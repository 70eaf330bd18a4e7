"""Metrics are counted ahead by hours and seconds; answers say what the rows say all the same."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from customerio_tool.sandbox.rules import deliveries, metrics
from customerio_tool.sandbox.rules.deliveries import NewDelivery, Origin
from tests.support.sandbox_api import NOW, Api

DAYS, MANY = 40, 400
HOURS = 3600 * 24


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """Two campaigns whose deliveries fall on any second, some of them in the future."""
    dice = random.Random(7)  # noqa: S311 - repeatable, not secret
    names = {"seen": 10, "left": 11}
    seed = {"campaigns": [{"id": n, "name": name, "event_name": name} for name, n in names.items()]}
    with Sandbox(seed=seed, clock=Clock(frozen_at=NOW)) as sandbox:
        with sandbox.application.work() as ws:
            for number in range(MANY):
                ws.time = NOW - dice.randrange(DAYS * HOURS)
                channel, origin = dice.choice(["email", "push"]), Origin(10 + number % 2, 1)
                new = NewDelivery(channel, None, "a@example.com", origin=origin)
                row = deliveries.find(ws, deliveries.create(ws, new))
                for name in dice.sample(["opened", "clicked", "bounced", "nameless"], 2):
                    deliveries.record(ws, row["pk"], name, ws.now + dice.randrange(3 * HOURS))
                if not number % 5:
                    sql = "DELETE FROM metrics WHERE delivery=? AND name='delivered'"
                    ws.store.execute(sql, (row["pk"],))
        yield Api(sandbox)


def rows(api: Api, channel: str | None, since: int, until: int) -> list[tuple[str, int]]:
    sql = """SELECT name, at FROM metrics JOIN deliveries ON pk=delivery
             WHERE campaign=10 AND at BETWEEN ? AND ? AND type=coalesce(?, type)"""
    found = api.sandbox.application.store.all(sql, (since, until, channel))
    return [(row["name"], row["at"]) for row in found]


def counted(
    found: list[tuple[str, int]], starts: list[int], names: list[str]
) -> dict[str, list[int]]:
    counts = {name: [0] * len(starts) for name in names}
    for name, at in found:
        if name in counts:
            counts[name][bisect_right(starts, at) - 1] += 1
    return counts


@pytest.mark.parametrize("channel", [None, "push"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu"])
@pytest.mark.parametrize("resolution", ["hourly", "daily", "weekly", "monthly"])
@pytest.mark.parametrize("offset", [0, 1234])
def test_a_span_is_counted_to_the_second(
    api: Api, resolution: str, zone: str, channel: str | None, offset: int
) -> None:
    start, end = NOW - 35 * HOURS + offset, NOW - 2 * offset
    query = {"version": 2, "res": resolution, "tz": zone, "start": start, "end": end}
    series = api.get("/v1/campaigns/10/metrics", **query, type=channel)["metric"]["series"]
    with api.sandbox.application.work() as ws:
        period = metrics.read_period(resolution, "res")
        starts = metrics.buckets(ws, period, metrics.Span(start, end), ZoneInfo(zone))
    local = datetime.fromtimestamp(starts[0], ZoneInfo(zone))
    assert local.minute == 0
    assert starts[0] <= start < starts[0] + timedelta(days=32).total_seconds()
    assert series == counted(rows(api, channel, start, end), starts, list(series))
    assert sum(series["sent"]) > MANY / 8


@pytest.mark.parametrize("period", ["hours", "days", "weeks", "months"])
def test_the_last_steps_count_up_to_now(api: Api, period: metrics.Period) -> None:
    series = api.get("/v1/campaigns/10/metrics", period=period)["metric"]["series"]
    with api.sandbox.application.work() as ws:
        starts = metrics.last_steps(ws, period, None)
    assert series == counted(rows(api, None, starts[0], NOW), starts, list(series))


@pytest.mark.parametrize("metric", ["sent", "opened", "bounced", "clicked"])
@pytest.mark.parametrize("campaign", [10, 11, 12])
def test_messages_with_a_metric_are_those_that_have_it_by_now(
    api: Api, metric: str, campaign: int
) -> None:
    sql = """SELECT id FROM deliveries WHERE campaign=? AND EXISTS
             (SELECT 1 FROM metrics WHERE delivery=pk AND name=? AND at<=?)
             ORDER BY created DESC, pk DESC"""
    wanted = api.sandbox.application.store.all(sql, (campaign, metric, NOW))
    query = {"campaign_id": campaign, "metric": metric, "limit": 7}
    listed: list[str] = []
    page: dict[str, Any] = {"next": " "}
    while page["next"]:
        page = api.get("/v1/messages", **query, start=page["next"].strip())
        listed += [message["id"] for message in page["messages"]]
    assert listed == [row["id"] for row in wanted]
