from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerio_tool.calls.call import Call
from customerio_tool.calls.reply import error_for
from customerio_tool.calls.request import request_for
from customerio_tool.connection.exchange import Reply
from customerio_tool.errors import NotFound, ReplyUnreadable
from customerio_tool.sandbox.rules.metrics import Span, buckets
from customerio_tool.subtools.campaigns import get_campaign, get_campaign_metrics, list_campaigns
from customerio_tool.subtools.parts import metrics, spans
from customerio_tool.subtools.parts.spans import MAX_STEPS, start_of_last, starts_of
from tests.subtools.calls import AT, DAY, assert_examples_hold, query_of, refused, result_of

CAMPAIGNS = [
    {"id": 1, "name": "Welcome", "type": "event", "state": "running", "updated": 5, "tags": None},
    {"id": 2, "name": "Win back", "type": "segment", "state": "draft", "updated": 6, "tags": []},
]


@pytest.mark.parametrize("subtool", [get_campaign, list_campaigns, get_campaign_metrics])
def test_examples_send_what_they_declare(subtool: Any) -> None:
    assert_examples_hold(subtool)


def metrics_of(series: Any, **arguments: Any) -> dict[str, Any]:
    reply = {"metric": {"series": series}}
    asked = {"campaign_id": 12, "full": True, **arguments}
    return result_of(get_campaign_metrics, reply, **asked)


def metrics_query(**arguments: Any) -> dict[str, str]:
    return query_of(get_campaign_metrics, campaign_id=12, **arguments)


def metrics_refused(**arguments: Any) -> list[str]:
    return refused(get_campaign_metrics, campaign_id=12, **arguments)


def test_an_unknown_campaign_is_answered_with_how_to_find_one() -> None:
    args = get_campaign.parse({"campaign_id": 99})
    error = error_for(Call(get_campaign, args, AT), Reply(404, {}, b"{}"))
    assert isinstance(error, NotFound)
    assert "list_campaigns" in error.summary


def test_a_campaign_comes_whole() -> None:
    result = result_of(get_campaign, {"campaign": CAMPAIGNS[0]}, campaign_id=1)
    assert result["campaign"] == {**CAMPAIGNS[0], "updated": "1970-01-01T00:00:05Z"}
    assert "Welcome" not in result["summary"]


def test_campaigns_are_filtered_by_state_and_name_and_shown_in_brief() -> None:
    result = result_of(list_campaigns, {"campaigns": CAMPAIGNS}, state="draft", name_contains="WIN")
    assert result["campaigns"] == [
        {
            "id": 2,
            "name": "Win back",
            "type": "segment",
            "state": "draft",
            "updated": "1970-01-01T00:00:06Z",
        }
    ]
    assert result["total"] == 1


def test_a_workspace_without_campaigns_has_an_empty_list() -> None:
    assert result_of(list_campaigns, {"campaigns": None})["campaigns"] == []


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        # AT is Sunday 2025-11-23, 12:13:20 UTC: 07:13:20 in New York, 13:13:20 in Berlin.
        ({}, "2025-10-10T00:00:00-04:00"),
        ({"steps": 1}, "2025-11-23T00:00:00-05:00"),
        ({"steps": 2}, "2025-11-22T00:00:00-05:00"),
        ({"steps": 23}, "2025-11-01T00:00:00-04:00"),
        ({"period": "hours"}, "2025-11-22T08:00:00-05:00"),
        ({"period": "hours", "steps": 1}, "2025-11-23T07:00:00-05:00"),
        ({"period": "weeks", "steps": 1}, "2025-11-23T00:00:00-05:00"),
        ({"period": "weeks", "steps": 4}, "2025-11-02T00:00:00-04:00"),
        ({"period": "months"}, "2024-12-01T00:00:00-05:00"),
        ({"period": "months", "steps": 1}, "2025-11-01T00:00:00-04:00"),
        ({"period": "months", "steps": 120}, "2015-12-01T00:00:00-05:00"),
        ({"steps": 1, "timezone": "Europe/Berlin"}, "2025-11-23T00:00:00+01:00"),
        ({"steps": 29, "timezone": "Europe/Berlin"}, "2025-10-26T00:00:00+02:00"),
        ({"steps": 1, "timezone": "Asia/Tokyo"}, "2025-11-23T00:00:00+09:00"),
        ({"steps": 1, "timezone": "Pacific/Auckland"}, "2025-11-24T00:00:00+13:00"),
        ({"period": "hours", "steps": 1, "timezone": "Asia/Kolkata"}, "2025-11-23T17:00:00+05:30"),
    ],
)
def test_the_last_steps_are_a_span_of_version_2(arguments: dict[str, Any], start: str) -> None:
    query = metrics_query(**arguments)
    assert query == {
        "version": "2",
        "res": arguments.get("period", "days"),
        "start": str(int(datetime.fromisoformat(start).timestamp())),
        "end": str(AT.now_seconds),
        "tz": arguments.get("timezone", "America/New_York"),
    }


def test_a_start_is_sent_as_it_is() -> None:
    assert metrics_query(period="weeks", start_time=1763800000, timezone="Asia/Tokyo") == {
        "version": "2",
        "res": "weeks",
        "start": "1763800000",
        "end": str(AT.now_seconds),
        "tz": "Asia/Tokyo",
    }


def test_where_time_zones_are_known_utc_is_not_told_of() -> None:
    assert "UTC" not in metrics_of({"sent": [1]}, steps=1)["summary"]


def test_a_call_at_the_very_beginning_of_a_step_leaves_time_in_between() -> None:
    midnight = int(datetime.fromisoformat("2025-11-23T00:00:00-05:00").timestamp())
    at = replace(AT, now=float(midnight))
    call = Call(
        get_campaign_metrics, get_campaign_metrics.parse({"campaign_id": 12, "steps": 1}), at
    )
    query = dict(parse_qsl(request_for(call).query))
    assert (query["start"], query["end"]) == (str(midnight), str(midnight + 1))


def test_without_a_time_zone_database_the_last_steps_are_counted_in_utc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(spans, "ZoneInfo", missing)
    query = metrics_query(steps=1)
    assert query["tz"] == "UTC"
    assert query["start"] == str(AT.now_seconds // DAY * DAY)
    assert metrics_query(steps=1, timezone="UTC") == query
    assert metrics_refused(steps=1, timezone="Europe/Berlin") == ["timezone"]
    assert "1 day from 2025-11-23T00:00Z (UTC)" in metrics_of({"sent": [1]}, steps=1)["summary"]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1_600_000_000, 1_900_000_000),
    st.sampled_from(["hours", "days", "weeks", "months"]),
    st.data(),
)
def test_the_local_customer_io_counts_as_many_steps_as_were_asked_for(
    now: int, period: Any, data: st.DataObject
) -> None:
    steps = data.draw(st.integers(1, MAX_STEPS[period]))
    names = ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
    zone = ZoneInfo(data.draw(st.sampled_from(names)))
    start = start_of_last(steps, period, now, zone)
    workspace: Any = SimpleNamespace(now=now)
    end = max(now, start + 1)
    counted = buckets(workspace, period, Span(start, end), zone)
    assert len(counted) == steps
    told = starts_of((start, end), steps, period, zone)
    assert [int(each.timestamp()) for each in told] == counted


@pytest.mark.parametrize(
    ("arguments", "count", "starts"),
    [
        (
            {"start_time": "2025-11-20T12:00:00Z", "end_time": "2025-11-22T12:00:00Z"},
            3,
            ["2025-11-20", "2025-11-21", "2025-11-22"],
        ),
        (
            {"start_time": "2025-11-20", "end_time": "2025-11-22", "timezone": "UTC"},
            2,  # without the step that begins at the end
            ["2025-11-20", "2025-11-21"],
        ),
        (
            {"period": "hours", "steps": 2, "timezone": "Asia/Kolkata"},
            2,
            ["2025-11-23T16:00+05:30", "2025-11-23T17:00+05:30"],
        ),
        (
            {"period": "hours", "start_time": "2025-11-02T05:30:00Z", "end_time": 1762066800},
            3,  # the hour of which there are two
            ["2025-11-02T01:00-04:00", "2025-11-02T01:00-05:00", "2025-11-02T02:00-05:00"],
        ),
        ({"period": "weeks", "steps": 2}, 2, ["2025-11-16", "2025-11-23"]),
        ({"period": "months", "steps": 3}, 3, ["2025-09-01", "2025-10-01", "2025-11-01"]),
    ],
)
def test_each_step_has_its_date(arguments: dict[str, Any], count: int, starts: list[str]) -> None:
    result = metrics_of({"sent": [1] * count}, **arguments)
    assert result["starts"] == starts
    assert len(result["series"]["sent"]) == len(starts)


@pytest.mark.parametrize("count", [1, 4, 10])
def test_steps_that_were_not_asked_for_are_not_dated(count: int) -> None:
    span = {"start_time": "2025-11-20T12:00:00Z", "end_time": "2025-11-22T12:00:00Z"}
    result = metrics_of({"sent": [1] * count}, **span)
    assert "starts" not in result
    assert "Do not date them" in result["summary"]


def test_where_the_default_zone_is_not_known_a_span_is_not_dated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr(spans, "ZoneInfo", missing)
    span = {"start_time": "2025-11-20T12:00:00Z", "end_time": "2025-11-21T12:00:00Z"}
    assert "starts" not in metrics_of({"sent": [1, 2]}, **span)
    assert "starts" in metrics_of({"sent": [1, 2]}, **span, timezone="UTC")


@pytest.mark.parametrize("window", [{"start_time": 1763800000}, {"end_time": 1763800000}])
def test_steps_do_not_go_with_a_window(window: dict[str, Any]) -> None:
    assert metrics_refused(steps=2, **window) == ["steps"]


def test_an_end_needs_a_start() -> None:
    assert metrics_refused(end_time=1763800000) == ["start_time"]


@pytest.mark.parametrize(
    ("period", "most"), [(None, 45), ("hours", 24), ("days", 45), ("weeks", 12), ("months", 120)]
)
def test_each_period_has_its_own_most_steps(period: str | None, most: int) -> None:
    assert metrics_query(period=period, steps=most)["version"] == "2"
    assert metrics_refused(period=period, steps=most + 1) == ["steps"]


@pytest.mark.parametrize("steps", [-1, 121, 1.5, True])
def test_steps_are_a_number_from_1_to_120(steps: Any) -> None:
    assert metrics_refused(period="months", steps=steps) == ["steps"]


def test_an_end_before_the_start_is_refused() -> None:
    assert metrics_refused(start_time=1763800000, end_time=1763800000) == ["end_time"]


def test_a_start_that_is_still_to_come_is_refused() -> None:
    assert metrics_refused(start_time=AT.now_seconds + DAY) == ["start_time"]


def test_a_span_over_ten_years_is_refused() -> None:
    assert metrics_refused(start_time="2010-01-01") == ["start_time"]


@pytest.mark.parametrize("name", ["Mars/Olympus", "europe/berlin ", "+02:00", "CEST?"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    assert metrics_refused(start_time=1763800000, timezone=name) == ["timezone"]


def test_without_a_list_of_time_zones_the_form_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_installed_timezones", set)
    assert metrics_query(start_time=1763800000, timezone="Europe/Berlin")["tz"] == "Europe/Berlin"
    assert metrics_refused(start_time=1763800000, timezone="Berlin!") == ["timezone"]


def test_totals_are_added_up_and_metrics_that_are_all_zero_left_out() -> None:
    result = metrics_of({"sent": [3, 5], "opened": [1, 4], "bounced": [0, 0]})
    assert result["totals"] == {"sent": 8, "opened": 5}
    assert result["series"] == {"sent": [3, 5], "opened": [1, 4]}
    assert (result["steps"], result["period"]) == (2, "days")
    assert "2 days" in result["summary"]


def test_in_brief_there_are_totals_and_how_to_see_each_step() -> None:
    result = metrics_of({"sent": [3, 5], "bounced": [0, 0]}, full=None, period="weeks", steps=2)
    assert result["totals"] == {"sent": 8}
    assert result["steps"] == 2
    assert not result.keys() & {"series", "starts", "truncated"}
    assert "full=true adds the numbers of each week." in result["summary"]
    assert "full=true" not in metrics_of({"sent": [0, 0]}, full=None)["summary"]


def test_one_step_is_one_step_though_customer_io_returns_two() -> None:
    result = metrics_of({"sent": [3, 5]}, steps=1)
    assert result["series"] == {"sent": [5]}
    assert result["totals"] == {"sent": 5}
    assert "1 day from 2025-11-23T00:00-05:00 (America/New_York)," in result["summary"]
    assert result["starts"] == ["2025-11-23"]


@given(
    st.dictionaries(
        st.sampled_from(["sent", "opened", "2xx"]),
        st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    )
)
def test_a_metric_that_is_not_listed_is_0_and_every_other_adds_up(
    series: dict[str, list[int]],
) -> None:
    result = metrics_of(series)
    for name, numbers in series.items():
        assert result["totals"].get(name, 0) == sum(numbers)
        assert result["series"].get(name, [0, 0, 0]) == numbers


def test_series_too_long_to_show_leave_their_totals() -> None:
    result = metrics_of({"sent": [1] * 50_000}, period="hours", start_time="2020-01-01")
    assert result["totals"] == {"sent": 50_000}
    assert result["truncated"] is True
    assert "series" not in result


@pytest.mark.parametrize("series", [None, {}])
def test_no_series_is_nothing_counted(series: object) -> None:
    result = metrics_of(series)
    assert (result["totals"], result["series"], result["steps"]) == ({}, {}, 0)


@pytest.mark.parametrize(
    "metric",
    [
        *(None, [], {"series": [1]}, {"series": {"sent": ["a"]}}, {"series": {"sent": [1, True]}}),
        *({"series": {"sent": [1.5]}}, {"series": {"sent": [1e308, 1e308]}}),
    ],
)
def test_what_is_no_series_of_whole_numbers_is_unreadable(metric: object) -> None:
    with pytest.raises(ReplyUnreadable):
        result_of(get_campaign_metrics, {"metric": metric}, campaign_id=12)
