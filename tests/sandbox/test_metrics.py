"""Metrics are counts of real deliveries in real buckets."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.support.sandbox_api import Api

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"


def at(text: str, zone: str = NEW_YORK) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def counted(sends: list[int], now: int, name: str = "created", **query: Any) -> list[int]:
    """One metric of a new campaign, started at these times and asked for at ``now``."""
    clock = Clock(frozen_at=min(sends))
    with Sandbox(clock=clock) as sandbox, Api(sandbox).session as session:
        api = Api(sandbox)
        api.session = session
        campaign = {"id": 99, "name": "Hello", "type": "event", "event_name": "hello"}
        mail = {"type": "email", "id": 990, "subject": "Hi"}
        sandbox.seed({"campaigns": [{**campaign, "actions": [mail]}]})
        for moment in sends:
            clock.set(moment)
            api.event("u3", "hello")
        clock.set(now)
        series = api.get("/v1/campaigns/99/metrics", **query)["metric"]["series"]
    counts: list[int] = series[name]
    return counts


@pytest.mark.parametrize(
    ("period", "sends", "now", "last"),
    [
        ("hours", ["2027-01-15T09:59:59", "2027-01-15T10:00:00"], "2027-01-15T10:30", [1, 1]),
        ("days", ["2027-01-14T23:59:59", "2027-01-15T00:00:00"], "2027-01-15T12:00", [1, 1]),
        ("weeks", ["2027-01-09T23:59:59", "2027-01-10T00:00:00"], "2027-01-16T23:00", [1, 1]),
        ("months", ["2027-01-31T23:59:59", "2027-02-01T00:00:00"], "2027-02-28T23:00", [1, 1]),
        # the night in which the clocks go forward, and the one in which they go back
        ("days", ["2027-03-14T00:00:00", "2027-03-14T23:59:59"], "2027-03-15T00:30", [2, 0]),
        ("days", ["2027-11-07T00:00:00", "2027-11-07T23:59:59"], "2027-11-08T00:30", [2, 0]),
    ],
)
def test_version_1_counts_in_eastern_hours_days_sunday_weeks_and_months(
    period: str, sends: list[str], now: str, last: list[int]
) -> None:
    """Midnight US Eastern; weeks begin on Sunday (2027-01-10 is one)."""
    found = counted([at(each) for each in sends], at(now), period=period)
    assert found[-2:] == last


def test_version_2_counts_in_the_zone_asked_for() -> None:
    """A+: days of Berlin, the first and the last cut by start and end."""
    sends = [at("2027-01-10T23:59:59", BERLIN), at("2027-01-11T00:00:00", BERLIN)]
    span = {"start": at("2027-01-10T00:00", BERLIN), "end": at("2027-01-12T12:00", BERLIN)}
    query: dict[str, Any] = {"version": 2, "res": "days", "tz": BERLIN, **span}
    now = at("2027-01-13T12:00", BERLIN)
    assert counted(sends, now, **query) == [1, 1, 0]
    assert counted(sends, now, **{**query, "tz": "America/Los_Angeles"})[:2] == [0, 2]


def test_version_2_leaves_out_what_lies_before_start_and_after_end() -> None:
    """Start and end are seconds, not buckets."""
    noon = at("2027-01-10T12:00", BERLIN)
    query: dict[str, Any] = {
        "version": 2,
        "res": "days",
        "tz": BERLIN,
        "start": noon,
        "end": noon + 3600,
    }
    assert counted([noon - 1, noon, noon + 3600, noon + 3601], noon + 9999, **query) == [2]


def test_a_metric_counts_when_it_happened_not_when_the_message_was_made() -> None:
    """Metrics grow over time; delivered follows a little later."""
    moment = at("2027-01-14T23:59:59")
    assert counted([moment], moment, "delivered", period="days")[-1:] == [0]
    assert counted([moment], moment + 5, "delivered", period="days")[-2:] == [0, 1]
    assert counted([moment], moment + 5, "sent", period="days")[-2:] == [1, 0]


def test_webhooks_have_their_own_names() -> None:
    with Sandbox() as sandbox, Api(sandbox).session as session:
        api = Api(sandbox)
        api.session = session
        series = api.get("/v1/campaigns/17/metrics", type="webhook")["metric"]["series"]
    assert {"2xx", "3xx", "4xx", "5xx"} <= series.keys()


def test_a_machine_without_time_zones_is_told_what_to_install(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows and slim images bring none; version 1 counts in US Eastern time."""

    def absent(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(f"No time zone found with key {name}")

    monkeypatch.setattr("customerio_tool.sandbox.rules.metrics.ZoneInfo", absent)
    monkeypatch.setattr("customerio_tool.sandbox.rules.metrics.available_timezones", set[str])
    campaign = api.get("/v1/campaigns")["campaigns"][0]["id"]
    for query in ("", "?version=2&start=1700000000&end=1800000000&res=days&tz=UTC"):
        answer = api.app("GET", f"/v1/campaigns/{campaign}/metrics{query}")
        assert answer.status_code == 500
        assert "pip install tzdata" in answer.json()["errors"][0]["detail"]
